"""What the endpoints of Cursor's Admin APIs share: credentials, whom they ask, limits, windows.

A key is a team's or an organisation's, and is taken by the routes of its kind alone. The
organisation's routes have all its teams at once, each record with its `teamId`: the same events
and dollars, so a company asks one of the two.

The contract (limits, traps, units) is the vendor's documentation at https://cursor.com/docs,
checked against public connectors; where those disagree a comment says which reading is taken.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client
from ai_usage.vendors.kit.paginate import Listing, Place, paginate
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.saved import Body, Span, period
from ai_usage.vendors.kit.values import decoded, email_of, text_of

NAME = "cursor"
KEY_SETTING, ORGANIZATION_SETTING = "CURSOR_API_KEY", "CURSOR_ORGANIZATION_ID"
USERS_PER_PAGE = 100
TEAM, ORGANIZATION = "/teams", "/organizations"
"""What the paths of the two APIs begin with."""


def headers(key: str) -> dict[str, str]:
    """HTTP Basic: the key is the user, the password is empty."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode("ascii")}


def organization(text: str) -> str:
    """An organisation's public id; ValueError for what is none."""
    if not text.startswith("org_") or not text.isascii() or not text.isprintable():
        raise ValueError(text)
    return text


def organization_of(client: Client) -> str | None:
    """The organisation that the key is of; None for a team's key."""
    return client.option(ORGANIZATION_SETTING)


def within(window: Window, now: datetime) -> dict[str, int]:
    """`startDate` and `endDate` in epoch milliseconds, both inclusive.

    The window ends a millisecond before midnight (midnight itself is the next day's first event),
    and never in the future: events that arrive while pages are read would shift them.
    """
    end = min(window.end_at - timedelta(milliseconds=1), max(now, window.start_at))
    return {
        "startDate": int(window.start_at.timestamp()) * 1000,
        "endDate": int(end.timestamp() * 1000),
    }


def numbered(
    client: Client,
    endpoint: str,
    route: str,
    body: Mapping[str, Any],
    size: int,
    listing: Listing,
    window: Window,
    at_end: Callable[[Paging], None] = lambda paging: None,
) -> Iterator[Page]:
    """Every page of a list that is asked for by POST and the number of the page.

    `route` stands in the team's API and in the organisation's.
    """

    def ask(place: Place, where: str) -> Page:
        asked = {**body, "page": place.number, "pageSize": size}
        return posted(client, endpoint, route, asked, where)

    return paginate(listing, ask, vendor=NAME, endpoint=endpoint, where=f"{window}", at_end=at_end)


def posted(client: Client, endpoint: str, route: str, body: Mapping[str, Any], where: str) -> Page:
    """The answer of a route of whom the key is of; the organisation has to be named."""
    named = organization_of(client)
    if named is None:
        return client.post(endpoint, f"{TEAM}{route}", body, where=where)
    asked = {"organizationId": named, **body}
    return client.post(endpoint, f"{ORGANIZATION}{route}", asked, where=where)


class Pagination(msgspec.Struct, rename="camel"):
    """Of daily usage, usage events and an organisation's members, whose words differ."""

    has_next_page: bool | None = None
    page: int | None = None
    total_users: int | None = None
    total_count: int | None = None
    page_size: int | None = None
    current_page: int | None = None


NO_PAGINATION = Pagination()


class _Known(msgspec.Struct, rename="camel"):
    """What tells a member's row apart; the vendor gives an id or an address, not always both."""

    user_id: int | str | None = None
    email: str | None = None
    team_id: int | str | None = None
    day: str | None = None
    date: int | str | None = None


_KNOWN = msgspec.json.Decoder(_Known, strict=False)


def member_day(record: msgspec.Raw) -> Hashable | None:
    """A member's row of a team and day, or of the running cycle; None where nothing names whom."""
    row = decoded(_KNOWN, record) or _Known()
    who = text_of(row.user_id) or email_of(row.email)
    return None if who is None else (who, row.team_id, row.day, row.date)


# --- Saved answers -----------------------------------------------------------------------------


def covered(body: Body, unsaid: Iterable[Span]) -> tuple[tuple[Span, ...], bool]:
    """The days, each with what the answer has of it, and whether the answer itself says so."""
    said = body.get("period")
    if isinstance(said, dict):
        found = period(said.get("startDate"), said.get("endDate"))
        if found is not None:
            return tuple(found.by_day()), True
    return tuple(unsaid), False


def asked(body: Body) -> Hashable:
    """What a saved answer's request was."""
    return msgspec.json.encode(body.get("period"), order="sorted")


def pagination(body: Body) -> dict[str, Any]:
    """What a saved page says of its place."""
    found = body.get("pagination")
    return found if isinstance(found, dict) else {}
