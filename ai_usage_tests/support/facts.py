"""An engine with everything around the raw events, made by hand: only a fact's SQL is tested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ai_usage.days.windows import Window
from ai_usage_tests.sql.company import calendar_rows
from ai_usage_tests.sql.engine import Engine


def engine_around(
    people: Mapping[str, int],
    keys: Mapping[str, int],
    *,
    team: str | None = None,
    start_dates: Mapping[str, date | None] | None = None,
    cost_centers: Mapping[str, str] | None = None,
    verified: date | None = None,
    logins: Mapping[str, int] | None = None,
) -> Engine:
    """People by address and keys by id, each with its user_sk; a key in no bridge is Unknown's.

    `team` is everybody's; `start_dates` are people's first days, by address; `cost_centers` are
    people's and keys', their surrogate keys 1, 2, … in order of name: a key without one of its own
    has its owner's; `verified` is the day on which all was last confirmed; `logins` are people's.
    """
    centers = cost_centers or {}
    owned = {sk: centers[email] for email, sk in people.items() if email in centers}
    at = datetime(2026, 3, 1, tzinfo=UTC)
    stamps = {"created_timestamp": at, "updated_timestamp": at}
    ever = {"effective_date": date(1900, 1, 1), "expiration_date": date(9999, 12, 31)}
    bridge = {
        "valid_from": date(1900, 1, 1),
        "valid_to": date(9999, 12, 31),
        "project_codes": [],
        "confidence_score": 1.0,
        "attribution_source": "by_hand",
    }
    contents: dict[str, list[dict[str, Any]]] = {
        "dim_users": [
            {
                "user_sk": sk,
                "user_email": email,
                "person_id": email,
                "person": email,
                "is_active": True,
                "is_current": True,
                "data_source": "by_hand",
                "team": team if sk > 0 else None,
                "start_date": (start_dates or {}).get(email),
                **ever,
                **stamps,
            }
            for email, sk in {**people, "unknown": 0, "shared": -1}.items()
        ],
        "dim_platforms": [],
        "dim_cost_centers": [
            {"cost_center_sk": n, "cost_center": name, "is_active": True, **stamps}
            for n, name in enumerate(sorted(set(centers.values())), 1)
        ],
        "bridge_user_identity": [
            {"identity_type": kind, "identity_value": value, "platform": where, "user_sk": sk}
            | {"cost_center": centers.get(value, owned.get(sk)), "last_verified_date": verified}
            | {"is_owners_cost_center": value not in centers if kind == "api_key_id" else None}
            | bridge
            for kind, where, members in (
                ("api_key_id", "anthropic", keys),
                ("email", "*", people),
                ("vendor_user_id", "hub", logins or {}),
            )
            for value, sk in members.items()
        ],
        "dim_dates": calendar_rows(date(2026, 1, 1), date(2026, 12, 31)),
    }
    engine = Engine()
    engine.fill(contents)
    return engine


def raw(event_id: str, day: date, **cells: Any) -> dict[str, Any]:
    """A raw event of the day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {
        "event_id": event_id,
        "event_timestamp": at,
        "event_date": day,
        "platform": "anthropic",
        "platform_subtype": "claude_api",
        "source_endpoint": "by_hand",
        "is_provisional": False,
        "ingest_timestamp": at,
        "attribution_method": "unknown",
        "data_quality_score": 1.0,
        "validation_errors": [],
        **cells,
    }


def cost_facts(
    engine: Engine, events: list[dict[str, Any]], window: Window
) -> dict[str, list[dict[str, Any]]]:
    """Rows of `fact_ai_costs` that the events make, by event, in order of their parts."""
    engine.fill({"raw_ai_events": events})
    rows = engine.rows_of(
        "facts",
        "fact_ai_costs",
        start=window.start,
        end=window.end,
        run_id="by_hand",
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r["event_id"], r["event_part"])):
        found[row["event_id"]].append(row)
    return found


def reconcile(
    engine: Engine,
    invoices: list[dict[str, Any]],
    events: list[dict[str, Any]],
    window: Window,
    today: date,
    *,
    platforms: Sequence[str] = ("anthropic", "*"),
) -> list[dict[str, Any]]:
    """Rows of `invoice_reconciliation` of these lines of invoices, as seen on a day; kept.

    The days of the window are loaded, whatever happened on them: of the vendor's charges, and (*)
    of finance's files.
    """
    loaded = [
        {
            "day": day,
            "platform": platform,
            "source_endpoint": "by_hand",
            "cost_kind": "seat" if platform == "*" else "usage",
            "is_provisional": False,
            "ingest_timestamp": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for day in window.days()
        for platform in platforms
    ]
    lines = [
        {"invoice_line": n, "amount": row["amount_usd"], "currency_code": "USD"}
        | {"exchange_rate": Decimal(1)}
        | row
        for n, row in enumerate(invoices, 1)
    ]
    engine.fill({"raw_ai_events": events, "raw_invoices": lines, "loaded_days": loaded})
    return list(engine.judge_invoices(today)["invoice_reconciliation"])


def usage_facts(
    engine: Engine, events: list[dict[str, Any]], window: Window
) -> dict[str, dict[str, Any]]:
    """Rows of `fact_ai_usage` that the events make, by event."""
    engine.fill({"raw_ai_events": events})
    rows = engine.rows_of(
        "facts", "fact_ai_usage", start=window.start, end=window.end, run_id="by_hand"
    )
    return {row["event_id"]: row for row in rows}
