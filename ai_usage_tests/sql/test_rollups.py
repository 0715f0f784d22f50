"""The daily rollups lose nothing: their sums are the facts', and what they tell apart is a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.layers import statement
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.finance_reference import MEASURES, Books
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.sql.reference import Row
from ai_usage_tests.sql.test_finance_views_against_reference import CALENDAR, books, examples, load

EVERYTHING = {"start": date(2025, 1, 1), "end": date(2026, 1, 1)}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def added(values: Iterable[Any]) -> Any:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def both(rows: list[Row], term: str, other: str) -> Any:
    """The sum of a ratio's term over the records that report the other one too."""
    return added(row[term] for row in rows if row[other] is not None)


def millionths(confidence: float) -> int:
    return int(Decimal(repr(confidence)) * 1_000_000)


def cost_sums(facts: list[Row]) -> Row:
    """Every measure of `agg_costs_daily` but the budget, over rows of `fact_ai_costs`."""
    amounts = [(abs(row["total_cost_usd"]), row) for row in facts]
    return {
        "cost_lines": len(facts),
        **{
            name: added(row[name] for row in facts)
            for name in (
                "base_cost_usd",
                "overage_cost_usd",
                "total_cost_usd",
                "allocated_cost_usd",
                "billable_tokens",
                "billable_requests",
            )
        },
        "gross_cost_usd": added(amount for amount, _row in amounts),
        "allocation_ppm": added(millionths(row["allocation_confidence"]) for row in facts),
        "cost_ppm": added(millionths(row["cost_confidence"]) for row in facts),
        "allocation_dollar_ppm": added(
            amount * millionths(row["allocation_confidence"]) for amount, row in amounts
        ),
        "cost_dollar_ppm": added(
            amount * millionths(row["cost_confidence"]) for amount, row in amounts
        ),
        "token_cost_usd": both(facts, "total_cost_usd", "billable_tokens") or Decimal(0),
        "request_cost_usd": both(facts, "total_cost_usd", "billable_requests") or Decimal(0),
    }


def usage_sums(facts: list[Row]) -> Row:
    """Every measure of `agg_usage_daily`, over rows of `fact_ai_usage`."""
    summed = ("session_count", "request_count", "total_tokens", "lines_added", "lines_accepted")
    return {
        "records": len(facts),
        "active_records": sum(any((row[name] or 0) > 0 for name in MEASURES) for row in facts),
        **{
            name: added(row[name] for row in facts)
            for name in (*summed, "commits", "pull_requests")
        },
        "acceptance_lines_accepted": both(facts, "lines_accepted", "lines_added"),
        "acceptance_lines_added": both(facts, "lines_added", "lines_accepted"),
        "session_lines_accepted": both(facts, "lines_accepted", "session_count"),
        "session_count_with_lines": both(facts, "session_count", "lines_accepted"),
        "suggestions_accepted": both(facts, "suggestions_accepted", "suggestions_shown"),
        "suggestions_shown": both(facts, "suggestions_shown", "suggestions_accepted"),
    }


@dataclass(frozen=True)
class Promise:
    """What a rollup adds up: its fact, the fact's time, and the measures as a person adds them."""

    fact: str
    time: str
    sums: Any


ROLLUPS = {
    "agg_costs_daily": Promise("fact_ai_costs", "cost_timestamp", cost_sums),
    "agg_usage_daily": Promise("fact_ai_usage", "event_timestamp", usage_sums),
}


def by_day(rows: list[Row], name: str) -> dict[date, list[Row]]:
    days: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        day = row[name]
        days[day if type(day) is date else day.date()].append(row)
    return days


def assert_sums(found: list[Row], rollup: str, facts: list[Row]) -> None:
    promise = ROLLUPS[rollup]
    days = by_day(facts, promise.time)
    built = by_day(found, "date")
    assert built.keys() == days.keys()
    for day, rows in days.items():
        wanted = promise.sums(rows)
        assert {n: added(r[n] for r in built[day]) for n in wanted} == wanted, (rollup, day)


@examples(25)
@given(book=books())
def test_every_measure_of_a_day_sums_to_the_facts(engine: Engine, book: Books) -> None:
    load(engine, book)
    for rollup, promise in ROLLUPS.items():
        found = engine.rows_of("rollups", rollup, **EVERYTHING)
        assert_sums(found, rollup, engine.held([promise.fact])[promise.fact])
        keys = [tuple(row[name] for name in UNIQUE_KEYS[rollup]) for row in found]
        assert len(set(keys)) == len(keys)
        assert all(row["month"] == row["date"].replace(day=1) for row in found)


@examples(10)
@given(book=books())
def test_a_rows_budget_is_the_one_that_its_facts_carry(engine: Engine, book: Books) -> None:
    load(engine, book)
    carried = {
        (row["user_sk"], row["cost_timestamp"].date().replace(day=1)): row["budget_allocated_usd"]
        for row in engine.held(["fact_ai_costs"])["fact_ai_costs"]
    }
    for row in engine.rows_of("rollups", "agg_costs_daily", **EVERYTHING):
        assert row["budget_allocated_usd"] == carried[row["user_sk"], row["month"]]


PEOPLE = [{"user_email": "ann@x.io"}]
COST = {"day": date(2025, 9, 1), "person": "ann@x.io", "platform": "cursor"}
MIXED = [
    COST | {"base_cost_usd": Decimal("0.000000001"), "allocation_confidence": 0.7},
    COST | {"base_cost_usd": Decimal("-3.10"), "billable_tokens": 5, "cost_confidence": 0.9},
    COST | {"base_cost_usd": Decimal(2), "project_codes": ["a", "b"], "billable_requests": 0},
    COST | {"overage_cost_usd": Decimal(4), "is_provisional": True},
    COST | {"base_cost_usd": Decimal(1), "cost_type": "subscription", "billing_account_id": "org"},
    # A vendor's line that names a workspace or an account names none that is billed.
    COST | {"base_cost_usd": Decimal(1), "cost_type": "usage", "billing_account_id": "w-1"},
    COST | {"base_cost_usd": Decimal(1), "person": "Unattributed"}
    | {"allocation_method": "unallocated"},
]  # fmt: skip


def test_what_an_invoice_a_project_or_the_vendor_tells_apart_stays_apart(engine: Engine) -> None:
    engine.fill(tables(PEOPLE, MIXED, [], calendar=CALENDAR))
    told = {
        (
            r["cost_type"],
            r["account"],
            r["project_list"],
            r["is_provisional"],
            r["is_unallocated"],
        ): (
            r["cost_lines"],
            r["total_cost_usd"],
        )
        for r in engine.rows_of("rollups", "agg_costs_daily", **EVERYTHING)
    }
    assert told == {
        ("usage", "", "", False, False): (3, Decimal("-2.099999999")),
        ("usage", "", "a\nb", False, False): (1, Decimal(2)),
        ("overage", "", "", True, False): (1, Decimal(4)),
        ("subscription", "org", "", False, False): (1, Decimal(1)),
        ("usage", "", "", False, True): (1, Decimal(1)),
    }


def test_googles_executor_adds_up_the_same(google: GoogleSql) -> None:
    usage = [
        {"day": date(2025, 9, 1), "person": person, "platform": "cursor", **reported}
        for person in ("ann@x.io", "Shared")
        for reported in (
            {"lines_accepted": 3, "lines_added": None, "session_count": 2},
            {"lines_accepted": 4, "lines_added": 9, "suggestions_shown": 1},
            {"lines_added": 7, "total_tokens": 0},
        )
    ]
    held = tables(PEOPLE, MIXED, usage, calendar=CALENDAR)
    for rollup, promise in ROLLUPS.items():
        facts = held[promise.fact]
        found = google.run(statement(rollup), {promise.fact: facts}, EVERYTHING)
        assert_sums(found, rollup, facts)
