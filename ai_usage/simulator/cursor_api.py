"""Cursor's team Admin API: shapes, pages, limits and quirks as the vendor answers today.

Only the wire belongs here; what happened comes from the company.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator import purchases
from ai_usage.simulator.behaviour import MS_PER_DAY, epoch_ms
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import (
    CompanySource,
    Guard,
    RefusedError,
    answer,
    company_of,
    encode,
    refusing,
)
from ai_usage.simulator.records import CursorActivity, CursorEvent
from ai_usage.simulator.roster import Person

MAX_RANGE_MS: Final = 30 * MS_PER_DAY
DEFAULT_PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 1000
_WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


def create_cursor_app(company: CompanySource, key: str) -> Starlette:
    """The vendor's API below its own prefix; `key` is the only one it accepts."""
    app = Starlette(
        routes=[
            Route("/teams/daily-usage-data", daily_usage, methods=["POST"]),
            Route("/teams/filtered-usage-events", usage_events, methods=["POST"]),
            Route("/teams/spend", spend, methods=["POST"]),
            Route("/teams/members", members, methods=["GET"]),
        ],
        exception_handlers=refusing(refusal),
        middleware=[Middleware(Guard, check=lambda request: _check_key(request, key))],
    )
    app.state.company = company
    return app


# --- Endpoints -------------------------------------------------------------------------------


async def daily_usage(request: Request) -> Response:
    """POST /teams/daily-usage-data: without paging active users only, with paging all members."""
    body = await _body(request)
    company = company_of(request)
    start, end = _window(body)
    # A row belongs to the window by its `date`, which is midnight; a start within a day asks for
    # that day.
    first, last = _day(start), _day(end)
    period = {"startDate": start, "endDate": end}
    if "page" not in body and "pageSize" not in body:
        days = company.days(first, last)
        return answer(
            {"data": [r for d in days for r in _active_rows(company, d)], "period": period}
        )
    page, size = _paging(body)
    asked = [
        person
        for person in company.people
        if person.has_cursor_seat
        and person.start_date <= min(last, company.today)
        and (person.end_date is None or person.end_date >= first)
    ]
    shown = asked[(page - 1) * size : page * size]
    rows = [row for d in company.days(first, last) for row in _member_rows(company, d, shown)]
    pages = -(-len(asked) // size)
    return answer(
        {
            "data": rows,
            "period": period,
            "pagination": {
                "page": page,
                "pageSize": size,
                "totalUsers": len(asked),
                "totalPages": pages,
                "hasNextPage": page < pages,
                "hasPreviousPage": page > 1,
            },
        }
    )


async def usage_events(request: Request) -> Response:
    """POST /teams/filtered-usage-events: newest first, both ends of the window inclusive."""
    body = await _body(request)
    company = company_of(request)
    start, end = _window(body)
    page, size = _paging(body)
    selections = list(_selections(company, start, end, _person_filter(company, body)))
    total = sum(count for _, count, _ in selections)
    pages = -(-total // size)
    skip, left = (page - 1) * size, size
    shown: list[msgspec.Raw] = []
    for day, count, positions in selections:
        if left == 0:
            break
        if skip < count:
            wire = _event_wire(company, day)
            taken = positions[::-1][skip : skip + left]
            shown += [wire[at] for at in taken]
            left -= len(taken)
        skip = max(0, skip - count)
    return answer(
        {
            "totalUsageEventsCount": total,
            "pagination": {
                "numPages": pages,
                "currentPage": page,
                "pageSize": size,
                "hasNextPage": page < pages,
                "hasPreviousPage": page > 1,
            },
            "usageEvents": shown,
            "period": {"startDate": start, "endDate": end},
        }
    )


async def spend(request: Request) -> Response:
    """POST /teams/spend: a snapshot of the running billing cycle, that of the invoices."""
    body = await _body(request)
    company = company_of(request)
    page, size = _paging(body)
    sort_by, direction = body.get("sortBy", "amount"), body.get("sortDirection", "desc")
    if sort_by not in ("amount", "date", "user") or direction not in ("asc", "desc"):
        raise RefusedError(400, "Bad Request", "Invalid sortBy or sortDirection")
    term = str(body.get("searchTerm") or "").lower()
    cycle = purchases.cursor_cycle(company.today)
    charged: dict[int, Decimal] = defaultdict(Decimal)
    included: dict[int, Decimal] = defaultdict(Decimal)
    for day in company.days(cycle, company.today):
        for event in company.cursor_events(day):
            # Of members: what a service account spent is no member's.
            if event.service_account is not None:
                continue
            (charged if event.is_chargeable else included)[event.person] += event.charged_cents
    found = [
        person
        for person in company.people
        if person.has_cursor_seat
        and person.start_date <= company.today
        and (person.end_date is None or person.end_date >= cycle)
        and (term in person.full_name.lower() or term in person.email)
    ]
    keys = {
        "amount": lambda p: (charged[p.number], p.number),
        "date": lambda p: (p.start_date, p.number),
        "user": lambda p: (p.full_name, p.number),
    }
    found.sort(key=keys[sort_by], reverse=direction == "desc")
    return answer(
        {
            "teamMemberSpend": [
                {
                    "userId": person.cursor_id,
                    "name": person.full_name,
                    "email": person.email,
                    "role": _role(person),
                    "spendCents": _whole(charged[person.number]),
                    "overallSpendCents": _whole(charged[person.number] + included[person.number]),
                    "includedSpendCents": _whole(included[person.number]),
                    "fastPremiumRequests": 0,
                    "hardLimitOverrideDollars": 0,
                    "monthlyLimitDollars": person.budget_usd,
                }
                for person in found[(page - 1) * size : page * size]
            ],
            "subscriptionCycleStart": epoch_ms(cycle),
            "totalMembers": len(found),
            "totalPages": -(-len(found) // size),
        }
    )


async def members(request: Request) -> Response:
    """GET /teams/members: everybody who ever had a seat, those who left as removed."""
    company = company_of(request)
    return answer(
        {
            "teamMembers": [
                {
                    "id": person.cursor_id,
                    "name": person.full_name,
                    "email": person.email,
                    "role": _role(person),
                    "isRemoved": not person.employed(company.today),
                }
                for person in company.people
                if person.has_cursor_seat and person.start_date <= company.today
            ]
        }
    )


# --- Rows ------------------------------------------------------------------------------------


def _active_rows(company: Company, day: date) -> list[msgspec.Raw]:
    def make() -> list[msgspec.Raw]:
        return [
            encode(_activity_row(company.people[row.person], day, row))
            for row in company.cursor_activity(day)
        ]

    return company.cache.get("wire cursor_activity", day, make)


def _member_rows(company: Company, day: date, people: list[Person]) -> Iterator[msgspec.Raw]:
    active = {
        row.person: wire
        for row, wire in zip(company.cursor_activity(day), _active_rows(company, day), strict=True)
    }
    for person in people:
        if person.employed(day) or person.number in active:
            yield active.get(person.number) or encode(_activity_row(person, day, None))


def _activity_row(person: Person, day: date, row: CursorActivity | None) -> dict[str, Any]:
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


def _event_wire(company: Company, day: date) -> list[msgspec.Raw]:
    def make() -> list[msgspec.Raw]:
        return [encode(_event(event)) for event in company.cursor_events(day)]

    return company.cache.get("wire cursor_events", day, make)


def _event(event: CursorEvent) -> dict[str, Any]:
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


def _selections(
    company: Company, start: int, end: int, person: int | None
) -> Iterator[tuple[date, int, list[int] | range]]:
    """(day, number of events, their positions in the day) of a window, the newest day first."""
    for day in reversed(company.days(_day(start), _day(end))):
        midnight = epoch_ms(day)
        whole = start <= midnight and end >= midnight + MS_PER_DAY - 1
        # Counting must not make every page generate the whole window again.
        counted = company.cache.get("count cursor_events", day, lambda: [0])
        events = None
        if counted[0] == 0 or not whole or person is not None:
            events = company.cursor_events(day)
            counted[0] = len(events)
        positions: list[int] | range = range(counted[0])
        if events is not None and not whole:
            times = [event.timestamp_ms for event in events]
            positions = range(bisect_left(times, start), bisect_right(times, end))
        if events is not None and person is not None:
            positions = [
                at
                for at in positions
                if events[at].person == person and events[at].service_account is None
            ]
        yield day, len(positions), positions


# --- Requests --------------------------------------------------------------------------------


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = msgspec.json.decode(raw or b"{}")
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "Bad Request", "Request body must be a JSON object")
    return body


def _window(body: dict[str, Any]) -> tuple[int, int]:
    start = _integer(body, "startDate", None)
    end = _integer(body, "endDate", None)
    if end < start:
        raise RefusedError(400, "Bad Request", "endDate must not be before startDate")
    if end - start > MAX_RANGE_MS:
        raise RefusedError(400, "Bad Request", "Date range cannot exceed 30 days")
    if not 0 <= start <= end < 253_402_300_800_000:
        raise RefusedError(400, "Bad Request", "startDate and endDate must be epoch milliseconds")
    return start, end


def _paging(body: dict[str, Any]) -> tuple[int, int]:
    page = _integer(body, "page", 1)
    size = _integer(body, "pageSize", DEFAULT_PAGE_SIZE)
    if page < 1:
        raise RefusedError(400, "Bad Request", "page must be at least 1")
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise RefusedError(400, "Bad Request", f"pageSize must be between 1 and {MAX_PAGE_SIZE}")
    return page, size


def _integer(body: dict[str, Any], name: str, default: int | None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(400, "Bad Request", f"{name} must be an integer")
    return value


def _person_filter(company: Company, body: dict[str, Any]) -> int | None:
    """The number of the person asked for by e-mail or id; -1 where there is no such person."""
    email, user_id = body.get("email"), body.get("userId")
    if email is None and user_id is None:
        return None
    for person in company.people:
        if person.has_cursor_seat and (
            str(person.cursor_id) == str(user_id)
            if user_id is not None
            else person.email == str(email).lower()
        ):
            return person.number
    return -1


def _day(milliseconds: int) -> date:
    return date(1970, 1, 1) + timedelta(days=milliseconds // MS_PER_DAY)


def _role(person: Person) -> str:
    return "owner" if person.number == 0 else "member"


def _whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))


# --- Refusals --------------------------------------------------------------------------------


def _check_key(request: Request, key: str) -> Response | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if scheme.lower() == "basic" and given == f"{key}:":
        return None
    return refusal(401, "Invalid API key")


def refusal(status: int, message: str) -> Response:
    """An error in the vendor's own form."""
    return answer({"error": _WORDS.get(status, "Error"), "message": message}, status)
