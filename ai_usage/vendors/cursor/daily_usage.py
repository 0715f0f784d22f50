"""A member's day in the editor: lines, suggestions, requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Client, Endpoint, ReadContext
from ai_usage.vendors.cursor import api
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.reading import events
from ai_usage.vendors.kit.saved import (
    Body,
    PageTells,
    SavedReport,
    Span,
    day_from,
    flag,
    moment,
    records_of,
    whole_number,
)
from ai_usage.vendors.kit.values import Int, day_of, email_of, midnight, text_of, total
from ai_usage.vendors.rows import RawEvent

ROUTE = "/daily-usage-data"


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    pagination: api.Pagination | None = None


class _Daily(msgspec.Struct, gc=False, rename="camel"):
    """A member's day; only the fields that are used. Anything may be absent or null."""

    user_id: int | str | None = None
    email: str | None = None
    day: str | None = None
    date: int | str | None = None
    is_active: bool | None = None
    session_id: str | None = None
    total_lines_added: Int = None
    total_lines_deleted: Int = None
    accepted_lines_added: Int = None
    accepted_lines_deleted: Int = None
    total_applies: Int = None
    total_accepts: Int = None
    total_rejects: Int = None
    total_tabs_shown: Int = None
    total_tabs_accepted: Int = None
    composer_requests: Int = None
    chat_requests: Int = None
    agent_requests: Int = None
    cmdk_usages: Int = None
    bugbot_usages: Int = None
    subscription_included_reqs: Int = None
    usage_based_reqs: Int = None
    api_key_reqs: Int = None

    def is_idle(self) -> bool:
        """A row of zeros: paging brings one for every member who did nothing."""
        return not (self.is_active or any(getattr(self, name) for name in _COUNTS))


_COUNTS = tuple(field.name for field in msgspec.structs.fields(_Daily) if field.type == Int)
_PAGE = msgspec.json.Decoder(_Page, strict=False)
_DAILY = msgspec.json.Decoder(_Daily, strict=False)
_SAMPLE_DAILY: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct(
        "_SampleDaily",
        [(f.name, f.type, f.default) for f in msgspec.structs.fields(_Daily)],
        namespace={"is_idle": _Daily.is_idle},
        gc=False,
    ),
    strict=False,
)
"""The same fields in snake case, as simplified samples spell them."""


def _says(paging: Paging, page: Page, number: int) -> Says:
    """Pages count users, whatever they hold of each."""
    answer = paging.decode(page, _PAGE)
    pagination = answer.pagination or api.NO_PAGINATION
    more, users = bool(pagination.has_next_page), pagination.total_users
    if users is not None:
        paging.same_total(users)
        # The vendor may cut pages smaller than asked.
        size = min(pagination.page_size or api.USERS_PER_PAGE, api.USERS_PER_PAGE)
        if not more and number * size < users:
            raise paging.shifted(f"it ends with page {number}, and {users} users are announced")
    return Says(answer.data, more, number=pagination.page)


LISTING = Listing("number", _says, key=api.member_day)


def _fetch(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """With page and pageSize all members come; without, only those who were active."""
    asked, size = api.within(window, now), api.USERS_PER_PAGE
    return api.numbered(client, "daily_usage", ROUTE, asked, size, LISTING, window)


def _event(record: msgspec.Raw, context: ReadContext) -> RawEvent | None:
    """One event per member and day with any activity; days as the vendor cuts them, UTC."""
    row = _DAILY.decode(record)
    if row.is_idle():
        row = _SAMPLE_DAILY.decode(record)
    day = day_of(row.day) or day_of(row.date)
    if day is None:
        raise ValueError("no day")
    if row.is_idle():
        return None
    email = email_of(row.email)
    user_id = text_of(row.user_id)
    # Numeric user ids became texts at the vendor: only where no address is do they identify.
    return RawEvent(
        identity=(day.isoformat(), email, user_id if email is None else None, row.session_id),
        event_timestamp=midnight(day),
        event_date=day,
        event_type="usage",
        platform_subtype=api.NAME,
        user_email=email,
        session_id=row.session_id,
        lines_added=row.total_lines_added,
        lines_accepted=row.accepted_lines_added,
        suggestions_shown=_shown(row),
        suggestions_accepted=total(row.total_accepts, row.total_tabs_accepted),
        request_count=total(row.subscription_included_reqs, row.usage_based_reqs, row.api_key_reqs),
        subscription_requests=row.subscription_included_reqs,
        overage_requests=row.usage_based_reqs,
        vendor_user_id=user_id,
    )


def _shown(row: _Daily) -> int | None:
    """Accepts + rejects + tabs shown. Accepts without rejects would read as all accepted: NULL."""
    if row.total_rejects is None and row.total_tabs_shown is None:
        return None
    decided = None if row.total_rejects is None else total(row.total_accepts, row.total_rejects)
    return total(decided, row.total_tabs_shown)


# --- Saved answers -----------------------------------------------------------------------------

_MARKS = {"totalLinesAdded", "total_lines_added", "totalAccepts", "total_accepts"}


def _recognise(body: Body) -> bool | None:
    rows = body.get("data")
    if not isinstance(rows, list):
        return False
    if not rows:
        return None
    return all(isinstance(row, dict) and _MARKS & row.keys() for row in rows)


def _row_days(rows: Iterable[dict[str, Any]]) -> Iterator[Span]:
    """The days of rows as the vendor cut them, which are UTC days unless they begin otherwise."""
    for row in rows:
        start = moment(row.get("date")) or moment(row.get("day"))
        if start is not None:
            yield day_from(start)


def _tell(body: Body) -> PageTells:
    rows, pagination = records_of(body, "data"), api.pagination(body)
    covers, said = api.covered(body, _row_days(rows))
    return PageTells(
        records=len(rows),
        more=flag(pagination.get("hasNextPage")),
        number=whole_number(pagination.get("page")),
        of=whole_number(pagination.get("totalPages")),
        asked=api.asked(body),
        covers=covers,
        states_period=said,
    )


ENDPOINT = Endpoint(
    name="daily_usage",
    description="A member's day in the editor: lines, suggestions, requests.",
    api_path=f"POST {api.TEAM}{ROUTE}",
    yields=RawEvent,
    fetch=_fetch,
    read=events(
        lambda page: _PAGE.decode(page).data,
        _event,
        event_type="usage",
        product=api.NAME,
        days=("day", "date"),
    ),
    saved=SavedReport(_recognise, _tell, LISTING),
    max_days=30,
    finalization_lag=timedelta(hours=2),
    requests_per_minute=20,
)
