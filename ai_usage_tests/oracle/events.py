"""What vendors and finance's files report of a company: the rows of raw_ai_events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage_tests.oracle.draw import Draw
from ai_usage_tests.oracle.people import CENTERS, WORKSPACES, Key, Row, Staff, projects
from ai_usage_tests.sql.company import complete

MODELS = ("sonnet", "haiku", "opus")
TIERS = (
    "standard", "standard", "standard", None, "batch", "priority", "priority_on_demand", "flex",
)  # fmt: skip
CONTEXTS = ("0-200k", "0-200k", "200k-1M", None)
TOKEN_TYPES = {
    "uncached_input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
"""Anthropic's word for a class of tokens, and the column that counts it."""
CLASSES = {
    **TOKEN_TYPES,
    "web_search": "web_search_requests",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
}
SEAT_PRICE = Decimal(40)


def events(draw: Draw, staff: Staff, first: date, today: date, *, neutral: bool) -> list[Row]:
    """A few hundred events; `neutral`: readers filled the neutral columns too."""
    days = _busy_days(draw, first, today)
    rows = [
        *_reports(draw, staff, days),
        *_sessions(draw, staff, days),
        *_charges(draw, staff, days),
        *_seats(draw, staff, first, today),
        *_other_costs(draw, staff, days),
        *_odd(draw, staff, days),
    ]
    for row in rows:
        row.setdefault("event_timestamp", _midnight(row["event_date"]))
        row.setdefault("attribution_method", "unknown")
        row.setdefault("data_quality_score", draw.pick([1.0, 1.0, 1.0, 0.9]))
        row.setdefault("is_charge_unknown", draw.pick([False, None]))
        row["event_id"] = draw.identifier()
        row["ingest_timestamp"] = _midnight(row["event_date"]) + timedelta(days=2)
        row["is_provisional"] = row["event_date"] > today - timedelta(
            days=draw.pick([0, 2, 4])
        ) or draw.chance(0.02)
        row["validation_errors"] = []
        if neutral:
            row |= _neutral(row)
    return [complete("raw_ai_events", row) for row in draw.shuffled(rows)]


def _neutral(row: Row) -> Row:
    """What a reader that knows the neutral columns says of the vendor's words."""
    tier = row.get("service_tier")
    if row["source_endpoint"] == "cost_report":
        billed = row.get("token_type") or row.get("cost_type") or ""
        return {
            "weight_class": CLASSES.get(billed),
            "price_tier": tier and ("batch" if tier == "batch" else "standard"),
            "is_committed": False,
        }
    if row["event_type"] == "cost" or row["platform"] == "github":
        return {}
    return {
        "price_tier": "batch" if tier == "batch" else "standard",
        "is_committed": tier == "priority",
    }


def _busy_days(draw: Draw, first: date, today: date) -> list[date]:
    """Few days, so that things meet: ends and beginnings of months among them."""
    months = sorted({(first + timedelta(days=n)).replace(day=1) for n in range(0, 200)})
    edges = [m + timedelta(days=n) for m in months for n in (-1, 0, 13)]
    edges += [today, today - timedelta(days=1), first]
    days = [day for day in edges if first <= day <= today]
    return days + [draw.day(first, today) for _ in range(8)]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _acting(key: Key | None) -> Row:
    if key is None:
        return {}
    if key.key_id is None:
        return {"actor_name": key.name, "attribution_method": "key_name"}
    return {"api_key_id": key.key_id, "attribution_method": "api_key_mapping"}


def _tokens(draw: Draw) -> Row:
    cells: Row = {
        name: draw.count()
        for name in (
            "input_tokens", "output_tokens", "cache_read_tokens",
            "cache_write_5m_tokens", "cache_write_1h_tokens",
        )
    }  # fmt: skip
    written = [cells["cache_write_5m_tokens"], cells["cache_write_1h_tokens"]]
    cells["cached_input_tokens"] = (
        None if written == [None, None] else sum(number or 0 for number in written)
    )
    cells["web_search_requests"] = draw.pick([None, None, 0, draw.number(1, 30)])
    return cells


def _reports(draw: Draw, staff: Staff, days: list[date]) -> list[Row]:
    """Scenes: a day of a workspace with its usage by key, and the lines that bill it."""
    keys: list[Key | None] = [key for key in staff.keys if key.platform == "anthropic"]
    rows: list[Row] = []
    for _ in range(14):
        day, space = draw.pick(days), draw.pick(WORKSPACES)
        models = draw.some(MODELS, 1, 2)
        tiers = draw.some(TIERS, 1, 4)
        contexts = draw.some(CONTEXTS, 1, 2)
        mates = [*draw.some(keys, 1, 4), draw.pick([None, *keys])]
        for _ in range(draw.number(0, 8)):
            usage = {
                "event_type": "usage",
                "source_endpoint": "usage_report_messages",
                "service_tier": draw.pick(tiers),
                **_acting(draw.pick(mates)),
                **_tokens(draw),
            }
            if draw.chance(0.1):
                usage |= {"user_email": draw.pick(staff.emails), "api_key_id": None}
                usage["attribution_method"] = "direct_email"
            rows.append(_anthropic(draw, day, space, models, contexts, usage))
        classes = draw.some(sorted(TOKEN_TYPES), 1, 3)
        for _ in range(draw.number(1, 7)):
            kind = draw.pick([*classes, *classes, None, None])
            line = {
                "event_type": "cost",
                "source_endpoint": "cost_report",
                "service_tier": draw.pick([None, *tiers]),
                "token_type": kind,
                "cost_type": kind
                or draw.pick(
                    [
                        "web_search",
                        "web_search",
                        "code_execution",
                        "session_usage",
                        "input_tokens",
                        "output_tokens",
                    ]
                ),
                "cost_usd": draw.dollars(),
                "billing_period": "daily",
                "cost_currency": "USD",
            }
            rows.append(_anthropic(draw, day, space, models, contexts, line))
            if draw.chance(0.15):
                # The report has the line twice: something that it does not say makes it two.
                rows.append(dict(rows[-1]) | {"cost_usd": draw.dollars()})
    return rows


def _anthropic(
    draw: Draw, day: date, space: str | None, models: list[str], contexts: list[Any], cells: Row
) -> Row:
    is_line = cells["event_type"] == "cost"
    return {
        "event_date": day,
        "platform": "anthropic",
        "platform_subtype": "claude_api",
        "workspace_id": space,
        "model": draw.pick([*models, *models, None] if is_line else models),
        "context_window": draw.pick(contexts),
        **cells,
    }


def _sessions(draw: Draw, staff: Staff, days: list[date]) -> list[Row]:
    """What people did in Claude Code, Cursor and Copilot, without a charge."""
    rows = []
    by_name = [key for key in staff.keys if key.platform == "anthropic"]
    for _ in range(70):
        product = draw.pick(["claude_code", "cursor", "copilot"])
        platform = {"claude_code": "anthropic", "cursor": "cursor"}.get(product, "github")
        is_code = product == "claude_code"
        cells: Row = {
            "event_date": draw.pick(days),
            "platform": platform,
            "platform_subtype": product,
            "event_type": "session",
            "source_endpoint": {"anthropic": "claude_code", "cursor": "daily_usage"}.get(
                platform, "copilot_metrics"
            ),
            "session_count": draw.count(20) if is_code else None,
            "request_count": None if is_code else draw.count(50),
            "lines_added": None if is_code else draw.count(500),
            "lines_accepted": draw.count(400),
            "suggestions_shown": draw.count(60),
            "suggestions_accepted": draw.count(40),
            "commits": draw.pick([None, 0, 2]) if is_code else None,
            "pull_requests": draw.pick([None, 0, 1]) if is_code else None,
            "estimated_cost_usd": draw.cents(9) if is_code else None,
            "model": draw.pick([None, *MODELS]),
        }
        if is_code and draw.chance(0.5):
            cells |= _tokens(draw) | {"session_id": draw.identifier()}
        if is_code and draw.chance(0.3):
            cells |= _acting(draw.pick(by_name))
        elif draw.chance(0.95):
            cells |= {
                "user_email": draw.pick(staff.emails),
                "attribution_method": "direct_email",
            }
        rows.append(cells)
    return rows


def _charges(draw: Draw, staff: Staff, days: list[date]) -> list[Row]:
    """Cursor's events: on-demand ones carry a charge, others what the seat covers."""
    rows = []
    keys = [key for key in staff.keys if key.platform == "cursor"]
    for _ in range(40):
        day = draw.pick(days)
        is_charged = draw.chance(0.6)
        cells: Row = {
            "event_date": day,
            "event_timestamp": draw.instant(day),
            "platform": "cursor",
            "platform_subtype": "cursor",
            "event_type": "usage",
            "source_endpoint": "usage_events",
            "model": draw.pick(["gpt", *MODELS]),
            "cost_usd": draw.pick([draw.dollars(), draw.cents(3)]) if is_charged else None,
            "cost_type": "overage" if is_charged else None,
            "billing_period": "usage_based",
            "cost_currency": "USD" if is_charged else None,
            "included_value_usd": draw.pick([None, draw.cents(2)]),
            "overage_requests": 1 if is_charged else None,
            "subscription_requests": None if is_charged else 1,
            "request_count": draw.pick([None, 1]),
            **(_tokens(draw) if draw.chance(0.5) else {}),
        }
        if keys and draw.chance(0.15):
            cells |= _acting(draw.pick(keys))
        elif draw.chance(0.95):
            cells |= {"user_email": draw.pick(staff.emails), "attribution_method": "direct_email"}
        rows.append(cells)
    return rows


def _seats(draw: Draw, staff: Staff, first: date, today: date) -> list[Row]:
    """A day's part of each seat, held by somebody, by nobody, by a stranger."""
    rows: list[Row] = []
    for _ in range(draw.number(3, 5)):
        start = draw.day(first, today)
        length = draw.number(1, 45)
        platform, product = draw.pick(
            [
                ("cursor", "cursor"),
                ("anthropic", "claude_web"),
                ("anthropic", None),
                ("github", "copilot"),
            ]
        )
        holder = draw.pick([None, *staff.people, *staff.people, "nobody@else.org"])
        month_days = draw.pick([None, 28, 30, 31])
        paid = {
            "platform": platform,
            "platform_subtype": product,
            "event_type": "cost",
            "source_endpoint": "seats",
            "cost_type": "subscription",
            "billing_period": "monthly",
            "billing_account_id": draw.pick([None, "org", "team"]),
            "billing_month_days": month_days,
            "cost_center": draw.pick([None, None, *CENTERS]),
            "user_email": holder,
            "attribution_method": "direct_email" if holder else "shared",
            "cost_usd": (SEAT_PRICE / (month_days or 30)).quantize(Decimal("0.000001")),
            **_converted(draw),
        }
        rows += [
            paid | {"event_date": start + timedelta(days=n)}
            for n in range(length)
            if start + timedelta(days=n) <= today
        ]
    return rows


def _converted(draw: Draw) -> Row:
    if draw.chance(0.6):
        return {"cost_currency": "USD"}
    return {
        "cost_currency": "EUR",
        "exchange_rate": draw.pick([Decimal("1.0837"), Decimal("1.1")]),
        "exchange_rate_date": date(2024, 1, 2),
        "exchange_rate_source": "rates.csv",
        "is_rate_stale": draw.chance(0.5),
    }


def _other_costs(draw: Draw, staff: Staff, days: list[date]) -> list[Row]:
    """Entries of other_costs.csv: one-time cost, tax, credits, commitments."""
    rows = []
    for kind in ["one_time", "tax", "credit", "commitment", *draw.some(["one_time", "tax"])]:
        holder = draw.pick([None, None, *staff.people[:2]])
        amount = draw.cents(500)
        rows.append(
            {
                "event_date": draw.pick(days),
                "platform": draw.pick(["anthropic", "cursor", "github"]),
                "event_type": "cost",
                "source_endpoint": "other_costs",
                "cost_type": kind,
                "billing_account_id": draw.pick([None, "org", "team"]),
                "cost_usd": -amount if kind == "credit" else amount,
                "cost_center": draw.pick([None, *CENTERS]),
                "project_codes": projects(draw),
                "user_email": holder,
                "attribution_method": "direct_email" if holder else "shared",
                **_converted(draw),
            }
        )
    return rows


def _odd(draw: Draw, staff: Staff, days: list[date]) -> list[Row]:
    """Records that something is wrong with, and kinds that no vendor of today sends."""
    key = draw.pick([key for key in staff.keys if key.platform == "anthropic"])
    line: Row = {
        "platform": "anthropic",
        "platform_subtype": "claude_api",
        "event_type": "cost",
        "source_endpoint": "cost_report",
        "workspace_id": draw.pick(WORKSPACES),
        "token_type": "output_tokens",
        "cost_type": "output_tokens",
        "cost_usd": draw.dollars(),
    }
    usage: Row = line | {
        "event_type": "usage",
        "source_endpoint": "usage_report_messages",
        "token_type": None,
        "cost_type": None,
        "cost_usd": None,
        "model": draw.pick(MODELS),
        **_acting(key),
    }
    broken = {"data_quality_score": 0.0}
    found = [
        line | broken,
        usage | _tokens(draw) | broken,
        line | {"user_email": draw.pick(staff.emails)} | broken,
        line | {"attribution_method": "shared"},
        line | {"attribution_method": "unnamed"},
        # A line that names its key or person bears its own cost.
        line | _acting(key),
        line | {"user_email": draw.pick(staff.emails), "attribution_method": "direct_email"},
        line | {"platform": "mystery", "platform_subtype": "novel"},
        line | {"platform": "github", "platform_subtype": "copilot", "workspace_id": None},
        # Charges that nobody knows: in no cost.
        *(
            line | {"cost_usd": None, "is_charge_unknown": True}
            for _ in range(draw.pick([0, 1, 3]))
        ),
    ]
    return [row | {"event_date": draw.pick(days)} for row in found]
