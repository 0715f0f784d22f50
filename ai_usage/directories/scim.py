"""People and keys from a SCIM 2.0 directory (RFC 7643, RFC 7644), as Okta or Entra ID have one.

Asked for `GET /Users` alone, with a bearer token. Answers are decoded here and not with a SCIM
library: those hold servers to the letter of the RFC, where a directory that is asked for people
has to be taken as it is (`"active": "True"`, a manager as a bare id, unknown extensions). The
tests hold the simulated server to the letter with one.

What fills which column of `users.csv`:

| column | SCIM attribute |
|---|---|
| user_email | the primary one of `emails`, else the first of type `work`, else `userName` |
| aliases | every other address in `emails`, and `userName` where it is one |
| user_id | `id` |
| employee_id | enterprise `employeeNumber` |
| first_name, last_name, full_name | `name.givenName`, `name.familyName`, `name.formatted` |
| display_name, preferred_name | `displayName`, `nickName` |
| department | enterprise `department`, else `division` |
| team, sub_team | ai-usage extension `team`, `subTeam` (SCIM itself knows no teams) |
| manager_email | the address of the user whose `id` is enterprise `manager.value` |
| cost_center | enterprise `costCenter` |
| job_title | `title` |
| employment_type | `userType`: Employee, Contractor, Intern and their usual spellings |
| timezone | `timezone` |
| is_active | `active`; missing means true |

`organization` and `locale` have no column; they stay in the archive. Keys come from the extension
`urn:ietf:params:scim:schemas:extension:aiusage:2.0:User`: `apiKeys` is a list of objects with
`platform` and `value` (the key's id, never its secret), and `display` (the key's name),
`workspaceId`, `intendedUse`, `costCenter`, `expires` where they are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pydantic import SecretStr

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.directories.base import DirectorySource
from ai_usage.directories.cells import cell, empty_row
from ai_usage.errors import SettingsError
from ai_usage.reference import Row, reference_file
from ai_usage.reference.files.api_keys import is_secret
from ai_usage.settings import Settings
from ai_usage.vendors.base import Client, Endpoint, ReadContext, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.values import email_of, field_of, text_of
from ai_usage.vendors.rows import DirectoryRow

NAME, USERS = "scim", "users"
PEOPLE, KEYS = "scim", "sso"
"""The snapshot sources of people and of keys."""

PAGE_SIZE = 100
"""Asked for; a server may give fewer (RFC 7644, 3.4.2.4)."""

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
AI_USAGE = "urn:ietf:params:scim:schemas:extension:aiusage:2.0:User"

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

Text = str | int | None
"""Servers send numbers for ids and employee numbers too."""


# --- The shape ---------------------------------------------------------------------------------


def _lower(name: str) -> str:
    return name.replace("_", "")


class _Email(msgspec.Struct, rename=_lower):
    value: Text = None
    type: Text = None
    primary: bool | None = None


class _Name(msgspec.Struct, rename=_lower):
    formatted: Text = None
    given_name: Text = None
    family_name: Text = None


class _Manager(msgspec.Struct, rename=_lower):
    value: Text = None
    ref: Text = msgspec.field(name="$ref", default=None)


class _Enterprise(msgspec.Struct, rename=_lower):
    employee_number: Text = None
    cost_center: Text = None
    department: Text = None
    division: Text = None
    manager: _Manager | str | None = None


class _Key(msgspec.Struct, rename=_lower):
    platform: Text = None
    value: Text = None
    display: Text = None
    workspace_id: Text = None
    intended_use: Text = None
    cost_center: Text = None
    expires: Text = None


class _AiUsage(msgspec.Struct, rename=_lower):
    team: Text = None
    sub_team: Text = None
    api_keys: list[_Key] | None = None


class _Meta(msgspec.Struct, rename=_lower):
    last_modified: Text = None


class _User(msgspec.Struct, rename=_lower):
    id: Text = None
    user_name: Text = None
    name: _Name | None = None
    display_name: Text = None
    nick_name: Text = None
    title: Text = None
    user_type: Text = None
    timezone: Text = None
    active: bool | None = None
    emails: list[_Email | str] | None = None
    meta: _Meta | None = None
    enterprise: _Enterprise | None = msgspec.field(name=ENTERPRISE.lower(), default=None)
    ai_usage: _AiUsage | None = msgspec.field(name=AI_USAGE.lower(), default=None)


class _Answer(msgspec.Struct):
    """`Resources` may be missing where `totalResults` is 0 (RFC 7644, 3.4.2)."""

    total: int = msgspec.field(name="totalresults")
    resources: list[_User] = msgspec.field(name="resources", default_factory=list)


def _folded(value: Any) -> Any:
    """Attribute names in lower case: they and schema URIs know no case (RFC 7643, 2.1)."""
    if isinstance(value, dict):
        return {key.lower(): _folded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_folded(item) for item in value]
    return value


def _decode(body: bytes) -> _Answer:
    # Not strict: some servers send booleans as texts.
    return msgspec.convert(_folded(msgspec.json.decode(body)), _Answer, strict=False)


# --- Asking ------------------------------------------------------------------------------------


def _headers(key: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {key}",
        "Accept": "application/scim+json, application/json",
    }


def _fetch_users(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """Every page, by `startIndex`, which counts from 1."""

    def ask(place: Place, where: str) -> Page:
        asked = [("startIndex", str(place.before + 1)), ("count", str(PAGE_SIZE))]
        return client.get(USERS, "/Users", asked, where=where)

    return paginate(_LISTING, ask, vendor=NAME, endpoint=USERS, where=f"{window}")


def _says(paging: Paging, page: Page, number: int) -> Says:
    """What a page says, once it was looked through: a secret in it must not be archived."""
    try:
        answer = _decode(page.body)
    except msgspec.ValidationError as error:
        raise paging.unreadable(error) from None
    came = [user_id for user in answer.resources if (user_id := text_of(user.id))]
    if len(set(came)) < len(came):
        twice = next(one for one in came if came.count(one) > 1)
        raise paging.shifted(f"user {twice} came twice")
    for user in answer.resources:
        _refuse_secrets(user, paging)
    records = [msgspec.Raw(msgspec.json.encode(user)) for user in answer.resources]
    return Says(records, total=answer.total)


def _id_of(record: msgspec.Raw) -> Hashable | None:
    return text_of(field_of(record, "id"))


_LISTING = Listing("start_index", _says, key=_id_of, nobody="AI_USAGE_SCIM_TOKEN")
"""Every user once, as many as announced."""


def _refuse_secrets(user: _User, paging: Paging) -> None:
    for listed in (user.ai_usage and user.ai_usage.api_keys) or ():
        if is_secret(text_of(listed.value)) or is_secret(text_of(listed.display)):
            who = text_of(user.user_name) or text_of(user.id)
            raise paging.failure(
                f"apiKeys of {who} holds a secret key",
                "revoke it, list its id (apikey_…) there, and run it again",
            )


# --- Reading -----------------------------------------------------------------------------------


@dataclass
class Lines:
    """What a directory's pages say: lines of users.csv and api_keys.csv, and what is left out."""

    people: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_listing(pages: Iterable[bytes]) -> Lines:
    """Everyone in the pages, one line per person; accounts without an address are left out.

    Of several accounts with one address the one that is active counts, then the one changed
    last. An address that two people name as a further one is nobody's.
    """
    users = [user for page in pages for user in _decode(page).resources]
    addresses = [_addresses(user) for user in users]
    by_id = {text_of(u.id): own[0] for u, own in zip(users, addresses, strict=True) if own}
    listing = Lines()
    accounts: dict[str, list[tuple[_User, list[str]]]] = {}
    for user, own in zip(users, addresses, strict=True):
        if own:
            accounts.setdefault(own[0], []).append((user, own[1:]))
    without = sum(1 for own in addresses if not own)
    if without:
        listing.notes.append(f"accounts without an e-mail address, left out: {without}")
    further = {
        email: {alias for _user, own in accounts[email] for alias in own} for email in accounts
    }
    claims = Counter(alias for own in further.values() for alias in own)
    register = reference_file("api_keys.csv")
    for email, own_accounts in sorted(accounts.items()):
        user, _ = max(own_accounts, key=lambda account: _standing(account[0]))
        aliases = {a for a in further[email] if claims[a] == 1 and a not in accounts}
        listing.people.append(_person(user, email, tuple(sorted(aliases)), by_id))
        for account, _ in own_accounts:
            listed = (account.ai_usage and account.ai_usage.api_keys) or ()
            for number, key in enumerate(listed, start=1):
                row = _key(key, email)
                wrong = next(register.check_row(row), None)
                if row["platform"] is None or wrong:
                    listing.notes.append(
                        f"entry {number} of apiKeys of {text_of(account.user_name)} names no "
                        "platform and key, and is left out"
                    )
                else:
                    listing.keys.append(row)
    return listing


def _read_users(pages: Iterable[bytes], context: ReadContext) -> Iterator[DirectoryRow]:
    listing = read_listing(pages)
    for source, rows in ((PEOPLE, listing.people), (KEYS, listing.keys)):
        for row in rows:
            yield DirectoryRow(source=source, values=row)


def _addresses(user: _User) -> list[str]:
    """The user's addresses, the person's own first; empty where there is none."""
    ranked = []
    for place, entry in enumerate(user.emails or ()):
        email = entry if isinstance(entry, _Email) else _Email(value=entry)
        kind = (text_of(email.type) or "").lower()
        ranked.append((not email.primary, kind != "work", place, _address(email.value)))
    found = [address for *_rank, address in sorted(ranked, key=lambda r: r[:3]) if address]
    name = _address(user.user_name)
    return list(dict.fromkeys([*found, *([name] if name else [])]))


def _address(value: Text) -> str | None:
    email: str | None = cell(reference_file("users.csv"), "user_email", email_of(text_of(value)))
    return email


def _standing(user: _User) -> tuple[bool, str, str]:
    modified = user.meta and text_of(user.meta.last_modified)
    return user.active is not False, modified or "", text_of(user.id) or ""


def _person(user: _User, email: str, aliases: tuple[str, ...], by_id: dict[str | None, str]) -> Row:
    name = user.name or _Name()
    enterprise = user.enterprise or _Enterprise()
    extension = user.ai_usage or _AiUsage()
    manager = _manager_email(enterprise.manager, by_id)
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
    }
    file = reference_file("users.csv")
    row = {**empty_row(file), **{n: cell(file, n, text_of(v)) for n, v in values.items()}}
    return {**row, "aliases": aliases or None, "is_active": user.active is not False}


def _letters(text: Text) -> str:
    return "".join(c for c in (text_of(text) or "").lower() if c.isalpha())


def _manager_email(manager: _Manager | str | None, by_id: dict[str | None, str]) -> str | None:
    """The manager's address: `value` is an id (RFC 7643, 4.3), with some servers an address."""
    if manager is None:
        return None
    if isinstance(manager, str):
        manager = _Manager(value=manager)
    value = text_of(manager.value) or (text_of(manager.ref) or "").rpartition("/")[2]
    return by_id.get(value) or _address(value)


def _key(key: _Key, email: str) -> Row:
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
    return {**empty_row(file), **{n: cell(file, n, text_of(v)) for n, v in values.items()}}


# --- Declaration -------------------------------------------------------------------------------

VENDOR = Vendor(
    name=NAME,
    title="SCIM directory",
    key_setting="AI_USAGE_SCIM_TOKEN",
    base_url_setting="AI_USAGE_SCIM_URL",
    base_url="",
    headers=_headers,
    platforms=(),
    endpoints=(
        Endpoint(
            name=USERS,
            description="Everyone in the company's directory, with the keys that it knows.",
            api_path="GET /Users",
            yields=DirectoryRow,
            fetch=_fetch_users,
            read=_read_users,
            kind="snapshot",
            max_days=1,
            finalization_lag=timedelta(0),
        ),
    ),
)


def connect(settings: Settings) -> VendorClient:
    """A client of the configured directory. Raises `SettingsError`."""
    if settings.scim_token is None or not settings.scim_url:
        raise SettingsError("set AI_USAGE_SCIM_URL and AI_USAGE_SCIM_TOKEN to read the directory.")
    return VendorClient(
        VENDOR,
        SecretStr(settings.scim_token.get_secret_value().strip()),
        base_url=settings.scim_url,
        timeout_seconds=settings.http_timeout_seconds,
        attempts=settings.http_attempts,
    )


SCIM = DirectorySource(
    name=f"{NAME}_{USERS}",
    title=VENDOR.title,
    needs=("AI_USAGE_SCIM_URL", "AI_USAGE_SCIM_TOKEN"),
    sources=(PEOPLE, KEYS),
    declare=lambda settings: VENDOR,
    connect=connect,
    notes=lambda pages: read_listing(pages).notes,
)
