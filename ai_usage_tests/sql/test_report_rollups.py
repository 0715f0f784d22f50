"""The rollups behind reconciliation and attribution: what is reported, nobody's, and of keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.layers import statement
from ai_usage.warehouse.sql import inlined
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.sql.reference import Row

BEFORE, DAY, NEXT = date(2025, 8, 31), date(2025, 9, 1), date(2025, 9, 2)
BOUNDS = {"start": DAY, "end": NEXT}
ANN = "ann@x.io"


def usd(text: str) -> Decimal:
    return Decimal(text)


REPORTS: list[Row] = [
    # Two accounts, three kinds; code execution is a part of its row.
    {"event_id": "a", "cost_usd": usd("1.5"), "cost_type": "input_tokens"},
    {"event_id": "b", "cost_usd": usd("0.000000001"), "cost_type": "code_execution"},
    {"event_id": "c", "cost_usd": usd("-2"), "cost_type": "credit", "billing_account_id": "org"},
    {"event_id": "d", "cost_usd": usd("0"), "cost_type": "subscription"},
    # Not known, and no money: no cost.
    {"event_id": "e", "cost_usd": None, "cost_type": "image", "is_charge_unknown": True},
    {"event_id": "f", "cost_usd": None, "event_type": "usage", "api_key_id": "k1"},
    # Paid by a commitment, one of them without a price, one of an older version.
    {"event_id": "g", "event_type": "usage", "is_committed": True, "input_tokens": 7},
    {"event_id": "h", "event_type": "usage", "service_tier": "priority", "output_tokens": 5},
    {"event_id": "i", "event_type": "usage", "is_committed": False, "service_tier": "priority"},
    # Not of the day.
    {"event_id": "j", "day": BEFORE, "cost_usd": usd("8"), "cost_type": "overage"},
    {"event_id": "k", "day": NEXT, "cost_usd": usd("8"), "cost_type": "overage"},
]
WORKED: list[Row] = [
    {"event_id": "m", "event_type": "usage", "workspace_id": "w1", "api_key_id": "k1"},
    {"event_id": "n", "event_type": "usage", "workspace_id": "w1", "api_key_id": "k1"},
    {"event_id": "o", "event_type": "session", "workspace_id": "w1", "user_email": ANN},
    {"event_id": "p", "event_type": "usage", "user_email": ANN, "data_quality_score": 0.0},
    {"event_id": "q", "cost_usd": usd("3"), "cost_type": "input_tokens", "workspace_id": "w1"},
    {"event_id": "r", "cost_usd": usd("4"), "cost_type": "overage", "actor_name": "ci"},
]


def use(event: str, person: str, tokens: int | None = None, **more: Any) -> Row:
    common = {"day": DAY, "platform": "claude_api", "person": person}
    return {**common, "event_id": event, "total_tokens": tokens, **more}


USAGE: list[Row] = [
    use("g", ANN, 7, list_cost_usd=usd("0.25")),
    use("h", ANN, 5, list_cost_usd=None),
    use("m", ANN, 2, api_key_id="k1"),
    use("n", ANN, None, api_key_id="k1"),
    use("o", "Unattributed"),
    use("p", "Unattributed"),
    # Its event is gone.
    use("z", "Unattributed", api_key_id="k9"),
    {**use("k", "Unattributed"), "day": NEXT},
]
COSTS: list[Row] = [
    use("q", ANN, base_cost_usd=usd("1"), api_key_id="k1", workspace_id="w1"),
    use("q", "Unattributed", base_cost_usd=usd("2"), api_key_id="k2", workspace_id="w1"),
    use("r", "Unattributed", base_cost_usd=usd("4")),
    use("a", "Shared", base_cost_usd=usd("1.5")),
]  # fmt: skip
for number, cost in enumerate(COSTS):
    del cost["total_tokens"]
    cost["event_part"] = number

NOTHING = {"cost_records": 0, "reported_usd": 0, "code_execution_usd": 0, "unknown_charges": 0}
NOT_COMMITTED = {
    "committed_records": 0,
    "committed_tokens": 0,
    "committed_list_usd": None,
    "committed_unpriced_tokens": 0,
}
EXPECTED: dict[str, dict[tuple[Any, ...], Row]] = {
    "agg_reports_daily": {
        ("anthropic", "", "usage"): {
            "cost_records": 4,
            "reported_usd": usd("8.500000001"),
            "code_execution_usd": usd("0.000000001"),
            "unknown_charges": 1,
            "committed_records": 2,
            "committed_tokens": 12,
            "committed_list_usd": usd("0.25"),
            "committed_unpriced_tokens": 5,
        },
        ("anthropic", "org", "other"): NOTHING
        | NOT_COMMITTED
        | {"cost_records": 1, "reported_usd": usd("-2")},
        ("anthropic", "", "seat"): NOTHING | NOT_COMMITTED | {"cost_records": 1},
    },
    "agg_unattributed_daily": {
        ("anthropic", "email", ANN, "w1", False): {"records": 1, "cost_usd": 0},
        ("anthropic", "email", ANN, "", True): {"records": 1, "cost_usd": 0},
        ("anthropic", "api_key_id", "k9", "", False): {"records": 1, "cost_usd": 0},
        ("anthropic", "api_key_id", "k2", "w1", False): {"records": 0, "cost_usd": 2},
        ("anthropic", "api_key_name", "ci", "", False): {"records": 0, "cost_usd": 4},
    },
    "agg_keys_daily": {
        ("anthropic", "w1", "k1", 1001): {
            "records": 2,
            "total_tokens": 2,
            "cost_lines": 1,
            "cost_usd": 1,
        },
        ("anthropic", "w1", "", 0): {
            "records": 1,
            "total_tokens": 0,
            "cost_lines": 0,
            "cost_usd": 0,
        },
        ("anthropic", "w1", "k2", 0): {
            "records": 0,
            "total_tokens": 0,
            "cost_lines": 1,
            "cost_usd": 2,
        },
    },
}


@pytest.fixture(scope="module")
def held() -> dict[str, list[Row]]:
    """Ann, what vendors reported of three days, and what became of one."""
    plain = {"day": DAY, "platform": "claude_api", "event_type": "cost"}
    reports = [{**plain, **event} for event in (*REPORTS, *WORKED)]
    return tables([{"user_email": ANN}], COSTS, USAGE, reports=reports, calendar=(BEFORE, NEXT))


@pytest.fixture(scope="module")
def engine(held: dict[str, list[Row]]) -> Iterator[Engine]:
    with Engine() as engine:
        engine.fill(held)
        yield engine


def told(rollup: str, rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    """The rows by what tells them apart within their day."""
    day, *key = UNIQUE_KEYS[rollup]
    assert {row[day] for row in rows} == {DAY}
    found = {
        tuple(row[name] for name in key): {
            name: value for name, value in row.items() if name not in (day, *key)
        }
        for row in rows
    }
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("rollup", EXPECTED)
def test_a_days_rows_say_what_was_reported_used_and_borne(engine: Engine, rollup: str) -> None:
    assert told(rollup, engine.rows_of("rollups", rollup, **BOUNDS)) == EXPECTED[rollup]


@pytest.mark.parametrize("rollup", EXPECTED)
def test_googles_executor_says_the_same(
    google: GoogleSql, held: dict[str, list[Row]], rollup: str
) -> None:
    read = ("raw_ai_events", "fact_ai_usage", "fact_ai_costs", "dim_platforms")
    filled = {name: held[name] for name in read}
    views = {"stg_events": inlined(view_schema("stg_events").query)}
    found = google.run(statement(rollup), filled, BOUNDS, views)
    assert told(rollup, found) == EXPECTED[rollup]
