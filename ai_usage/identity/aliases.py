"""Several addresses, one person: alias -> the person's own address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ai_usage.identity.snapshots import MEMBERS, Snapshot


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


def read_aliases(snapshots: Mapping[str, list[Snapshot]]) -> Aliases:
    """The aliases that people have in the newest snapshot that lists them.

    A leaver's stay. Where two people claim an address in different snapshots, the newer claim
    counts; within one file the reader refuses it.
    """
    claims: dict[str, str] = {}
    for alias, email in _claims(snapshots):
        # Newest first: an older claim may neither repeat a newer one nor close a circle with it.
        if alias not in claims and _end(claims, email) != alias:
            claims[alias] = email
    return Aliases({alias: _end(claims, alias) for alias in claims})


def _claims(snapshots: Mapping[str, list[Snapshot]]) -> Iterable[tuple[str, str]]:
    """(alias, person) of each person's newest row in each source, newest snapshot first."""
    found = []
    for source, own in snapshots.items():
        if source.endswith(MEMBERS):
            continue
        seen: set[str] = set()
        previous: object = None
        for snapshot in reversed(own):
            if snapshot.rows is previous:
                continue
            previous = snapshot.rows
            listed = set()
            for row in snapshot.rows:
                email = row["user_email"]
                if email in seen:
                    continue
                listed.add(email)
                aliases = row.get("aliases") or ()
                found += [(-snapshot.day.toordinal(), source, email, alias) for alias in aliases]
            seen |= listed
    return [(alias, email) for _day, _source, email, alias in sorted(found)]


def _end(claims: Mapping[str, str], email: str) -> str:
    while email in claims:
        email = claims[email]
    return email
