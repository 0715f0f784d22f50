"""Cursor's team Admin API: shapes, pages, limits and quirks as the vendor answers today.

Only the wire belongs here; what happened comes from the company.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from ai_usage.simulator import purchases, seeding
from ai_usage.simulator.behaviour import epoch_ms
from ai_usage.simulator.cursor_organization_api import create_cursor_organization_app
from ai_usage.simulator.cursor_wire import (
    DEFAULT_PAGE_SIZE,
    active_rows,
    body_of,
    day_of,
    days_answer,
    event_wire,
    events_answer,
    has_key,
    member_rows,
    members_between,
    paging_of,
    person_filter,
    role_of,
    spent,
    whole,
    window_of,
)
from ai_usage.simulator.http import (
    CompanySource,
    RefusedError,
    answer,
    company_of,
    vendor_app,
)
from ai_usage.simulator.roster import Person

UNASSIGNED: Final = "Unassigned"
_WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


def create_cursor_app(company: CompanySource, key: str) -> Starlette:
    """The vendor's API below its own prefix; `key` is the only one that a team's routes accept."""
    return vendor_app(
        company,
        [
            Route("/teams/daily-usage-data", daily_usage, methods=["POST"]),
            Route("/teams/filtered-usage-events", usage_events, methods=["POST"]),
            Route("/teams/spend", spend, methods=["POST"]),
            Route("/teams/members", members, methods=["GET"]),
            Route("/teams/groups", groups, methods=["GET"]),
            Mount("/organizations", app=create_cursor_organization_app(company)),
        ],
        refusal,
        lambda request: _check(request, key),
    )


# --- Endpoints -------------------------------------------------------------------------------


async def daily_usage(request: Request) -> Response:
    """POST /teams/daily-usage-data: without paging active users only, with paging all members."""
    body = await body_of(request)
    company = company_of(request)
    if "page" in body or "pageSize" in body:

        def rows(day: date, people: list[Person]) -> Iterator[msgspec.Raw]:
            return member_rows(company, day, people)

        return answer(days_answer(company, body, DEFAULT_PAGE_SIZE, rows))
    start, end = window_of(body)
    days = company.days(day_of(start), day_of(end))
    return answer(
        {
            "data": [row for day in days for row in active_rows(company, day)],
            "period": {"startDate": start, "endDate": end},
        }
    )


async def usage_events(request: Request) -> Response:
    """POST /teams/filtered-usage-events: newest first, both ends of the window inclusive."""
    body = await body_of(request)
    company = company_of(request)
    return answer(events_answer(company, body, person_filter(company, body), event_wire))


async def spend(request: Request) -> Response:
    """POST /teams/spend: a snapshot of the running billing cycle, that of the invoices."""
    body = await body_of(request)
    company = company_of(request)
    page, size = paging_of(body)
    sort_by, direction = body.get("sortBy", "amount"), body.get("sortDirection", "desc")
    if sort_by not in ("amount", "date", "user") or direction not in ("asc", "desc"):
        raise RefusedError(400, "Bad Request", "Invalid sortBy or sortDirection")
    term = str(body.get("searchTerm") or "").lower()
    cycle = purchases.cursor_cycle(company.today)
    charged, included = spent(company, cycle)
    found = [
        person
        for person in members_between(company, cycle, company.today)
        if term in person.full_name.lower() or term in person.email
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
                    "role": role_of(person),
                    "spendCents": whole(charged[person.number]),
                    "overallSpendCents": whole(charged[person.number] + included[person.number]),
                    "includedSpendCents": whole(included[person.number]),
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
                    "role": role_of(person),
                    "isRemoved": not person.employed(company.today),
                }
                for person in company.people
                if person.has_cursor_seat and person.start_date <= company.today
            ]
        }
    )


async def groups(request: Request) -> Response:
    """GET /teams/groups: billing groups, named after teams; a person's use is his team's that day.

    Who makes no team's own is in the group of the unassigned, as are service accounts.
    """
    company = company_of(request)
    asked = request.query_params.get("billingCycle")
    try:
        day = company.today if asked is None else date.fromisoformat(asked[:10])
    except ValueError:
        raise RefusedError(400, "Bad Request", "billingCycle must be an ISO date") from None
    start = purchases.cursor_cycle(min(day, company.today))
    end = purchases.cursor_cycle(start + timedelta(days=31))
    last = min(end - timedelta(days=1), company.today)
    daily: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    by_member: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for used in company.days(start, last):
        for event in company.cursor_events(used):
            if event.is_chargeable:
                robot = event.service_account is not None
                name = UNASSIGNED if robot else group_of(company.people[event.person], used)
                daily[name][used] += event.charged_cents
                if not robot:
                    by_member[name, event.person] += event.charged_cents
    people = members_between(company, start, last)

    def shown(name: str) -> dict[str, Any]:
        own = [p for p in people if group_of(p, last) == name and p.employed(last)]
        former = [p for p in people if p not in own and group_of(p, start) == name]

        def member(person: Person) -> dict[str, Any]:
            return {
                "userId": person.cursor_id,
                "name": person.full_name,
                "email": person.email,
                "joinedAt": f"{person.start_date}T00:00:00.000Z",
                "leftAt": None if person in own else f"{last}T00:00:00.000Z",
                "spendCents": whole(by_member[name, person.number]),
            }

        return {
            "id": seeding.opaque_id("group", company.seed, "cursor group", name),
            "name": name,
            "type": "BILLING",
            "directoryGroupId": None,
            "memberCount": len(own),
            "spendCents": whole(sum(daily[name].values(), Decimal())),
            "currentMembers": [member(person) for person in own],
            "formerMembers": [member(person) for person in former],
            "dailySpend": [
                {"date": f"{day}", "spendCents": whole(cents)}
                for day, cents in sorted(daily[name].items())
            ],
        }

    return answer(
        {
            "groups": [shown(team.name) for team in company.roster.teams],
            "unassignedGroup": shown(UNASSIGNED),
            "billingCycle": {
                "cycleStart": f"{start}T00:00:00.000Z",
                "cycleEnd": f"{end}T00:00:00.000Z",
            },
        }
    )


def group_of(person: Person, day: date) -> str:
    """The billing group that a person's use of a day is counted for."""
    return UNASSIGNED if person.number % 10 == 9 else person.team(day).name


# --- Refusals --------------------------------------------------------------------------------


def _check(request: Request, key: str) -> Response | None:
    of_organization = request.url.path.startswith(f"{request.scope['root_path']}/organizations")
    if of_organization or has_key(request, key):
        return None
    return refusal(401, "Invalid API key")


def refusal(status: int, message: str) -> Response:
    """An error in the vendor's own form."""
    return answer({"error": _WORDS.get(status, "Error"), "message": message}, status)
