"""Claude Enterprise's analytics: the reports by actor, and what members did on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.analytics_api import FIRST_DAY, analytics_routes
from ai_usage.simulator.anthropic_wire import Query, check_headers, invalid, refusal
from ai_usage.simulator.company import Company
from ai_usage.simulator.enterprise_books import (
    code_days,
    enterprise_facts,
    member_id,
    members,
)
from ai_usage.simulator.http import (
    CompanySource,
    answer,
    company_of,
    page_token,
    vendor_app,
)


def create_enterprise_app(company: CompanySource, key: str) -> Starlette:
    """The vendor's API below its own prefix; `key` is the only one it accepts."""
    return vendor_app(
        company,
        [
            *analytics_routes(enterprise_facts),
            Route("/v1/organizations/analytics/users", users),
        ],
        refusal,
        lambda request: check_headers(request, key),
    )


async def users(request: Request) -> Response:
    """GET users: one day, which the rows do not name; no `has_more`."""
    company = company_of(request)
    query = Query(request)
    try:
        day = date.fromisoformat(query.required("date"))
    except ValueError:
        raise invalid("date: must be a date in the form YYYY-MM-DD") from None
    last = company.today - timedelta(days=1)
    if day > last:
        raise invalid(f"date: data is available up to {last}")
    if day < max(FIRST_DAY, company.today - timedelta(days=365)):
        raise invalid("date: too long ago")
    limit, offset = query.limit(100, 1000), query.offset()
    found = _rows(company, day)
    more = offset + limit < len(found)
    return answer(
        {
            "data": found[offset : offset + limit],
            "next_page": page_token(query.fingerprint, offset + limit) if more else None,
        }
    )


def _rows(company: Company, day: date) -> list[dict[str, Any]]:
    by_person = {one.person.number: one for one in code_days(company, day)}
    found = []
    for person in members(company):
        if not person.employed(day):
            continue
        row: dict[str, Any] = {
            "user": {
                "id": member_id(company, person),
                "email_address": person.email,
                "type": "user",
            },
            "web_search_count": 0,
            "chat_metrics": {"message_count": person.number % 9},
        }
        if (code := by_person.get(person.number)) is not None:
            edits = {"accepted_count": code.accepted, "rejected_count": code.rejected}
            row["claude_code_metrics"] = {
                "core_metrics": {
                    "commit_count": code.commits,
                    "pull_request_count": 0,
                    "distinct_session_count": code.sessions,
                    "lines_of_code": {"added_count": code.lines, "removed_count": 0},
                },
                "tool_actions": {"edit_tool": edits},
            }
        found.append(row)
    return found
