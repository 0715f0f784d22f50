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
| vendor_logins | ai-usage extension `vendorLogins`: a list of objects with `platform`, `value` |

`organization` and `locale` have no column; they stay in the archive. Keys come from the extension
`urn:ietf:params:scim:schemas:extension:aiusage:2.0:User`: `apiKeys` is a list of objects with
`platform` and `value` (the key's id, never its secret), and `display` (the key's name),
`workspaceId`, `intendedUse`, `costCenter`, `expires` where they are known.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from pydantic import SecretStr

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.directories.base import DirectorySource
from ai_usage.directories.scim_reading import KEYS, PEOPLE, read_listing, read_users
from ai_usage.directories.scim_shape import AI_USAGE, CORE, ENTERPRISE, decode, field
from ai_usage.errors import SettingsError
from ai_usage.reference.files.api_keys import is_secret
from ai_usage.settings import Settings
from ai_usage.vendors.base import Client, Endpoint, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging, text_of
from ai_usage.vendors.kit.values import field_of, text_if_any
from ai_usage.vendors.rows import DirectoryRow

__all__ = ["AI_USAGE", "CORE", "ENTERPRISE", "SCIM", "VENDOR", "connect", "read_listing"]

NAME, USERS = "scim", "users"

PAGE_SIZE = 100
"""Asked for; a server may give fewer (RFC 7644, 3.4.2.4)."""


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
        answer = decode(text_of(page))
    except msgspec.DecodeError as error:
        raise paging.unreadable(error) from None
    came = [user_id for user in answer.resources if (user_id := field(user, "id"))]
    if len(set(came)) < len(came):
        twice = next(one for one in came if came.count(one) > 1)
        raise paging.shifted(f"user {twice} came twice")
    for user in answer.resources:
        _refuse_secrets(user, paging)
    records = [msgspec.Raw(msgspec.json.encode(user)) for user in answer.resources]
    return Says(records, total=answer.total)


def _id_of(record: msgspec.Raw) -> Hashable | None:
    return text_if_any(field_of(record, "id"))


_LISTING = Listing(
    "start_index",
    _says,
    key=_id_of,
    size=PAGE_SIZE,
    may_leave_out=True,
    nobody="AI_USAGE_SCIM_TOKEN",
)
"""Every user once; the total may be a page's own count, or count accounts that no page holds."""


def _refuse_secrets(user: Any, paging: Paging) -> None:
    """An odd account too may hold one, wherever its keys stand in it."""
    extension = user.get(AI_USAGE.lower()) if isinstance(user, dict) else user
    if any(is_secret(text.strip()) for text in _texts(extension)):
        who = field(user, "username") or field(user, "id")
        raise paging.failure(
            f"apiKeys of {who} holds a secret key",
            "revoke it, list its id (apikey_…) there, and run it again",
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


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
            read=read_users,
            kind="snapshot",
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
)
