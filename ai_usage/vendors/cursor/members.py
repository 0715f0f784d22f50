"""Whom the key's team or organisation has; a team lists a removed member as such."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.paginate import Listing, Place, Says, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import IN_USERS, rows
from ai_usage.vendors.kit.values import email_of, field_of, text_if_any, text_of
from ai_usage.vendors.rows import Person

ROUTE = "/members"
MEMBERS_PER_PAGE = 200
"""Of an organisation; larger pages are cut to this."""


class _Page(msgspec.Struct, rename="camel"):
    """A team's list is on one page, an organisation's under another name on several."""

    team_members: list[msgspec.Raw] | None = None
    members: list[msgspec.Raw] | None = None
    pagination: api.Pagination | None = None

    @property
    def listed(self) -> list[msgspec.Raw]:
        """The list, which must be there: ValueError else."""
        found = self.members if self.team_members is None else self.team_members
        if found is None:
            raise ValueError("no list of members")
        return found


class _Member(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    user_id: int | str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    organization_role: str | None = None
    is_removed: bool | None = None


_PAGE = msgspec.json.Decoder(_Page, strict=False)


def _says(paging: Paging, page: Page, number: int) -> Says:
    answer = paging.decode(page, _PAGE)
    if answer.team_members is None and answer.members is None:
        raise paging.failure("the answer has another shape than documented: no list of members")
    pagination = answer.pagination or api.NO_PAGINATION
    more, total = bool(pagination.has_next_page), pagination.total_count
    return Says(answer.listed, more, number=pagination.page, total=total)


def _id_of(record: msgspec.Raw) -> str | None:
    """An organisation has a member once, whatever teams he is in."""
    return text_if_any(field_of(record, "userId"))


LISTING = Listing("number", _says, key=_id_of, nobody=api.KEY_SETTING)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    def ask(place: Place, where: str) -> Page:
        if api.organization_of(client) is None:
            return client.get("members", f"{api.TEAM}{ROUTE}", where=f"{window}")
        asked = [("page", str(place.number)), ("pageSize", str(MEMBERS_PER_PAGE))]
        return client.get("members", f"{api.ORGANIZATION}{ROUTE}", asked, where=where)

    return paginate(LISTING, ask, vendor=api.NAME, endpoint="members", where=f"{window}")


def _row(member: _Member) -> Person:
    email = email_of(member.email)
    return Person(
        vendor_user_id=text_of(member.id) or text_of(member.user_id) or email or "",
        user_email=email,
        full_name=text_of(member.name),
        role=member.role or member.organization_role,
        is_removed=bool(member.is_removed),
    )


ENDPOINT = Endpoint(
    name="members",
    description="The members, of a team removed ones included.",
    api_path=f"GET {api.TEAM}{ROUTE}",
    yields=Person,
    fetch=_fetch,
    read=rows(
        lambda page: _PAGE.decode(page).listed,
        msgspec.json.Decoder(_Member, strict=False),
        _row,
        ids=("id", "userId"),
        remedy=IN_USERS,
    ),
    kind="snapshot",
    requests_per_minute=20,
)
