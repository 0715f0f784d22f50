"""Who holds a seat. Whoever has it of several teams or organisations stands there several times."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.github_copilot import api
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import IN_USERS, rows
from ai_usage.vendors.kit.values import decoded
from ai_usage.vendors.rows import LeftOut, Person

MOST_SEATS = 100
"""Of a page."""


class _Page(msgspec.Struct):
    seats: list[msgspec.Raw]
    total_seats: int | None = None


class _Known(msgspec.Struct, frozen=True):
    id: int | str | None = None


class _Assignee(msgspec.Struct):
    id: int | str | None = None
    login: str | None = None
    type: str | None = None


class _Seat(msgspec.Struct):
    assignee: _Assignee
    assigning_team: _Known | None = None
    organization: _Known | None = None


_PAGE = msgspec.json.Decoder(_Page)
_SEAT = msgspec.json.Decoder(_Seat)


def _key(record: msgspec.Raw) -> Hashable | None:
    """A person's seat of a team or an organisation."""
    seat = decoded(_SEAT, record)
    if seat is None or seat.assignee.id is None:
        return None
    return seat.assignee.id, seat.assigning_team, seat.organization


def _says(paging: Paging, page: Page, number: int) -> Says:
    """The total counts who is billed, not the records: it is compared at the end, with people."""
    answer = paging.decode(page, _PAGE)
    if answer.total_seats is not None:
        paging.same_total(answer.total_seats)
    return Says(answer.seats)


LISTING = Listing("link", _says, key=_key)


def _all_there(paging: Paging) -> None:
    people = {key[0] for key in paging.keys if isinstance(key, tuple)}
    total = paging.announced
    if total is not None and not len(people) <= total <= paging.count:
        raise paging.shifted(f"{len(people)} people in {paging.count} records of {total} seats")


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    path, asked = f"{api.account_of(client).path}/billing/seats", [("per_page", f"{MOST_SEATS}")]
    return listed(client, LISTING, "seats", path, asked, f"{window}", at_end=_all_there)


def _row(seat: _Seat) -> Person | LeftOut:
    """A seat that is to be cancelled is billed until then: its holder stays."""
    login = api.login_of(seat.assignee.login)
    if login is None or seat.assignee.type not in (None, "User"):
        return LeftOut(who=login or f"id {seat.assignee.id}", what="is no person", why="nobody")
    return Person(vendor_user_id=login, user_email=None)


_rows = rows(lambda page: _PAGE.decode(page).seats, _SEAT, _row, ids=("assignee",), remedy=IN_USERS)


def _read(pages: Iterable[bytes], context: ReadContext) -> Iterator[Person | LeftOut]:
    """Each person once."""
    yield from dict.fromkeys(_rows(pages, context))


ENDPOINT = Endpoint(
    name="seats",
    description="Who holds a seat, by login.",
    api_path="GET /{account}/copilot/billing/seats",
    yields=Person,
    fetch=_fetch,
    read=_read,
    kind="snapshot",
)
