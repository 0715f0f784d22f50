"""`attribution sample` draws records that belong to somebody, each with the same chance."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.migration.accuracy import Accuracy, confirmed, sheet
from ai_usage.migration.sampling import draw
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.warehouse.rows import event_id, row

DAY = date(2026, 3, 1)
WINDOW = Window.day(DAY)
AT = datetime.combine(DAY, time(9), UTC)
ANN, BOB, UNKNOWN = 11, 12, 0
COUNT = 40


def put(
    warehouse: Warehouse, table: str, rows: list[dict[str, Any]], window: Window | None
) -> None:
    warehouse.replace(table, window, table_schema(table).to_arrow(rows))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Forty events: of each fourth nobody is known, the others are Ann's, a part of them Bob's."""
    made = DuckDBWarehouse(tmp_path_factory.mktemp("sampling") / "w.duckdb", "ai_usage")
    events, costs = [], []
    for n in range(COUNT):
        own = event_id(n)
        events.append(
            row("raw_ai_events", DAY, event_id=own, cost_usd=Decimal(4), api_key_id=f"key{n}")
        )
        parts = [(UNKNOWN, 100.0)] if n % 4 == 0 else [(BOB, 30.0), (ANN, 70.0)]
        costs += [
            row(
                "fact_ai_costs",
                DAY,
                event_id=own,
                event_part=part,
                user_sk=user,
                allocation_percentage=share,
                allocation_method="usage_based",
                billing_period="daily",
                cost_timestamp=AT,
            )
            for part, (user, share) in enumerate(parts)
        ]
    people = [
        row("dim_users", DAY, user_sk=sk, user_email=address)
        for sk, address in ((ANN, "ann@x.io"), (BOB, "bob@x.io"), (UNKNOWN, "Unattributed"))
    ]
    put(made, "raw_ai_events", events, WINDOW)
    put(made, "fact_ai_costs", costs, WINDOW)
    put(made, "fact_ai_usage", [], WINDOW)
    put(made, "dim_users", people, None)
    return made


def test_a_sample_has_as_many_records_as_asked_and_a_seed_draws_them_again(
    warehouse: Warehouse,
) -> None:
    drawn = draw(warehouse, WINDOW, 10, seed="one")
    assert len({one["event_id"] for one in drawn}) == 10
    assert drawn == draw(warehouse, WINDOW, 10, seed="one")
    assert drawn != draw(warehouse, WINDOW, 10, seed="two")


def test_what_belongs_to_nobody_is_not_asked_and_the_largest_part_stands_for_a_record(
    warehouse: Warehouse,
) -> None:
    drawn = draw(warehouse, WINDOW, COUNT)
    assert {one["event_id"] for one in drawn} == {event_id(n) for n in range(COUNT) if n % 4}
    assert {(one["attributed_to"], one["method"]) for one in drawn} == {("ann@x.io", "usage_based")}
    assert {one["reported_as"] for one in drawn} == {f"key{n}" for n in range(COUNT) if n % 4}


def test_every_record_is_drawn_about_as_often(warehouse: Warehouse) -> None:
    times = dict.fromkeys((event_id(n) for n in range(COUNT) if n % 4), 0)
    for seed in range(20):
        for one in draw(warehouse, WINDOW, 15, seed=str(seed)):
            times[one["event_id"]] += 1
    # Half of the thirty each time: ten times of twenty, and none never or always.
    assert sum(times.values()) == 20 * 15
    assert 1 < min(times.values()) <= max(times.values()) < 19


def test_a_sheet_of_a_sample_is_filled_in_and_counted(warehouse: Warehouse) -> None:
    head, *lines = sheet(draw(warehouse, WINDOW, 4, seed="one")).splitlines()
    filled = [head, f"{lines[0][:-1]}yes,", f"{lines[1][:-1]}no,bob@x.io", *lines[2:]]
    assert confirmed("\n".join(filled), "s.csv") == Accuracy(right=1, answered=2, shown=4)


def test_there_is_nothing_to_draw_from_days_without_records(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    assert draw(warehouse, Window.day(date(2026, 3, 2)), 5) == []
