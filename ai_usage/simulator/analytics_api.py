"""Anthropic's Usage and Cost Analytics API (beta): rows by day and group, for both kinds of key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.analytics_books import CLASSES, Fact
from ai_usage.simulator.anthropic_wire import Query, invalid, midnight, text_of
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import answer, company_of, encode, page_token

BETA: Final = "analytics-usage-cost-2026-08-24"
FIRST_DAY: Final = date(2026, 1, 1)
GROUPS: Final = (
    "actor",
    "actor_type",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "product",
    "service_tier",
    "speed",
    "workspace_id",
)
FREE: Final = ("cost_type", "token_type")
"""Groups of costs that do not count towards five, nor their rows towards `limit`."""
Facts = Callable[[Company, date], list[Fact]]
Row = tuple[date, dict[str, Any], dict[str, Any]]
"""Day, groups, figures."""


def analytics_routes(facts: Facts) -> list[Route]:
    """Both reports of whoever has these facts."""

    async def cost(request: Request) -> Response:
        return _report(request, facts, FREE, _cost_rows, "amount", "cost")

    async def usage(request: Request) -> Response:
        return _report(request, facts, (), _usage_rows, "total_tokens", "usage")

    base = "/v1/organizations/analytics"
    return [Route(f"{base}/cost", cost), Route(f"{base}/usage", usage)]


def _report(
    request: Request,
    facts: Facts,
    free: tuple[str, ...],
    rows_of: Callable[[date, list[Fact], tuple[str, ...]], list[list[Row]]],
    usual_order: str,
    name: str,
) -> Response:
    if BETA not in request.headers.get("anthropic-beta", ""):
        raise invalid(f"this endpoint requires the anthropic-beta header {BETA}")
    company = company_of(request)
    query = Query(request, arrays=("group_by",))
    groups = query.groups(GROUPS, free)
    start, end = query.instant("starting_at"), query.optional_instant("ending_at")
    if query.scalars.get("time_bucket_width") != "1d":
        raise invalid("time_bucket_width: only 1d is simulated")
    if end is None:
        raise invalid("ending_at: required with time_bucket_width")
    oldest = max(FIRST_DAY, company.today - timedelta(days=365))
    if start.date() < oldest:
        raise invalid(f"starting_at: must not be before {oldest}")
    if end <= start or end - start > timedelta(days=31):
        raise invalid("Invalid date range: from 1 to 31 days")
    order_by = query.scalars.get("order_by", usual_order)
    blocks = [
        block
        for day in company.days(start.date(), end.date() - timedelta(days=1))
        for block in rows_of(day, facts(company, day), groups)
    ]
    if order_by != "time":
        # As amounts move, so does the order: whoever pages by it may miss a row.
        blocks.sort(key=lambda block: repr(block[0][2]))
    if query.scalars.get("order", "desc") == "desc":
        blocks.reverse()
    limit, offset = query.limit(20, 1000), query.offset()
    more = offset + limit < len(blocks)
    return answer(
        {
            "data": [
                {
                    "starting_at": text_of(midnight(day)),
                    "ending_at": text_of(midnight(day + timedelta(days=1))),
                    "group": found,
                    name: figures,
                }
                for block in blocks[offset : offset + limit]
                for day, found, figures in block
            ],
            "has_more": more,
            "next_page": page_token(query.fingerprint, offset + limit) if more else None,
            "data_refreshed_at": text_of(midnight(company.today) + timedelta(hours=6)),
        }
    )


def _grouped(facts: list[Fact], groups: tuple[str, ...]) -> list[list[Fact]]:
    found: dict[bytes, list[Fact]] = {}
    for fact in facts:
        key = bytes(encode(_groups_of(fact, groups)))
        found.setdefault(key, []).append(fact)
    return [own for _, own in sorted(found.items())]


def _groups_of(fact: Fact, groups: tuple[str, ...]) -> dict[str, Any]:
    shown = {**fact.groups, "actor_type": (fact.groups["actor"] or {}).get("type")}
    return {name: shown[name] for name in groups if name not in FREE}


def _cost_rows(day: date, facts: list[Fact], groups: tuple[str, ...]) -> list[list[Row]]:
    blocks = []
    free = [name for name in FREE if name in groups]
    for own in _grouped(facts, groups):
        sums: dict[tuple[str | None, ...], tuple[Decimal, Decimal]] = {}
        for line in (line for fact in own for line in fact.lines):
            key = tuple(getattr(line, name) for name in free)
            before = sums.get(key, (Decimal(0), Decimal(0)))
            sums[key] = (before[0] + line.cents, before[1] + line.list_cents)
        requests = None if free else sum(fact.requests for fact in own)
        block: list[Row] = [
            (
                day,
                _groups_of(own[0], groups) | dict(zip(free, key, strict=True)),
                {
                    "amount": f"{cents:f}",
                    "list_amount": f"{listed:f}",
                    "currency": "USD",
                    "requests": requests,
                },
            )
            for key, (cents, listed) in sums.items()
        ]
        if block:
            blocks.append(block)
    return blocks


def _usage_rows(day: date, facts: list[Fact], groups: tuple[str, ...]) -> list[list[Row]]:
    blocks = []
    for own in _grouped(facts, groups):
        uncached, output, read, write_5m, write_1h = (
            sum(fact.tokens.get(name, 0) for fact in own) for name in CLASSES
        )
        figures = {
            "uncached_input_tokens": uncached,
            "cache_creation": {
                "ephemeral_5m_input_tokens": write_5m,
                "ephemeral_1h_input_tokens": write_1h,
            },
            "cache_read_input_tokens": read,
            "output_tokens": output,
            "total_tokens": uncached + output + read + write_5m + write_1h,
            "server_tool_use": {"web_search_requests": sum(fact.searches for fact in own)},
            "requests": sum(fact.requests for fact in own),
        }
        blocks.append([(day, _groups_of(own[0], groups), figures)])
    return blocks
