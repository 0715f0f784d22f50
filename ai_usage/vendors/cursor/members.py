"""The team's members; a removed member stays listed as such."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import IN_USERS, rows
from ai_usage.vendors.kit.values import email_of, text_of
from ai_usage.vendors.rows import Person

PATH = "/teams/members"


class _Page(msgspec.Struct, rename="camel"):
    team_members: list[msgspec.Raw]


class _Member(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    user_id: int | str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    is_removed: bool | None = None


_PAGE = msgspec.json.Decoder(_Page, strict=False)


def _says(paging: Paging, page: Page, number: int) -> Says:
    """All on one page."""
    return Says(paging.decode(page, _PAGE).team_members, more=False)


LISTING = Listing("number", _says, nobody=api.KEY_SETTING)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    def ask(place: Place, where: str) -> Page:
        return client.get("members", PATH, where=f"{window}")

    return paginate(LISTING, ask, vendor=api.NAME, endpoint="members", where=f"{window}")


def _row(member: _Member) -> Person:
    email = email_of(member.email)
    return Person(
        vendor_user_id=text_of(member.id) or text_of(member.user_id) or email or "",
        user_email=email,
        full_name=text_of(member.name),
        role=member.role,
        is_removed=bool(member.is_removed),
    )


ENDPOINT = Endpoint(
    name="members",
    description="The team's members, removed ones included.",
    api_path=f"GET {PATH}",
    yields=Person,
    fetch=_fetch,
    read=rows(
        lambda page: _PAGE.decode(page).team_members,
        msgspec.json.Decoder(_Member, strict=False),
        _row,
        ids=("id", "userId"),
        remedy=IN_USERS,
    ),
    kind="snapshot",
    max_days=1,
    finalization_lag=timedelta(0),
    requests_per_minute=20,
)
