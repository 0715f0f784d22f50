"""From accounts of a SCIM directory to lines of users.csv and api_keys.csv, each account by itself.

`scim` has the table of what fills which column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import msgspec

from ai_usage.directories.cells import cell, empty_row
from ai_usage.directories.scim_shape import (
    AiUsage,
    Email,
    Enterprise,
    Key,
    Manager,
    Name,
    Text,
    User,
    decode,
    field,
    user_of,
)
from ai_usage.reference import Row, reference_file
from ai_usage.reference.problems import CellError
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.kit.reading import named, odd_shape
from ai_usage.vendors.kit.values import email_of, text_of
from ai_usage.vendors.rows import DirectoryRow, LeftOut, Why

PEOPLE, KEYS = "scim", "sso"
"""The snapshot sources of people and of keys."""

_EMPLOYMENT = {
    "employee": "full_time",
    "fulltime": "full_time",
    "regular": "full_time",
    "member": "full_time",
    "contractor": "contractor",
    "contingent": "contractor",
    "external": "contractor",
    "temp": "contractor",
    "temporary": "contractor",
    "intern": "intern",
    "trainee": "intern",
}


_MEND = "mend it in the directory: the next run reads it again; a line in {} wins meanwhile"
REMEDY = _MEND.format("users.csv")
KEY_REMEDY = _MEND.format("api_keys.csv")
NO_ADDRESS = "give the account an address in the directory, if it is a person's"
NOT_GIVEN = (
    "see which accounts the token in AI_USAGE_SCIM_TOKEN may not read; whoever went missing with "
    "it counts as before meanwhile"
)


@dataclass
class Lines:
    """What a directory's pages say: lines of users.csv and api_keys.csv, and what is left out."""

    people: list[Row] = dataclass_field(default_factory=list)
    keys: list[Row] = dataclass_field(default_factory=list)
    left_out: list[LeftOut] = dataclass_field(default_factory=list)


@dataclass(frozen=True)
class _Account:
    """An account that can be read: its own address first, then the others."""

    user: User
    own: list[str]

    @property
    def name(self) -> str:
        """By what a person finds it in the directory."""
        return named(text_of(self.user.user_name), text_of(self.user.id)) or "an account"

    def without(
        self, what: str, *columns: str, source: str | None = None, remedy: str = REMEDY
    ) -> LeftOut:
        """What is left out of it."""
        user_id = text_of(self.user.id)
        return LeftOut(
            who=self.name,
            what=what,
            remedy=remedy,
            ids=(user_id,) if user_id else (),
            addresses=tuple(self.own),
            columns=columns,
            source=source,
        )


def read_listing(pages: Iterable[bytes]) -> Lines:
    """Everyone in the pages, one line per person; accounts without an address are left out.

    Each account is judged by itself: an odd one is left out, the others come. Of several accounts
    with one address the one that is active counts, then the one changed last. An address that two
    people name as a further one is nobody's, and so is a login.
    """
    listing = Lines()
    users = list(_users(pages, listing))
    read = [_Account(user, _addresses(user, listing)) for user in users]
    by_id = {text_of(found.user.id): found.own[0] for found in read if found.own}
    accounts: dict[str, list[_Account]] = {}
    for account in read:
        if account.own:
            accounts.setdefault(account.own[0], []).append(account)
    further = {
        email: {alias for account in own for alias in account.own[1:]}
        for email, own in accounts.items()
    }
    claims = Counter(alias for own in further.values() for alias in own)
    out = {user_id for left in listing.left_out if left.columns is None for user_id in left.ids}
    for email, own_accounts in sorted(accounts.items()):
        best = max(own_accounts, key=lambda account: _standing(account.user))
        aliases = {a for a in further[email] if claims[a] == 1 and a not in accounts}
        listing.people.append(_person(best, email, tuple(sorted(aliases)), by_id, listing))
        manager = _manager_id(best.user)
        if manager in out and manager not in by_id:
            left = best.without("its manager's account is left out", "manager_email")
            listing.left_out.append(msgspec.structs.replace(left, source=PEOPLE, why="follows"))
        for account in own_accounts:
            _add_keys(account, email, listing)
    logins = Counter(login for row in listing.people for login in row["vendor_logins"] or ())
    for row in listing.people:
        own_logins = tuple(login for login in row["vendor_logins"] or () if logins[login] == 1)
        row["vendor_logins"] = own_logins or None
    return listing


def _users(pages: Iterable[bytes], listing: Lines) -> Iterator[User]:
    """Every account that can be read, once, in the order of the pages; the others are noted."""
    came: set[str | bytes] = set()
    totals, places = set(), 0
    for page_number, page in enumerate(pages, 1):
        answer = decode(page)
        if answer.resources:
            totals.add(answer.total)
        for number, record in enumerate(answer.resources, 1):
            name = field(record, "id") or msgspec.json.encode(record)
            if name in came:
                # The same account again: at the seam of two pages, of which the first was short,
                # or on the page that a server gives for whatever is beyond its last one.
                continue
            came.add(name)
            places += 1
            try:
                yield user_of(record)
            except msgspec.ValidationError as error:
                where = f"account {number} of page {page_number}"
                listing.left_out.append(_odd(record, where, error))
    total = max(totals, default=0)
    if len(totals) == 1 and places < total:
        for place in range(total - places):
            listing.left_out.append(
                LeftOut(
                    who=f"account {place + 1} of {total - places} that no page holds",
                    what=f"the directory counts {total} accounts and gives {places}",
                    remedy=NOT_GIVEN,
                )
            )


def _odd(record: Any, where: str, error: msgspec.ValidationError) -> LeftOut:
    user_id, name = field(record, "id"), field(record, "username")
    address = email_of(name)
    return LeftOut(
        who=named(name, user_id) or where,
        what=odd_shape(error),
        remedy=REMEDY,
        ids=(user_id,) if user_id else (),
        addresses=(address,) if address and "@" in address else (),
    )


def _add_keys(account: _Account, email: str, listing: Lines) -> None:
    """The lines of the register that an account's keys make."""
    register = reference_file("api_keys.csv")
    user = account.user
    for number, key in enumerate((user.ai_usage and user.ai_usage.api_keys) or (), start=1):
        refused: list[str] = []
        row = _key(key, email, lambda name, error: refused.append(f"{name} {error.what}"))  # noqa: B023
        wrong = next(register.check_row(row), None)
        if row["platform"] is None or wrong:
            left = account.without(
                f"entry {number} of its apiKeys names no platform and key", remedy=KEY_REMEDY
            )
            listing.left_out.append(msgspec.structs.replace(left, columns=None, source=KEYS))
            continue
        listing.keys.append(row)
        listing.left_out += [
            account.without(
                f"entry {number} of its apiKeys: {what}", source=KEYS, remedy=KEY_REMEDY
            )
            for what in refused
        ]


def read_users(pages: Iterable[bytes], context: ReadContext) -> Iterator[DirectoryRow | LeftOut]:
    """The endpoint's reader: lines of both registers, and what is left out."""
    listing = read_listing(pages)
    for source, rows in ((PEOPLE, listing.people), (KEYS, listing.keys)):
        for row in rows:
            yield DirectoryRow(source=source, values=row)
    yield from listing.left_out


def _addresses(user: User, listing: Lines) -> list[str]:
    """The user's addresses, the person's own first; empty where there is none.

    What stands where an address does and is none is told; a user name need not be one.
    """
    refused: list[str] = []
    ranked = []
    for place, entry in enumerate(user.emails or ()):
        email = entry if isinstance(entry, Email) else Email(value=entry)
        kind = (text_of(email.type) or "").lower()
        found = _address(email.value, refused)
        ranked.append((not email.primary, kind != "work", place, found))
    emails = [address for *_rank, address in sorted(ranked, key=lambda r: r[:3]) if address]
    text = text_of(user.user_name) or ""
    name = _address(text, refused if "@" in text else [])
    own = list(dict.fromkeys([*emails, *([name] if name else [])]))
    account = _Account(user, own)
    if own:
        listing.left_out += [account.without(what) for what in refused]
    elif user.active is not False or refused:
        left = account.without(
            refused[0] if refused else "it has no e-mail address", remedy=NO_ADDRESS
        )
        why: Why = "odd" if refused else "nobody"
        listing.left_out.append(msgspec.structs.replace(left, columns=None, why=why))
    return own


def _address(value: Text, refused: list[str]) -> str | None:
    email: str | None = cell(
        reference_file("users.csv"),
        "user_email",
        email_of(text_of(value)),
        lambda _name, error: refused.append(error.what),
    )
    return email


def _standing(user: User) -> tuple[bool, str, str]:
    modified = user.meta and text_of(user.meta.last_modified)
    return user.active is not False, modified or "", text_of(user.id) or ""


def _person(
    account: _Account,
    email: str,
    aliases: tuple[str, ...],
    by_id: dict[str | None, str],
    listing: Lines,
) -> Row:
    user = account.user
    name = user.name or Name()
    enterprise = user.enterprise or Enterprise()
    extension = user.ai_usage or AiUsage()
    manager = _manager_email(user, by_id)
    values = {
        "user_email": email,
        "user_id": user.id,
        "employee_id": enterprise.employee_number,
        "first_name": name.given_name,
        "last_name": name.family_name,
        "full_name": name.formatted,
        "display_name": user.display_name,
        "preferred_name": user.nick_name,
        "department": text_of(enterprise.department) or enterprise.division,
        "team": extension.team,
        "sub_team": extension.sub_team,
        "manager_email": None if manager == email else manager,
        "cost_center": enterprise.cost_center,
        "job_title": user.title,
        "employment_type": _EMPLOYMENT.get(_letters(user.user_type)),
        "timezone": user.timezone,
        "vendor_logins": _logins(extension),
    }

    def refused(column: str, error: CellError) -> None:
        left = account.without(f"{column}: {error.what}", column, source=PEOPLE)
        listing.left_out.append(left)

    file = reference_file("users.csv")
    cells = {n: cell(file, n, text_of(v), refused) for n, v in values.items()}
    row = {**empty_row(file), **cells}
    return {**row, "aliases": aliases or None, "is_active": user.active is not False}


def _logins(extension: AiUsage) -> str:
    """As a cell of users.csv has them; one without its platform or value is refused there."""
    logins = extension.vendor_logins or ()
    return ";".join(f"{text_of(one.platform) or ''}:{text_of(one.value) or ''}" for one in logins)


def _letters(text: Text) -> str:
    return "".join(c for c in (text_of(text) or "").lower() if c.isalpha())


def _manager_id(user: User) -> str | None:
    """What names the manager: `value` is an id (RFC 7643, 4.3), with some servers an address."""
    manager = user.enterprise.manager if user.enterprise else None
    if isinstance(manager, str):
        manager = Manager(value=manager)
    if manager is None:
        return None
    return text_of(manager.value) or (text_of(manager.ref) or "").rpartition("/")[2] or None


def _manager_email(user: User, by_id: dict[str | None, str]) -> str | None:
    value = _manager_id(user)
    return None if value is None else by_id.get(value) or _address(value, [])


def _key(key: Key, email: str, refused: Callable[[str, CellError], None]) -> Row:
    values = {
        "platform": key.platform,
        "api_key_id": key.value,
        "api_key_name": key.display,
        "user_email": email,
        "workspace_id": key.workspace_id,
        "intended_use": key.intended_use,
        "cost_center": key.cost_center,
        "expires_date": (text_of(key.expires) or "")[: len("2026-01-31")],
    }
    file = reference_file("api_keys.csv")
    return {**empty_row(file), **{n: cell(file, n, text_of(v), refused) for n, v in values.items()}}
