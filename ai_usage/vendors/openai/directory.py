"""Projects, members, and whatever may act: keys, service accounts, members without a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.base import Client, Endpoint
from ai_usage.vendors.kit.reading import IN_REGISTER, IN_USERS, rows
from ai_usage.vendors.kit.values import email_of, text_of
from ai_usage.vendors.openai import api
from ai_usage.vendors.rows import ApiKey, Person, Row, Workspace


class _Holder(msgspec.Struct):
    id: str


class _Owner(msgspec.Struct):
    user: _Holder | None = None
    service_account: _Holder | None = None


class _Record(msgspec.Struct):
    """Of any list. A key has an owner, a member an address, a service account neither."""

    id: str
    name: str | None = None
    email: str | None = None
    role: str | None = None
    created_at: int | None = None
    archived_at: int | None = None
    expires_at: int | None = None
    owner: _Owner | None = None
    owner_project_access: str | None = None


def _projects(client: Client, window: Window, endpoint: str = "projects") -> Iterator[Page]:
    # What was spent in archived ones still has to be named.
    return api.directory(client, endpoint, "projects", window, [("include_archived", "true")])


def _users(client: Client, window: Window) -> Iterator[Page]:
    return api.directory(client, "users", "users", window, nobody=api.KEY_SETTING)


def _accounts(client: Client, window: Window) -> Iterator[Page]:
    """The members, and of every project its keys and service accounts.

    Keys whose owner has left the project are hidden, some live ones too, unless any are asked for.
    """
    listed = partial(api.directory, client, "api_keys", window=window)
    yield from listed("users")
    # The projects' own pages are another endpoint's answer.
    for page in list(_projects(client, window, "api_keys")):
        for record in api.entries(page.text or page.body):
            if (project := api.id_of(record)) is None:
                raise VendorError(
                    f"{api.NAME} api_keys {window}: a project has no id. Try again later."
                )
            path = f"projects/{project}"
            yield from listed(f"{path}/api_keys", params=[("owner_project_access", "any")])
            yield from listed(f"{path}/service_accounts")


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else api.instant(seconds)


def _project(one: _Record) -> Workspace:
    archived = _instant(one.archived_at)
    return Workspace(workspace_id=one.id, workspace_name=one.name, archived_at=archived)


def _person(one: _Record) -> Person:
    """A member; service accounts may be listed among them, without an address."""
    email, name = email_of(one.email), text_of(one.name)
    return Person(vendor_user_id=one.id, user_email=email, full_name=name, role=one.role)


def _account(one: _Record) -> ApiKey:
    """A key is its owner's; who acts without a key is listed under the account's own id.

    A service account is nobody's: `api_keys.csv` says whose its use is, under the id of its key or
    its own. The page does not name the project.
    """
    owner = one.owner or _Owner()
    is_member = one.owner is None and one.email is not None
    holder = one if is_member else owner.user or owner.service_account
    return ApiKey(
        api_key_id=one.id,
        # A member's name is no key's name.
        api_key_name=None if is_member else one.name,
        status="inactive" if one.owner_project_access == "inactive" else "active",
        created_at=_instant(one.created_at),
        expires_at=_instant(one.expires_at),
        created_by_id=holder.id if holder else None,
    )


_RECORD = msgspec.json.Decoder(_Record)


def _directory(
    name: str,
    description: str,
    yields: type[Row],
    pages: Callable[[Client, Window], Iterator[Page]],
    row: Callable[[_Record], Row],
    remedy: str = "",
    path: str = "",
) -> Endpoint:
    return Endpoint(
        name=name,
        description=description,
        api_path=f"GET {api.BASE}/{path or name}",
        yields=yields,
        fetch=lambda client, window, now: pages(client, window),
        read=rows(api.entries, _RECORD, row, remedy=remedy),
        kind="snapshot",
    )


ENDPOINTS = (
    _directory(
        "api_keys",
        "The projects' keys with their owners, service accounts, and members without a key.",
        ApiKey,
        _accounts,
        _account,
        IN_REGISTER,
        "projects",
    ),
    _directory("users", "The organization's members.", Person, _users, _person, IN_USERS),
    _directory("projects", "The projects, archived ones included.", Workspace, _projects, _project),
)
