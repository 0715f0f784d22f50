"""Google's engine splits what usage cannot tell apart, and what rules move, as DuckDB does.

Table by table, from the events to the fact: each statement from what DuckDB has built before it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ai_usage.warehouse.schema import table_names
from ai_usage_tests.pipeline import test_allocation_rules as moving
from ai_usage_tests.pipeline import test_indistinct_lines as doubtful
from ai_usage_tests.sql.chain import differences, leading_to
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.support.facts import engine_around

DAY, LONG = moving.DAY, {"context_window": "200k-1M"}
EVENTS: list[dict[str, Any]] = [
    *moving.EVERYTHING,
    doubtful.line("a"),
    doubtful.line("b", "0.7", context_window=None),
    doubtful.line("c", "-2", **LONG),
    doubtful.line("d", model="haiku"),
    doubtful.line("e", model="haiku"),
    doubtful.line("f", cost_type="code_execution", token_type=None, model=None),
    doubtful.line("g", cost_type="web_search", token_type=None, model=None),
    doubtful.used("k_ann", 7),
    doubtful.used("k_ann", 3, service_tier="priority_on_demand", web_search_requests=5),
    doubtful.used("k_bob", 11, **LONG),
    doubtful.used("k_bot", 2, service_tier="batch"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        [],
        moving.rule("r", "platform", team="Core", cost_center="CC-2"),
        moving.rule("r", "platform", team="Void"),
        [
            *moving.manual("k", "api_key", "k_ann", ann="33.333333", cyd="66.666667"),
            *moving.manual("w", "workspace", None, bob="100"),
            *moving.manual("p", "platform", None, ann="1", bob="99"),
        ],
    ],
    ids=["no rule", "equal", "nobody", "manual"],
)
def test_parts_counts_doubts_and_bearers_are_the_same_on_googles_engine(
    rules: list[dict[str, Any]], google: GoogleSql
) -> None:
    given = {
        "start": DAY,
        "end": DAY + timedelta(days=1),
        "month_start": DAY.replace(day=1),
        "today": DAY,
        "run_id": "test",
    }
    centers = moving.CENTERS
    with engine_around(moving.PEOPLE, moving.KEYS, team="Core", cost_centers=centers) as engine:
        engine.fill({"allocation_rules": rules, "raw_ai_events": EVENTS})
        engine.build(["fact_ai_costs"], DAY)
        tables = engine.held(table_names())
    assert len(tables["fact_ai_costs"]) > len(EVENTS) / 2
    chain = leading_to("fact_ai_costs")
    assert {"int_cost_shares", "int_cost_parts", "int_cost_bearers"} <= set(chain)
    assert not [said for name in chain for said in differences(name, google, tables, given)]
