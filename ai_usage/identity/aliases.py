"""Several addresses, one person: alias -> the person's own address; and their logins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from ai_usage.identity.following import newest
from ai_usage.identity.snapshots import MEMBERS, Snapshot
from ai_usage.reference.column import Row
from ai_usage.vendors.rows import Person


class Aliases:
    """Resolves any address to the person's own; an address that is no alias is its own."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self.own = dict(own or {})
        self._resolved: dict[str, str] = {}

    def resolve(self, email: str) -> str:
        """The person's own address, lower case."""
        known = self._resolved.get(email)
        if known is None:
            address = email.strip().lower()
            known = self._resolved[email] = self.own.get(address, address)
        return known

    def owner(self, row: Any) -> str | None:
        """Whose a directory's line or a member is, by their own address; None without one."""
        address: str | None = row.user_email if isinstance(row, Person) else row["user_email"]
        return self.resolve(address) if address else None


Lines = Sequence[tuple[date, str, str, Row]]
"""Of everybody whom a directory ever listed the newest lines: the last day on which they stood
there, the source, the person's address in it, and the line."""


def newest_lines(snapshots: Mapping[str, list[Snapshot]]) -> Lines:
    """Everybody's newest lines in each source; vendors have none."""
    return [
        (day, source, email, row)
        for source, own in snapshots.items()
        if not source.endswith(MEMBERS)
        for email, (day, rows) in newest(own, lambda row: row["user_email"]).items()
        for row in rows
    ]


def read_aliases(lines: Lines) -> Aliases:
    """The aliases that people have in the newest snapshot that lists them.

    A leaver's stay. Where two people claim an address in different snapshots, the newer claim
    counts; within one file the reader refuses it.
    """
    claims: dict[str, str] = {}
    for alias, email in _claims(lines, "aliases"):
        # Newest first: an older claim may neither repeat a newer one nor close a circle with it.
        if alias not in claims and _end(claims, email) != alias:
            claims[alias] = email
    return Aliases({alias: _end(claims, alias) for alias in claims})


Login = tuple[str, str]
"""(platform, login): what a vendor calls a person whose address it does not give."""


def read_logins(lines: Lines, aliases: Aliases) -> dict[Login, str]:
    """Whose each login is: the person's own address. Claims count as those of aliases do."""
    claims: dict[Login, str] = {}
    for text, email in _claims(lines, "vendor_logins"):
        platform, _, login = text.partition(":")
        claims.setdefault((platform, login), aliases.resolve(email))
    return claims


def read_members(snapshots: Mapping[str, list[Snapshot]], aliases: Aliases) -> dict[Login, str]:
    """Whose each id of a member is, of the lists that give their addresses; the newest list counts.

    What reports name by an id alone is a person's then, for any vendor.
    """
    return {
        (source.removesuffix(MEMBERS), own_id): aliases.resolve(min(row.user_email for row in rows))
        for source, own in snapshots.items()
        if source.endswith(MEMBERS)
        for own_id, (_day, rows) in newest(own, id_with_address).items()
    }


def id_with_address(row: Person) -> str | None:
    """The id of a member whose address is told."""
    return row.vendor_user_id if row.user_email else None


def _claims(lines: Lines, column: str) -> Iterable[tuple[str, str]]:
    """(what the column claims, person) of each person's newest lines, the newest first."""
    found = [
        (-day.toordinal(), source, email, claim)
        for day, source, email, row in lines
        for claim in row.get(column) or ()
    ]
    return [(claim, email) for _day, _source, email, claim in sorted(found)]


def _end(claims: Mapping[str, str], email: str) -> str:
    while email in claims:
        email = claims[email]
    return email
