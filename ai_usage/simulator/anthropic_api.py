"""Anthropic's Admin API (Console organisations): shapes, pages, limits and quirks as of today.

Only the wire belongs here; what happened comes from the company.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.analytics_api import analytics_routes
from ai_usage.simulator.analytics_books import console_facts, default_workspace
from ai_usage.simulator.anthropic_wire import (
    VERSIONS,
    Query,
    check_headers,
    invalid,
    midnight,
    moment,
    refusal,
    text_of,
    version_of,
)
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import (
    CompanySource,
    answer,
    company_of,
    encode,
    page_token,
    vendor_app,
)
from ai_usage.simulator.pricing import CACHE_READ, OUTPUT, UNCACHED, WRITE_1H, WRITE_5M
from ai_usage.simulator.records import ApiUsage, CodeRecord, CostLine
from ai_usage.simulator.roster import ApiKey, Person

FAST_MODE_BETA: Final = "fast-mode-2026-02-01"
USAGE_GROUPS: Final = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
)
COST_GROUPS: Final = ("workspace_id", "description")
_FILTERS: Final = {
    "account_ids": "account_id",
    "api_key_ids": "api_key_id",
    "context_window": "context_window",
    "inference_geos": "inference_geo",
    "models": "model",
    "service_account_ids": "service_account_id",
    "service_tiers": "service_tier",
    "speeds": "speed",
    "workspace_ids": "workspace_id",
}
_BAD_RANGE: Final = "Invalid date range: ending date must be after starting date"
_DESCRIBED: Final = (
    "description",
    "cost_type",
    "model",
    "token_type",
    "service_tier",
    "context_window",
    "inference_geo",
)


def create_anthropic_app(company: CompanySource, key: str) -> Starlette:
    """The vendor's API below its own prefix; `key` is the only one it accepts."""
    base = "/v1/organizations"
    return vendor_app(
        company,
        [
            Route(f"{base}/usage_report/messages", messages_usage),
            Route(f"{base}/usage_report/claude_code", claude_code),
            Route(f"{base}/cost_report", cost_report),
            Route(f"{base}/me", organization),
            Route(f"{base}/api_keys", api_keys),
            Route(f"{base}/users", users),
            Route(f"{base}/workspaces", workspaces),
            *analytics_routes(console_facts),
        ],
        refusal,
        lambda request: check_headers(request, key),
    )


# --- Reports ---------------------------------------------------------------------------------


async def messages_usage(request: Request) -> Response:
    """GET usage_report/messages: tokens in daily buckets; `limit` counts buckets."""
    company = company_of(request)
    query = Query(request, arrays=("group_by", *_FILTERS))
    groups = query.groups(USAGE_GROUPS)
    if "speed" in groups and FAST_MODE_BETA not in request.headers.get("anthropic-beta", ""):
        raise invalid(f"group_by[]: speed requires the anthropic-beta header {FAST_MODE_BETA}")
    filters = {_FILTERS[name]: values for name, values in query.arrays.items() if name in _FILTERS}
    start, end = query.instant("starting_at"), query.optional_instant("ending_at")
    if end is not None and end <= start:
        raise invalid(_BAD_RANGE)
    # Buckets that end at or before ending_at; today's exists and is partial.
    last = company.today
    if end is not None:
        last = min(last, end.date() - timedelta(days=1))
    name = f"wire usage {groups} {sorted(filters.items())}"

    def rows(day: date) -> list[msgspec.Raw]:
        return company.cache.get(name, day, lambda: _usage_rows(company, day, groups, filters))

    return _buckets(query, start.date(), last, rows)


async def cost_report(request: Request) -> Response:
    """GET cost_report: cents as decimal strings, in daily buckets."""
    company = company_of(request)
    query = Query(request, arrays=("group_by",))
    groups = query.groups(COST_GROUPS)
    start, end = query.instant("starting_at"), query.optional_instant("ending_at")
    first = start.date()
    if end is None:
        # "Now": today's bucket is not complete, so it is not there unless it is asked for.
        last = company.today - timedelta(days=1)
    else:
        if end <= start or end != midnight(end.date()):
            raise invalid(_BAD_RANGE)
        last = min(company.today, end.date() - timedelta(days=1))
    if last < first:
        raise invalid(_BAD_RANGE)
    name = f"wire cost {groups}"

    def rows(day: date) -> list[msgspec.Raw]:
        return company.cache.get(name, day, lambda: _cost_rows(company.cost_lines(day), groups))

    return _buckets(query, first, last, rows)


async def claude_code(request: Request) -> Response:
    """GET usage_report/claude_code: one day's records, several a person."""
    company = company_of(request)
    query = Query(request)
    text = query.required("starting_at")
    try:
        if len(text) != len("2026-01-31"):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise invalid("starting_at: must be a date in the form YYYY-MM-DD") from None
    limit = query.limit(20, 1000)
    offset = query.offset()
    rows: list[msgspec.Raw] = company.cache.get(
        "wire claude_code",
        day,
        lambda: [encode(_code_row(company, record)) for record in company.claude_code(day)],
    )
    more = offset + limit < len(rows)
    return answer(
        {
            "data": rows[offset : offset + limit],
            "has_more": more,
            "next_page": page_token(query.fingerprint, offset + limit) if more else None,
        }
    )


def _buckets(
    query: Query, first: date, last: date, rows: Callable[[date], list[msgspec.Raw]]
) -> Response:
    """The asked page of daily buckets from `first` to `last`, both inclusive."""
    if query.scalars.get("bucket_width", "1d") != "1d":
        raise invalid("bucket_width: only 1d is available here")
    limit = query.limit(7, 31)
    offset = query.offset()
    count = max(0, (last - first).days + 1)
    days = [first + timedelta(days=n) for n in range(offset, min(count, offset + limit))]
    more = offset + limit < count
    return answer(
        {
            "data": [
                {
                    "starting_at": text_of(midnight(day)),
                    "ending_at": text_of(midnight(day + timedelta(days=1))),
                    "results": rows(day),
                }
                for day in days
            ],
            "has_more": more,
            "next_page": page_token(query.fingerprint, offset + limit) if more else None,
        }
    )


def _usage_rows(
    company: Company, day: date, groups: tuple[str, ...], filters: dict[str, tuple[str, ...]]
) -> list[msgspec.Raw]:
    sums: dict[tuple[str | None, ...], list[int]] = {}
    for usage in company.api_usage(day):
        dimensions = _dimensions(usage)
        if any(dimensions[name] not in values for name, values in filters.items()):
            continue
        key = tuple(dimensions[name] if name in groups else None for name in USAGE_GROUPS)
        counts = sums.setdefault(key, [0] * 6)
        for at, value in enumerate(
            (
                usage.uncached,
                usage.cache_read,
                usage.write_5m,
                usage.write_1h,
                usage.output,
                usage.web_searches,
            )
        ):
            counts[at] += value
    ordered = sorted(sums.items(), key=lambda item: tuple(part or "" for part in item[0]))
    return [encode(_usage_row(day, key, counts)) for key, counts in ordered]


def _dimensions(usage: ApiUsage) -> dict[str, str | None]:
    return {
        "account_id": None,
        "api_key_id": usage.key_id,
        "context_window": usage.context_window,
        "inference_geo": usage.inference_geo,
        "model": usage.model,
        "service_account_id": None,
        "service_tier": usage.service_tier,
        "speed": "standard",
        "workspace_id": usage.workspace_id,
    }


def _usage_row(day: date, key: tuple[str | None, ...], counts: list[int]) -> dict[str, Any]:
    uncached, read, write_5m, write_1h, output, searches = counts
    row: dict[str, Any] = {"uncached_input_tokens": uncached, "cache_read_input_tokens": read}
    # Sub-objects of zeros are sometimes left out; which ones depends on the row alone.
    draw = zlib.crc32(f"{day}{key}".encode())
    if write_5m or write_1h or draw % 3:
        row["cache_creation"] = {
            "ephemeral_5m_input_tokens": write_5m,
            "ephemeral_1h_input_tokens": write_1h,
        }
    row["output_tokens"] = output
    if searches or draw % 2:
        row["server_tool_use"] = {"web_search_requests": searches}
    return row | dict(zip(USAGE_GROUPS, key, strict=True))


def _cost_rows(lines: list[CostLine], groups: tuple[str, ...]) -> list[msgspec.Raw]:
    sums: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    for line in lines:
        workspace = line.workspace_id if "workspace_id" in groups else None
        described = tuple(
            getattr(line, name) if "description" in groups else None for name in _DESCRIBED
        )
        sums[workspace, *described] += line.cents
    return [
        encode(
            {
                "currency": "USD",
                "amount": f"{cents.normalize():f}",
                "workspace_id": key[0],
                **dict(zip(_DESCRIBED, key[1:], strict=True)),
            }
        )
        for key, cents in sums.items()
    ]


def _code_row(company: Company, record: CodeRecord) -> dict[str, Any]:
    actor = "email_address" if record.actor_type == "user_actor" else "api_key_name"
    return {
        "date": text_of(midnight(record.day)),
        "actor": {"type": record.actor_type, actor: record.actor_name},
        "organization_id": company.organization_id,
        "customer_type": record.customer_type,
        "subscription_type": "team" if record.customer_type == "subscription" else None,
        "terminal_type": record.terminal_type,
        "core_metrics": {
            "num_sessions": record.sessions,
            "lines_of_code": {"added": record.lines_added, "removed": record.lines_removed},
            "commits_by_claude_code": record.commits,
            "pull_requests_by_claude_code": record.pull_requests,
        },
        "tool_actions": {
            tool: {"accepted": accepted, "rejected": rejected}
            for tool, accepted, rejected in record.tools
        },
        "model_breakdown": _model_breakdown(company, record),
    }


def _model_breakdown(company: Company, record: CodeRecord) -> list[dict[str, Any]]:
    """One entry a model over all context windows; the estimate is in whole cents."""
    found: dict[str, dict[str, int]] = {}
    estimates: dict[str, Decimal] = defaultdict(Decimal)
    for tokens in record.tokens:
        sums = found.setdefault(
            tokens.model, {"input": 0, "output": 0, "cache_read": 0, "cache_creation": 0}
        )
        sums["input"] += tokens.uncached
        sums["output"] += tokens.output
        sums["cache_read"] += tokens.cache_read
        sums["cache_creation"] += tokens.write_5m + tokens.write_1h
        for token_type, count in (
            (UNCACHED, tokens.uncached),
            (OUTPUT, tokens.output),
            (CACHE_READ, tokens.cache_read),
            (WRITE_5M, tokens.write_5m),
            (WRITE_1H, tokens.write_1h),
        ):
            estimates[tokens.model] += company.prices.cents(
                record.day, tokens.model, "standard", tokens.context_window, token_type, count
            )
    return [
        {
            "model": model,
            "tokens": sums,
            "estimated_cost": {
                "amount": int(estimates[model].quantize(Decimal(1), ROUND_HALF_UP)),
                "currency": "USD",
            },
        }
        for model, sums in found.items()
    ]


# --- Directory -------------------------------------------------------------------------------


async def organization(request: Request) -> Response:
    """GET /v1/organizations/me."""
    company = company_of(request)
    return answer({"id": company.organization_id, "type": "organization", "name": "Example"})


async def api_keys(request: Request) -> Response:
    """GET api_keys: every key made so far, archived and inactive ones too."""
    company = company_of(request)
    query = Query(request)
    asked_keys = [key for key in company.keys if key.created <= company.today]
    if "workspace_id" in query.scalars:
        at = query.scalars["workspace_id"]
        asked_keys = [key for key in asked_keys if key.workspace_id == at]
    shape = _key_object if version_of(request) == VERSIONS[0] else _scoped_key_object
    found = [shape(company, key) for key in asked_keys]
    if "status" in query.scalars:
        found = [key for key in found if key["status"] == query.scalars["status"]]
    if "created_by_user_id" in query.scalars:
        asked = {"id": query.scalars["created_by_user_id"], "type": "user"}
        found = [key for key in found if key["created_by"] == asked]
    return _listed(query, found, "created_at")


async def users(request: Request) -> Response:
    """GET users: who has a Console account today; who left is gone from the list."""
    company = company_of(request)
    query = Query(request)
    found = [
        {
            "id": person.console_id,
            "type": "user",
            "email": person.email,
            "name": person.full_name,
            "role": _role(person),
            "added_at": text_of(
                moment(max(person.start_date, date(2024, 5, 1)), person.console_id)
            ),
        }
        for person in company.people
        if person.uses_console and person.employed(company.today)
    ]
    if "email" in query.scalars:
        found = [user for user in found if user["email"] == query.scalars["email"]]
    return _listed(query, found, "added_at")


async def workspaces(request: Request) -> Response:
    """GET workspaces: not the default one; archived ones only where asked for."""
    company = company_of(request)
    query = Query(request)
    found = []
    for workspace in company.workspaces:
        archived = workspace.archived
        if archived is not None and archived > company.today:
            archived = None
        if workspace.created > company.today:
            continue
        if archived is None or query.scalars.get("include_archived") == "true":
            found.append(
                {
                    "id": workspace.id,
                    "type": "workspace",
                    "name": workspace.name,
                    "created_at": text_of(moment(workspace.created, workspace.id)),
                    "archived_at": None
                    if archived is None
                    else text_of(moment(archived, f"{workspace.id} archived")),
                    "display_color": workspace.color,
                }
            )
    return _listed(query, found, "created_at")


def _key_object(company: Company, key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "type": "api_key",
        "name": key.name,
        "status": _status(company, key),
        "created_at": text_of(moment(key.created, key.id)),
        "expires_at": None if key.expires is None else text_of(midnight(key.expires)),
        "created_by": {"id": key.created_by_id, "type": key.created_by_type},
        "partial_key_hint": f"sk-ant-api03-{key.id[-8:-5]}...{key.id[-4:]}",
        "workspace_id": key.workspace_id,
    }


def _scoped_key_object(company: Company, key: ApiKey) -> dict[str, Any]:
    """As of version 2026-10-21: the workspace in a scope, the default one under its real id.

    Who made a service account's key is not said any more, only who it acts for.
    """
    shown = _key_object(company, key)
    workspace = shown.pop("workspace_id") or default_workspace(company)
    shown["scope"] = {"type": "workspace", "workspace_id": workspace}
    shown["principal"] = shown["created_by"]
    if key.created_by_type == "service_account":
        shown["created_by"] = None
    return shown


def _status(company: Company, key: ApiKey) -> str:
    today = company.today
    workspace = next((w for w in company.workspaces if w.id == key.workspace_id), None)
    if workspace is not None and workspace.archived is not None and workspace.archived <= today:
        return "archived"
    if key.expires is not None and key.expires <= today:
        return "expired"
    return "inactive" if key.last_day is not None and key.last_day < today else "active"


def _listed(query: Query, objects: list[dict[str, Any]], newest_by: str) -> Response:
    """A page by `after_id` or `before_id`, the newest first; other paging is ignored silently."""
    limit = query.limit(20, 1000)
    objects.sort(key=lambda item: (item[newest_by], item["id"]), reverse=True)
    ids = [item["id"] for item in objects]
    after, before = query.scalars.get("after_id"), query.scalars.get("before_id")
    if after is not None and before is not None:
        raise invalid("Only one of after_id and before_id may be given")
    for name, asked in (("after_id", after), ("before_id", before)):
        if asked is not None and asked not in ids:
            raise invalid(f"{name}: no such object")
    if before is not None:
        end = ids.index(before)
        begin = max(0, end - limit)
        more = begin > 0
    else:
        begin = 0 if after is None else ids.index(after) + 1
        end = begin + limit
        more = end < len(ids)
    page = objects[begin:end]
    return answer(
        {
            "data": page,
            "has_more": more,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }
    )


def _role(person: Person) -> str:
    if person.number == 0:
        return "admin"
    return "developer" if person.api_level > 0 else "claude_code_user"
