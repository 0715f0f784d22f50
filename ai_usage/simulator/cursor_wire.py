"""What Cursor's two Admin APIs have in common: requests, and the records that both answer with."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec
from starlette.requests import Request

from ai_usage.simulator.behaviour import MS_PER_DAY, epoch_ms
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import RefusedError, encode
from ai_usage.simulator.records import CursorActivity, CursorEvent
from ai_usage.simulator.roster import Person

MAX_RANGE_MS: Final = 30 * MS_PER_DAY
DEFAULT_PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 1000


# --- Rows ------------------------------------------------------------------------------------


def active_rows(company: Company, day: date) -> list[msgspec.Raw]:
    """Rows of the members who were active on the day."""

    def make() -> list[msgspec.Raw]:
        return [
            encode(activity_row(company.people[row.person], day, row))
            for row in company.cursor_activity(day)
        ]

    return company.cache.get("wire cursor_activity", day, make)


def member_rows(company: Company, day: date, people: list[Person]) -> Iterator[msgspec.Raw]:
    """A row of the day for each of these members, of zeros for who was not active."""
    active = {
        row.person: wire
        for row, wire in zip(company.cursor_activity(day), active_rows(company, day), strict=True)
    }
    for person in people:
        if person.employed(day) or person.number in active:
            yield active.get(person.number) or encode(activity_row(person, day, None))


def activity_row(person: Person, day: date, row: CursorActivity | None) -> dict[str, Any]:
    """A member's day; without a record the row of zeros and nulls that paging brings."""

    def counter(name: str) -> int:
        return 0 if row is None else int(getattr(row, name))

    return {
        "userId": person.cursor_id,
        "day": day.isoformat(),
        "date": epoch_ms(day),
        "email": person.email,
        "isActive": row is not None,
        "totalLinesAdded": counter("lines_added"),
        "totalLinesDeleted": counter("lines_deleted"),
        "acceptedLinesAdded": counter("accepted_lines_added"),
        "acceptedLinesDeleted": counter("accepted_lines_deleted"),
        "totalApplies": counter("applies"),
        "totalAccepts": counter("accepts"),
        "totalRejects": counter("rejects"),
        "totalTabsShown": counter("tabs_shown"),
        "totalTabsAccepted": counter("tabs_accepted"),
        "composerRequests": counter("composer_requests"),
        "chatRequests": counter("chat_requests"),
        "agentRequests": counter("agent_requests"),
        "cmdkUsages": counter("cmdk_usages"),
        "bugbotUsages": counter("bugbot_usages"),
        "subscriptionIncludedReqs": counter("included_requests"),
        "usageBasedReqs": counter("usage_based_requests"),
        "apiKeyReqs": counter("api_key_requests"),
        "mostUsedModel": None if row is None else row.most_used_model,
        "applyMostUsedExtension": None if row is None else row.apply_extension,
        "tabMostUsedExtension": None if row is None else row.tab_extension,
        "clientVersion": None if row is None else row.client_version,
    }


def event_wire(company: Company, day: date) -> list[msgspec.Raw]:
    """The day's events as a team's route has them."""

    def make() -> list[msgspec.Raw]:
        return [encode(event_row(event)) for event in company.cursor_events(day)]

    return company.cache.get("wire cursor_events", day, make)


def event_row(event: CursorEvent) -> dict[str, Any]:
    """An event; floats are the shortest text of the exact amount, so Decimal(text) is exact."""
    row: dict[str, Any] = {"timestamp": str(event.timestamp_ms)}
    if event.email is not None:
        row["userEmail"] = event.email
    if event.service_account is not None:
        row["serviceAccountId"], row["serviceAccountName"] = event.service_account
    row |= {
        "model": event.model,
        "kind": event.kind,
        "requestsCosts": event.requests_costs,
        "isTokenBasedCall": event.tokens is not None,
        "isChargeable": event.is_chargeable,
        "isHeadless": event.is_headless,
        "maxMode": event.max_mode,
        "isFreeBugbot": False,
    }
    if event.tokens is not None:
        usage: dict[str, Any] = {
            "inputTokens": event.tokens.input,
            "outputTokens": event.tokens.output,
        }
        if event.tokens.cache_write:
            usage["cacheWriteTokens"] = event.tokens.cache_write
        if event.tokens.cache_read:
            usage["cacheReadTokens"] = event.tokens.cache_read
        usage["totalCents"] = float(event.total_cents)
        if event.discount_percent:
            usage["discountPercentOff"] = event.discount_percent
        row["tokenUsage"] = usage
    row["chargedCents"] = float(event.charged_cents)
    row["cursorTokenFee"] = float(event.token_fee_cents)
    return row


def selections(
    company: Company,
    start: int,
    end: int,
    is_asked: Callable[[CursorEvent], bool] | None,
) -> Iterator[tuple[date, int, list[int] | range]]:
    """(day, number of events, their positions in the day) of a window, the newest day first.

    `is_asked` tells which events; None for all.
    """
    for day in reversed(company.days(day_of(start), day_of(end))):
        midnight = epoch_ms(day)
        whole_day = start <= midnight and end >= midnight + MS_PER_DAY - 1
        # Counting must not make every page generate the whole window again.
        counted = company.cache.get("count cursor_events", day, lambda: [0])
        events = None
        if counted[0] == 0 or not whole_day or is_asked is not None:
            events = company.cursor_events(day)
            counted[0] = len(events)
        positions: list[int] | range = range(counted[0])
        if events is not None and not whole_day:
            times = [event.timestamp_ms for event in events]
            positions = range(bisect_left(times, start), bisect_right(times, end))
        if events is not None and is_asked is not None:
            positions = [at for at in positions if is_asked(events[at])]
        yield day, len(positions), positions


def events_answer(
    company: Company,
    body: dict[str, Any],
    is_asked: Callable[[CursorEvent], bool] | None,
    wire: Callable[[Company, date], list[msgspec.Raw]],
) -> dict[str, Any]:
    """A page of events, newest first, both ends of the window inclusive."""
    start, end = window_of(body)
    page, size = paging_of(body)
    found = list(selections(company, start, end, is_asked))
    total = sum(count for _, count, _ in found)
    skip, left = (page - 1) * size, size
    shown: list[msgspec.Raw] = []
    for day, count, positions in found:
        if left == 0:
            break
        if skip < count:
            rows = wire(company, day)
            taken = positions[::-1][skip : skip + left]
            shown += [rows[at] for at in taken]
            left -= len(taken)
        skip = max(0, skip - count)
    pages = -(-total // size)
    return {
        "totalUsageEventsCount": total,
        "pagination": {"numPages": pages, "currentPage": page, **place_of(page, size, pages)},
        "usageEvents": shown,
        "period": {"startDate": start, "endDate": end},
    }


def days_answer(
    company: Company,
    body: dict[str, Any],
    default: int,
    rows: Callable[[date, list[Person]], Iterator[msgspec.Raw]],
) -> dict[str, Any]:
    """A page of members' days; a row belongs to the window by its `date`, which is midnight."""
    start, end = window_of(body)
    page, size = paging_of(body, default)
    first, last = day_of(start), day_of(end)
    asked = members_between(company, first, last)
    shown = asked[(page - 1) * size : page * size]
    pages = -(-len(asked) // size)
    return {
        "data": [row for day in company.days(first, last) for row in rows(day, shown)],
        "period": {"startDate": start, "endDate": end},
        "pagination": {
            "page": page,
            "totalUsers": len(asked),
            "totalPages": pages,
            **place_of(page, size, pages),
        },
    }


def members_between(company: Company, first: date, last: date) -> list[Person]:
    """Who had a seat at some time from one day to another, as far as that is known today."""
    return [
        person
        for person in company.people
        if person.has_cursor_seat
        and person.start_date <= min(last, company.today)
        and (person.end_date is None or person.end_date >= first)
    ]


def spent(company: Company, first: date) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """Cents charged, and cents covered, by member from a day on.

    What a service account spent is no member's.
    """
    charged: dict[int, Decimal] = defaultdict(Decimal)
    included: dict[int, Decimal] = defaultdict(Decimal)
    for day in company.days(first, company.today):
        for event in company.cursor_events(day):
            if event.service_account is None:
                sums = charged if event.is_chargeable else included
                sums[event.person] += event.charged_cents
    return charged, included


def place_of(page: int, size: int, pages: int) -> dict[str, Any]:
    """What every list says of where a page of it is."""
    return {"pageSize": size, "hasNextPage": page < pages, "hasPreviousPage": page > 1}


# --- Requests --------------------------------------------------------------------------------


def has_key(request: Request, key: str) -> bool:
    """Whether the request has the key as its user, and no password."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and given == f"{key}:"


async def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object."""
    raw = await request.body()
    try:
        body = msgspec.json.decode(raw or b"{}")
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "Bad Request", "Request body must be a JSON object")
    return body


def window_of(body: dict[str, Any]) -> tuple[int, int]:
    """Both ends, inclusive, in epoch milliseconds; 30 days at most."""
    start = integer(body, "startDate", None)
    end = integer(body, "endDate", None)
    if end < start:
        raise RefusedError(400, "Bad Request", "endDate must not be before startDate")
    if end - start > MAX_RANGE_MS:
        raise RefusedError(400, "Bad Request", "Date range cannot exceed 30 days")
    if not 0 <= start <= end < 253_402_300_800_000:
        raise RefusedError(400, "Bad Request", "startDate and endDate must be epoch milliseconds")
    return start, end


def paging_of(body: dict[str, Any], default: int = DEFAULT_PAGE_SIZE) -> tuple[int, int]:
    """The page asked for, from 1, and how many records it may have."""
    page = integer(body, "page", 1)
    size = integer(body, "pageSize", default)
    if page < 1:
        raise RefusedError(400, "Bad Request", "page must be at least 1")
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise RefusedError(400, "Bad Request", f"pageSize must be between 1 and {MAX_PAGE_SIZE}")
    return page, size


def integer(body: dict[str, Any], name: str, default: int | None) -> int:
    """A field that must be a whole number."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(400, "Bad Request", f"{name} must be an integer")
    return value


def person_filter(company: Company, body: dict[str, Any]) -> Callable[[CursorEvent], bool] | None:
    """Whether an event is of the person asked for by e-mail or id; None where nobody is."""
    email, user_id = body.get("email"), body.get("userId")
    if email is None and user_id is None:
        return None
    asked = {
        person.number
        for person in company.people
        if person.has_cursor_seat
        and (
            str(person.cursor_id) == str(user_id)
            if user_id is not None
            else person.email == str(email).lower()
        )
    }
    return lambda event: event.person in asked and event.service_account is None


def day_of(milliseconds: int) -> date:
    """The UTC day of an instant."""
    return date(1970, 1, 1) + timedelta(days=milliseconds // MS_PER_DAY)


def role_of(person: Person) -> str:
    """A person's role in the team."""
    return "owner" if person.number == 0 else "member"


def whole(cents: Decimal) -> int:
    """Cents as the spend reports round them."""
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))
