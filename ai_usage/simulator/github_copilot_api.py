"""GitHub Copilot's REST API: two-step reports, seats, billing as JSON and as an ordered export.

Only the wire belongs here; what happened comes from `github_copilot_books`. Quirks kept: a report
comes a day late and is whole after three full days; links run out and refuse a second credential;
a person of two teams has two seats of which one is billed; amounts are floats, each for itself.
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator import github_copilot_books as books
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import CompanySource, RefusedError, answer, company_of, vendor_app
from ai_usage.simulator.roster import Person

TOKEN: Final = "ghp_simulated"  # noqa: S105 (opens the simulator only)
ACCOUNT: Final = f"enterprises/{books.ENTERPRISE}"
ORGANISATION_ACCOUNT: Final = f"orgs/{books.ORGANISATION}"
LINK_SECONDS: Final = 60
_REPORTS_FROM: Final = {"orgs": date(2025, 12, 12), "enterprises": date(2025, 10, 10)}
_KEPT: Final = timedelta(days=365)
_MOST_EXPORT_DAYS: Final = 31
_COLUMNS: Final = (
    *("date", "username", "product", "sku", "model", "unit_type", "quantity"),
    *("applied_cost_per_quantity", "gross_amount", "discount_amount", "net_amount"),
    *("organization", "repository", "cost_center_name"),
    *("input", "output", "cache_read", "cache_write"),
)
_SKU: Final = "Copilot AI Credits"


def create_github_copilot_app(company: CompanySource, token: str = TOKEN) -> Starlette:
    """The vendor's API below its own prefix; `token` is the only one it accepts."""
    billing = "/{kind}/{name}/settings/billing"
    app = vendor_app(
        company,
        [
            Route("/{kind}/{name}/copilot/metrics/reports/users-1-day", user_report),
            Route("/{kind}/{name}/copilot/billing/seats", seats, name="seats"),
            Route(f"{billing}/ai_credit/usage", ai_credit_usage),
            Route(f"{billing}/reports", order, methods=["POST"]),
            Route(f"{billing}/reports/{{job}}", ordered),
            Route("/files/{name}", file, name="file"),
        ],
        refusal,
        lambda request: _check_token(request, token),
    )
    app.state.looks = defaultdict(int)
    return app


# --- Reports and seats -------------------------------------------------------------------------


async def user_report(request: Request) -> Response:
    """GET …/users-1-day?day=: links to two files, or 204 where there is no report."""
    company, kind = company_of(request), _account(request, "orgs", "enterprises")
    day = _day(request.query_params.get("day"))
    age = company.today - day
    if not timedelta(days=2) <= age <= _KEPT or day < _REPORTS_FROM[kind]:
        return Response(status_code=204)
    links = [_link(request, f"report.{kind}.{day}.{part}") for part in (0, 1)]
    return answer({"download_links": links, "report_day": day.isoformat()})


def _report_lines(company: Company, kind: str, day: date, part: int) -> bytes:
    # Until three full days have passed, some have not been counted.
    is_final = company.today - day >= timedelta(days=4)
    rows = [row for row in books.days_of(company, day) if is_final or (row.person + day.day) % 4]
    chosen = (row for number, row in enumerate(rows) if number % 2 == part)
    return b"".join(msgspec.json.encode(_report_row(kind, row)) + b"\n" for row in chosen)


def _report_row(kind: str, row: books.CopilotDay) -> dict[str, Any]:
    owner = {"organization_id": "99"} if kind == "orgs" else {"enterprise_id": "12"}
    return {
        "user_id": 40_000 + row.person,
        "user_login": row.login,
        "day": row.day.isoformat(),
        **owner,
        "user_initiated_interaction_count": row.interactions,
        "code_generation_activity_count": row.generated,
        "code_acceptance_activity_count": row.accepted,
        "loc_suggested_to_add_sum": row.suggested_lines,
        "loc_suggested_to_delete_sum": 0,
        "loc_added_sum": row.lines,
        "loc_deleted_sum": 0,
        "used_agent": row.lines > row.suggested_lines,
        "used_chat": row.interactions > 0,
        "used_cli": row.cli_requests > 0,
        # Two names of one value.
        "used_copilot_coding_agent": False,
        "used_copilot_cloud_agent": False,
        "ai_credits_used": float(round(row.credits, 1)),
        "totals_by_ide": [{"ide": "vscode", "user_initiated_interaction_count": row.interactions}],
        "totals_by_feature": [{"feature": "agent_edit", "loc_added_sum": row.lines}],
        "totals_by_cli": {"session_count": 1, "request_count": row.cli_requests},
    }


async def seats(request: Request) -> Response:
    """GET …/copilot/billing/seats: pages by `Link`; `total_seats` counts who is billed."""
    company = company_of(request)
    _account(request, "orgs", "enterprises")
    page, size = _number(request, "page", 1), _number(request, "per_page", 50)
    if page < 1 or not 1 <= size <= 100:
        raise RefusedError(422, "", "per_page must be from 1 to 100")
    people = books.holders(company, company.today)
    rows = [seat for person in people for seat in _seats_of(company, person)]
    links = {}
    if page * size < len(rows):
        following = request.url.include_query_params(page=page + 1)
        links["Link"] = f'<{following}>; rel="next"'
    chosen = rows[(page - 1) * size : page * size]
    body = answer({"total_seats": len(people), "seats": chosen})
    body.headers.update(links)
    return body


def _seats_of(company: Company, person: Person) -> list[dict[str, Any]]:
    seat = {
        "assignee": {"id": 40_000 + person.number, "login": books.login(person), "type": "User"},
        "plan_type": "business",
        "created_at": f"{person.start_date.isoformat()}T09:00:00+01:00",
        "pending_cancellation_date": None,
        # Null after 90 days.
        "last_activity_at": f"{(company.today - timedelta(days=1)).isoformat()}T17:00:00-05:00",
    }
    teams = (7, 8) if person.number % 9 == 0 else (7,)
    return [{**seat, "assigning_team": {"id": team, "slug": f"team-{team}"}} for team in teams]


# --- Billing -----------------------------------------------------------------------------------


async def ai_credit_usage(request: Request) -> Response:
    """GET …/ai_credit/usage: of the day, month or year (default: this one) by model."""
    company, kind = company_of(request), _account(request, "organizations", "enterprises")
    year = _number(request, "year", company.today.year)
    month, day = _number(request, "month", 0), _number(request, "day", 0)
    try:
        first = date(year, month or 1, (day if month else 0) or 1)
    except ValueError:
        raise RefusedError(422, "", "this is no day") from None
    last = first
    while not (month and day) and last < company.today:
        following = last + timedelta(days=1)
        if following.year != year or (month and following.month != month):
            break
        last = following
    found = (
        spend
        for number in range((last - first).days + 1)
        for spend in books.spending(company, first + timedelta(days=number))
    )
    period = {"year": year, **({"month": month} if month else {})}
    if month and day:
        period["day"] = day
    named = "organization" if kind == "organizations" else "enterprise"
    items = [_item(model, own) for model, own in sorted(_by_model(found).items())]
    return answer({"timePeriod": period, named: request.path_params["name"], "usageItems": items})


def _by_model(found: Iterable[books.CopilotSpend]) -> dict[str, list[books.CopilotSpend]]:
    models: dict[str, list[books.CopilotSpend]] = defaultdict(list)
    for spend in found:
        models[spend.model].append(spend)
    return models


def _item(model: str, own: list[books.CopilotSpend]) -> dict[str, Any]:
    gross, discount, net = (
        sum((getattr(spend, name) for spend in own), Decimal(0))
        for name in ("gross", "discount", "net")
    )
    return {
        "product": "Copilot",
        "sku": _SKU,
        "model": model,
        "unitType": "ai-credits",
        "pricePerUnit": 0.01,
        "grossQuantity": float(gross * 100),
        "grossAmount": float(gross),
        "discountQuantity": float(discount * 100),
        "discountAmount": float(discount),
        "netQuantity": float(net * 100),
        "netAmount": float(net),
    }


async def order(request: Request) -> Response:
    """POST …/settings/billing/reports: an export is ordered; both days belong to it."""
    company = company_of(request)
    _account(request, "enterprises")
    try:
        body = msgspec.json.decode(await request.body())
        start, end = _day(body["start_date"]), _day(body["end_date"])
    except (msgspec.DecodeError, KeyError, TypeError):
        raise RefusedError(422, "", "start_date and end_date are needed") from None
    if body.get("report_type") != "ai_credit":
        raise RefusedError(422, "", "report_type is not supported")
    if not books.CREDITS_FROM <= start <= end <= company.today:
        raise RefusedError(422, "", "the dates are not available")
    if (end - start).days >= _MOST_EXPORT_DAYS:
        raise RefusedError(422, "", "the range cannot exceed 31 days")
    job = f"{start}.{end}.{time.time_ns()}"
    return answer(_job(job, "processing", start, end), 202)


async def ordered(request: Request) -> Response:
    """GET …/reports/{id}: it is being made at the first look, and there at the second."""
    _account(request, "enterprises")
    job = request.path_params["job"]
    start, end, _ = (*job.split("."), "", "")[:3]
    first, last = _day(start), _day(end)
    looks = request.app.state.looks
    looks[job] += 1
    if looks[job] < 2:
        return answer(_job(job, "processing", first, last))
    links = [_link(request, f"export.{start}.{end}.{part}") for part in (0, 1)]
    return answer({**_job(job, "completed", first, last), "download_urls": links})


def _job(job: str, status: str, start: date, end: date) -> dict[str, Any]:
    return {
        "id": job,
        "report_type": "ai_credit",
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "status": status,
        "actor": "admin",
    }


def _export(company: Company, start: date, end: date, part: int) -> bytes:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(_COLUMNS)
    days = (start + timedelta(days=number) for number in range((end - start).days + 1))
    for spend in (spend for day in days for spend in books.spending(company, day)):
        if spend.person % 2 == part:
            table.writerow(_export_row(spend))
    return written.getvalue().encode()


def _export_row(spend: books.CopilotSpend) -> tuple[object, ...]:
    center = "research" if spend.person % 5 == 0 else ""
    return (
        *(spend.day, spend.login, "copilot", _SKU, spend.model, "ai-credits", spend.credits),
        *("0.01", spend.gross, spend.discount, spend.net, books.ORGANISATION, "", center),
        *(spend.input, spend.output, spend.cache_read, spend.cache_write),
    )


# --- Files that answers link to ----------------------------------------------------------------


def _link(request: Request, name: str) -> str:
    until = int(time.time()) + LINK_SECONDS
    url = request.url_for("file", name=name)
    return str(url.include_query_params(until=until, sig=_signature(name, str(until))))


def _signature(name: str, until: str) -> str:
    return hashlib.blake2b(f"{name} {until}".encode(), digest_size=12).hexdigest()


async def file(request: Request) -> Response:
    """GET /files/{name}: the store's, not the API's; it refuses a credential beside the link's."""
    company, name = company_of(request), request.path_params["name"]
    until, signature = (request.query_params.get(key, "") for key in ("until", "sig"))
    if "authorization" in request.headers:
        return Response("<Error>Only one auth mechanism allowed</Error>", 400)
    if signature != _signature(name, until) or int(until) < time.time():
        return Response("<Error>AuthenticationFailed</Error>", 403)
    kind, *rest = name.split(".")
    if kind == "report":
        owner, day, part = rest
        body = _report_lines(company, owner, date.fromisoformat(day), int(part))
        return Response(body, media_type="application/x-ndjson")
    start, end, part = rest
    body = _export(company, date.fromisoformat(start), date.fromisoformat(end), int(part))
    return Response(body, media_type="text/csv")


# --- Requests and refusals ---------------------------------------------------------------------


def _account(request: Request, *kinds: str) -> str:
    """The kind of account in the path; 404 for one that the company has not."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    own = books.ENTERPRISE if kind == "enterprises" else books.ORGANISATION
    if kind not in kinds or name != own:
        raise RefusedError(404, "", "Not Found")
    return str(kind)


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise RefusedError(422, "", "a day is written YYYY-MM-DD") from None


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, default))
    except ValueError:
        raise RefusedError(422, "", f"{name} must be an integer") from None


def _check_token(request: Request, token: str) -> Response | None:
    if "/files/" in request.url.path:
        return None
    if request.headers.get("authorization") == f"Bearer {token}":
        return None
    return refusal(401, "Bad credentials")


def refusal(status: int, message: str) -> Response:
    """An error in the vendor's own form."""
    more = {"documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return answer({"message": message, **more}, status)
