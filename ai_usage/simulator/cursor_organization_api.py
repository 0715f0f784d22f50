"""Cursor's Organization API: the same events and days as the team's API, of both of its teams.

Only the wire belongs here; what happened comes from the company.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator import seeding
from ai_usage.simulator.behaviour import epoch_ms
from ai_usage.simulator.company import Company
from ai_usage.simulator.cursor_wire import (
    activity_row,
    body_of,
    days_answer,
    event_row,
    events_answer,
    has_key,
    members_between,
    paging_of,
    person_filter,
    place_of,
    role_of,
    spent,
    whole,
)
from ai_usage.simulator.http import (
    CompanySource,
    RefusedError,
    answer,
    company_of,
    encode,
    vendor_app,
)
from ai_usage.simulator.records import CursorEvent
from ai_usage.simulator.roster import ADMIN, Person

ORGANIZATION: Final = "org_simulated"
KEY: Final = "crsr_organization_simulated"
TEAMS: Final = (7, 8)
MOST_TEAMS: Final = 100
MEMBERS_A_PAGE: Final = 200
POOL_CENTS: Final = 5_000_000


def create_cursor_organization_app(company: CompanySource) -> Starlette:
    """The organisation's routes; `KEY` is the only one they accept, a team's is none."""
    return vendor_app(
        company,
        [
            Route("/daily-usage-data", daily_usage, methods=["POST"]),
            Route("/filtered-usage-events", usage_events, methods=["POST"]),
            Route("/spend", spend, methods=["POST"]),
            Route("/pooled-usage", pooled_usage, methods=["POST"]),
            Route("/members", members, methods=["GET"]),
        ],
        refusal,
        _check,
    )


# --- Endpoints -------------------------------------------------------------------------------


async def daily_usage(request: Request) -> Response:
    """POST daily-usage-data: every member's day in each of his teams, by pages of members."""
    body, teams = await _asked(request)
    company = company_of(request)

    def rows(day: date, people: list[Person]) -> Iterator[msgspec.Raw]:
        active = {row.person: row for row in company.cursor_activity(day)}
        for person in people:
            for team in teams_of(person):
                if team in teams and (person.employed(day) or person.number in active):
                    # What somebody does in the editor is his first team's.
                    row = active.get(person.number) if team == teams_of(person)[0] else None
                    named = {"userId": _user_id(company, person), "teamId": team}
                    yield encode(activity_row(person, day, row) | named)

    return answer(days_answer(company, body, 1000, rows))


async def usage_events(request: Request) -> Response:
    """POST filtered-usage-events: as a team's, each event with its team."""
    body, teams = await _asked(request)
    company = company_of(request)
    of_person = person_filter(company, body)

    def is_asked(event: CursorEvent) -> bool:
        return _team(company, event) in teams and (of_person is None or of_person(event))

    everything = of_person is None and set(teams) == set(TEAMS)
    asked: Callable[[CursorEvent], bool] | None = None if everything else is_asked
    return answer(events_answer(company, body, asked, _events))


async def spend(request: Request) -> Response:
    """POST spend: what of the pool each member has used since the contract began, by team."""
    body, teams = await _asked(request)
    company = company_of(request)
    page, size = paging_of(body, 100)
    sort_by, direction = body.get("sortBy", "email"), body.get("sortDirection", "asc")
    if sort_by not in ("email", "name", "spendCents") or direction not in ("asc", "desc"):
        raise RefusedError(400, "error", "Invalid sortBy or sortDirection")
    start, end = contract(company)
    _, included = spent(company, start)
    found = [
        (person, team)
        for person in members_between(company, start, company.today)
        for team in teams_of(person)
        if team in teams
    ]
    cents = {
        (person.number, team): whole(included[person.number]) if n == 0 else 0
        for person in company.people
        for n, team in enumerate(teams_of(person))
    }
    keys: dict[str, Callable[[tuple[Person, int]], Any]] = {
        "email": lambda one: (one[0].email, one[1]),
        "name": lambda one: (one[0].full_name, one[1]),
        "spendCents": lambda one: (cents[one[0].number, one[1]], one[0].email, one[1]),
    }
    found.sort(key=keys[sort_by], reverse=direction == "desc")
    return answer(
        {
            "teamMemberSpend": [
                {
                    "userId": _user_id(company, person),
                    "teamId": team,
                    "name": person.full_name,
                    "email": person.email,
                    "role": role_of(person),
                    "spendCents": cents[person.number, team],
                }
                for person, team in found[(page - 1) * size : page * size]
            ],
            "totalMembers": len(found),
            "totalPages": -(-len(found) // size),
            "period": {"startDate": epoch_ms(start), "endDate": epoch_ms(end) - 1},
        }
    )


async def pooled_usage(request: Request) -> Response:
    """POST pooled-usage: the pool of the running contract, and what each team has used of it."""
    await _asked(request)
    company = company_of(request)
    start, end = contract(company)
    used = dict.fromkeys(TEAMS, Decimal())
    for day in company.days(start, company.today):
        for event in company.cursor_events(day):
            if not event.is_chargeable:
                used[_team(company, event)] += event.charged_cents
    total = sum(used.values(), Decimal())
    return answer(
        {
            "pool": {
                "limitCents": POOL_CENTS,
                "usedCents": float(total),
                "remainingCents": float(POOL_CENTS - total),
                "contractStartDate": f"{start}T00:00:00.000Z",
                "contractEndDate": f"{end - timedelta(days=1)}T23:59:59.999Z",
            },
            "teams": [
                {"teamId": team, "usedCents": float(used[team])}
                | ({"budgetLimitCents": POOL_CENTS // 2} if team == TEAMS[0] else {})
                for team in TEAMS
            ],
        }
    )


async def members(request: Request) -> Response:
    """GET members: who is a member today, once, with all his teams; who has left is not listed."""
    company = company_of(request)
    try:
        page = int(request.query_params.get("page", "1"))
        size = int(request.query_params.get("pageSize", "50"))
    except ValueError:
        page = size = 0
    if page < 1 or size < 1:
        raise RefusedError(400, "error", "page and pageSize must be positive integers")
    size = min(size, MEMBERS_A_PAGE)
    found = members_between(company, company.today, company.today)
    pages = -(-len(found) // size)
    return answer(
        {
            "members": [
                {
                    "userId": person.cursor_id,
                    "email": person.email,
                    "name": person.full_name,
                    "organizationRole": "admin" if person.number == ADMIN else "member",
                    "teams": [
                        {"teamId": team, "teamRole": role_of(person)} for team in teams_of(person)
                    ],
                }
                for person in found[(page - 1) * size : page * size]
            ],
            "pagination": {
                "page": page,
                "totalCount": len(found),
                "totalPages": pages,
                **place_of(page, size, pages),
            },
        }
    )


# --- Who and when ----------------------------------------------------------------------------


def teams_of(person: Person) -> tuple[int, ...]:
    """The organisation's teams that a person is a member of, the one he works for first."""
    home = TEAMS[person.number % 2]
    return (home, *(team for team in TEAMS if team != home)) if person.number == 0 else (home,)


def contract(company: Company) -> tuple[date, date]:
    """The running contract's first day, and the first one after it: a quarter."""
    start = company.anchor
    return start, (start + timedelta(days=95)).replace(day=1)


def _team(company: Company, event: CursorEvent) -> int:
    return teams_of(company.people[event.person])[0]


def _user_id(company: Company, person: Person) -> str:
    """Reports encode the id of the list of members."""
    if isinstance(person.cursor_id, str):
        return person.cursor_id
    return seeding.opaque_id("user", company.seed, "cursor organization", person.number)


def _events(company: Company, day: date) -> list[msgspec.Raw]:
    def make() -> list[msgspec.Raw]:
        return [
            encode({"teamId": _team(company, event), **event_row(event)})
            for event in company.cursor_events(day)
        ]

    return company.cache.get("wire organization_events", day, make)


# --- Requests and refusals -------------------------------------------------------------------


async def _asked(request: Request) -> tuple[dict[str, Any], Collection[int]]:
    """The request's body, which names the organisation, and the teams that it is about."""
    body = await body_of(request)
    named = body.get("organizationId")
    if named is None:
        raise RefusedError(400, "error", "organizationId is required")
    if named != ORGANIZATION:
        raise RefusedError(403, "error", "Not authorized")
    teams = body.get("teamIds", list(TEAMS))
    if not isinstance(teams, list) or len(teams) > MOST_TEAMS:
        raise RefusedError(400, "error", f"teamIds must name at most {MOST_TEAMS} teams")
    if not set(teams) <= set(TEAMS):
        raise RefusedError(403, "error", "Not authorized")
    return body, teams


def _check(request: Request) -> Response | None:
    return None if has_key(request, KEY) else refusal(401, "Invalid Organization API Key")


def refusal(status: int, message: str) -> Response:
    """An error in this API's own form, which is another than the team's."""
    return answer({"code": "error", "message": message}, status)
