"""The tables between events and facts: small cases worked out by hand, and what must add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage_tests.pipeline import test_allocation_rules as moving
from ai_usage_tests.pipeline import test_indistinct_lines as doubtful
from ai_usage_tests.pipeline.test_fact_values import PRICES
from ai_usage_tests.sql.company import complete
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.support.facts import engine_around, raw, reconcile

D = Decimal
DAY = moving.DAY
MONTH = DAY.replace(day=1)
ONE_DAY = timedelta(days=1)
Rows = list[dict[str, Any]]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_around(moving.PEOPLE, moving.KEYS, team="Core") as engine:
        yield engine


def built(engine: Engine, table: str, today: date = DAY, **filled: Rows) -> Rows:
    """The rows of a table that follow from the tables given."""
    engine.fill(filled)
    engine.build([table], today)
    return engine.held([table])[table]


LINES: Rows = [
    doubtful.line("a"),
    doubtful.line("b", "-2", model="haiku"),
    doubtful.line("c", "0.7", cost_type="code_execution", token_type=None, model=None),
]
USAGE: Rows = [
    doubtful.used("k_ann", 2),
    doubtful.used("k_bob", 1),
    doubtful.used("k_bot", 4, service_tier="priority"),
    doubtful.used("k_bot", 5, workspace_id="w9"),
]
OTHERS: Rows = [
    event for event in moving.EVERYTHING if "cost_usd" in event and event["event_id"] != "line"
]


def test_only_what_a_line_can_be_split_by_is_a_weight(engine: Engine) -> None:
    """No priority tokens, no workspace without a line, no class that no line counts."""
    rows = built(engine, "int_usage_weights", raw_ai_events=[*LINES, *USAGE])
    found = {(r["split_class"], r["api_key_id"]): r["weight"] for r in rows}
    assert found == {
        ("output_tokens", "k_ann"): 2,
        ("output_tokens", "k_bob"): 1,
        ("unclassed", "k_ann"): 2,
        ("unclassed", "k_bob"): 1,
    }


def test_without_a_line_to_split_nothing_is_weighed(engine: Engine) -> None:
    assert built(engine, "int_usage_weights", raw_ai_events=[*OTHERS, *USAGE]) == []


def test_a_line_meets_the_usage_that_it_names_else_the_wider(engine: Engine) -> None:
    rows = built(engine, "int_line_matches", raw_ai_events=[*LINES, *USAGE])
    found = {r["event_id"]: (r["match_level"], r["model"], r["is_counted_here"]) for r in rows}
    # Nobody used haiku: the line is widened to its workspace, and counts no token twice.
    assert found == {
        "a": (1, "opus", True),
        "b": (3, "opus", False),
        "c": (1, "opus", True),
    }


def test_the_shares_of_a_line_sum_to_it(engine: Engine) -> None:
    """By 2 to 1: 0.666667 and 0.333333 of a dollar; the remainder goes to the larger."""
    rows = built(engine, "int_cost_shares", raw_ai_events=[*LINES, *USAGE])
    found: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r["event_id"], r["share_number"])):
        found[row["event_id"]].append((row["api_key_id"], row["share_usd"]))
    assert found == {
        "a": [("k_ann", D("0.666667")), ("k_bob", D("0.333333"))],
        "b": [("k_ann", D("-1.333334")), ("k_bob", D("-0.666666"))],
        "c": [("k_ann", D("0.466667")), ("k_bob", D("0.233333"))],
    }


RULES: Rows = [
    *moving.manual("k", "api_key", "k_ann", ann="33.333333", cyd="66.666667"),
    *moving.rule("p", "platform", team="Core"),
]


@pytest.mark.parametrize("rules", [[], RULES[:2], RULES], ids=["no rule", "a key's", "all"])
def test_parts_of_an_event_sum_to_it_and_only_touched_events_have_any(
    engine: Engine, rules: Rows
) -> None:
    events = [*LINES, *USAGE, *OTHERS]
    rows = built(engine, "int_cost_parts", raw_ai_events=events, allocation_rules=rules)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        sums[row["event_id"]] += row["part_usd"]
        numbers[row["event_id"]].append(row["event_part"])
    costs = {e["event_id"]: e["cost_usd"] for e in events if e.get("cost_usd") is not None}
    assert sums == {event: costs[event] for event in sums}
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    split = {line["event_id"] for line in LINES}
    # A platform's rule is about all of it but what cannot be read; cursor has none.
    of_platform = {e["event_id"] for e in OTHERS} - {"unreadable", "elsewhere"}
    assert set(sums) == (split | of_platform if rules == RULES else split)


def test_every_cost_has_bearers_that_bear_all_of_it(engine: Engine) -> None:
    events = [*LINES, *USAGE, *OTHERS]
    rows = built(engine, "int_cost_bearers", raw_ai_events=events, allocation_rules=RULES)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["event_id"]] += row["part_usd"]
    assert sums == {e["event_id"]: e["cost_usd"] for e in events if e.get("cost_usd") is not None}
    untouched = {r["event_id"]: (r["event_part"], r["user_sk"]) for r in rows}
    assert (untouched["unreadable"], untouched["elsewhere"]) == ((1, 0), (1, 11))


def test_a_rule_and_period_has_one_head_and_its_bearers_have_no_day_twice(engine: Engine) -> None:
    """An equal split over a team from each member's first day; manual percentages as they are."""
    later = [row | {"valid_from": MONTH, "rule_id": "q"} for row in RULES[2:]]
    rules = [*RULES[:2], *later]
    assert [
        (r["rule_id"], r["scope_type"], r["scope_value"], r["method"])
        for r in sorted(
            built(engine, "int_allocation_rules", allocation_rules=rules),
            key=lambda r: r["rule_id"],
        )
    ] == [("k", "api_key", "k_ann", "manual"), ("q", "platform", "", "equal_split")]
    bearers = built(engine, "int_rule_bearers", allocation_rules=rules)
    spans = {(r["rule_id"], r["user_email"]): (r["valid_from"], r["weight"]) for r in bearers}
    assert len(spans) == len(bearers) == 5
    assert spans["q", "ann@x.io"] == (MONTH, 1)
    assert spans["k", "cyd@x.io"] == (date(1900, 1, 1), 66_666_667)


def test_a_price_is_stored_for_what_is_priced_alone(engine: Engine) -> None:
    events = [
        doubtful.used("k_ann", 1_000_000, model="sonnet"),
        doubtful.used("k_bob", 1, model="unheard-of"),
    ]
    rows = built(engine, "int_usage_prices", raw_ai_events=events, dim_model_prices=PRICES)
    (output,) = {p["usd_per_million"] for p in PRICES if p["token_type"] == "output_tokens"}
    assert [(r["event_id"], r["list_cost_usd"]) for r in rows] == [
        (events[0]["event_id"], output),
    ]
    (day,) = engine.held(["int_model_prices_daily"])["int_model_prices_daily"]
    assert (day["model"], day["price_tier"], day["output_price"]) == ("sonnet", "standard", output)


def budget(scope: str, value: str, dollars: str, **cells: Any) -> dict[str, Any]:
    own = {
        "scope_type": scope,
        "scope_value": value,
        "monthly_budget_usd": D(dollars),
        "valid_from": date(2026, 1, 1),
        "valid_to": date(9999, 12, 31),
        "budget_source": "budgets.csv",
    }
    return complete("dim_budgets", own | cells)


def test_a_months_budget_is_the_last_of_the_file_before_the_directorys(engine: Engine) -> None:
    people = engine.held(["dim_users"])["dim_users"]
    people = [
        row | {"ai_budget_monthly_usd": D(50) if row["user_sk"] > 0 else None} for row in people
    ]
    until = DAY - ONE_DAY
    rows = built(
        engine,
        "int_budgets",
        dim_users=people,
        dim_budgets=[
            budget("person", "ann@x.io", "10", valid_to=until),
            budget("person", "ann@x.io", "20", valid_from=DAY, budget_category="pilot"),
            budget("team", "Core", "300"),
        ],
    )
    assert len({(r["month"], r["scope_type"], r["scope_value"]) for r in rows}) == len(rows)
    found = {(r["scope_value"], r["month"]): (r["budget_usd"], r["budget_source"]) for r in rows}
    assert found["ann@x.io", date(2026, 2, 1)] == (D(10), "budgets.csv")
    assert found["ann@x.io", MONTH] == (D(20), "budgets.csv")
    assert found["bob@x.io", MONTH] == (D(50), "directory")
    assert found["Core", MONTH] == (D(300), "budgets.csv")


def test_spend_counts_from_the_months_first_day(engine: Engine) -> None:
    last = MONTH - ONE_DAY
    seats = [
        raw(f"seat {day}", day, event_type="cost", cost_usd=D(usd), user_email="ann@x.io")
        | {"cost_type": "subscription"}
        for day, usd in ((last, "7"), (MONTH, "1"), (DAY, "2"), (DAY + ONE_DAY, "4"))
    ]
    rows = built(
        engine,
        "int_spend_to_date",
        DAY + ONE_DAY,
        raw_ai_events=seats,
        dim_budgets=[budget("person", "ann@x.io", "5")],
    )
    assert {r["event_date"]: (r["to_date_usd"], r["budget_usd"]) for r in rows} == {
        last: (D(7), D(5)),
        MONTH: (D(1), D(5)),
        DAY: (D(3), D(5)),
        DAY + ONE_DAY: (D(7), D(5)),
    }
    assert {r["budget_category"] for r in rows} == {"person"}


def bill(invoice: str, kind: str, dollars: str, first: date, last: date) -> dict[str, Any]:
    own = {"invoice_id": invoice, "platform": "anthropic", "line_kind": kind}
    return own | {"period_from": first, "period_to": last, "amount_usd": D(dollars)}


def test_a_day_belongs_to_one_cycle_of_its_kind_and_cycles_leave_no_day_out(
    engine: Engine,
) -> None:
    """Usage by the month and seats for a quarter: each finds its own; a correction is no cycle."""
    january, february = (date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28))
    quarter = (date(2026, 1, 1), date(2026, 3, 31))
    invoices = [
        bill("U-1", "usage", "10", *january),
        bill("U-1c", "usage", "-1", *january),
        bill("U-2", "usage", "20", *february),
        bill("S-1", "seat", "90", *quarter),
    ]
    events = [
        raw("u", date(2026, 1, 5), event_type="cost", cost_usd=D(9), attribution_method="shared")
    ]
    reconcile(engine, invoices, events, Window(january[0], date(2026, 4, 1)), quarter[1])
    days = engine.held(["int_cycle_days"])["int_cycle_days"]
    keys = [(r["platform"], r["account"], r["cost_kind"], r["day"]) for r in days]
    assert len(set(keys)) == len(keys)
    said: dict[str, dict[date, str]] = defaultdict(dict)
    for row in days:
        assert row["period_from"] <= row["day"] <= row["period_to"]
        assert row["cycle_month"] == row["period_from"].replace(day=1)
        said[row["cost_kind"]][row["day"]] = row["invoice_id"]
    spring = [january[0] + n * ONE_DAY for n in range(90)]
    assert said["usage"] == {
        day: "U-1" if day <= january[1] else "U-2" for day in spring if day <= february[1]
    }
    assert said["seat"] == dict.fromkeys(spring, "S-1")
    cycles = engine.held(["int_invoice_cycles"])["int_invoice_cycles"]
    assert {r["invoice_ids"]: r["total_usd"] for r in cycles} == {
        "U-1, U-1c": D(9),
        "U-2": D(20),
        "S-1": D(90),
    }
    judged = engine.held(["int_cycle_status"])["int_cycle_status"]
    assert {
        r["period_from"]: r["reconciliation_status"] for r in judged if r["period_to"] == january[1]
    } == {january[0]: "reconciled"}
