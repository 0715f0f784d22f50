"""What a run's steps know of each other is not asked of the warehouse again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.of_run import OfRun, of_run
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.warehouse.rows import DAY, arrow, days, open_warehouse, raw, row

RAW, WHOLE = "raw_ai_events", "dim_cost_centers"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path)


@pytest.fixture
def asked(warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The queries that the warehouse answers."""
    found: list[Any] = []
    answer = DuckDBWarehouse.query

    def query(self: DuckDBWarehouse, query: Query | str) -> pa.Table:
        found.append(query)
        return answer(self, query)

    monkeypatch.setattr(DuckDBWarehouse, "query", query)
    return found


def test_rows_that_the_run_wrote_are_known_without_a_question(
    warehouse: DuckDBWarehouse, asked: list[Any]
) -> None:
    """Three on one day, none on the next, of a table with days; two of one that is a whole."""
    run, window = OfRun("one"), days(DAY, 2)
    events = arrow(RAW, [raw(DAY, name) for name in ("a", "b", "c")])
    run.wrote(RAW, [(window, warehouse.replace(RAW, window, events))])
    centers = arrow(WHOLE, [row(WHOLE, cost_center=name) for name in ("a", "b")])
    run.wrote(WHOLE, [(None, warehouse.replace(WHOLE, None, centers))])
    assert run.rows(warehouse, RAW, window) == 3
    assert run.rows(warehouse, RAW, Window.day(DAY + timedelta(days=1))) == 0
    assert run.rows(warehouse, WHOLE, None) == 2
    assert asked == []


def test_days_that_another_run_wrote_are_counted_once_until_something_is_written(
    warehouse: DuckDBWarehouse, asked: list[Any]
) -> None:
    run, window = OfRun("one"), days(DAY, 2)
    warehouse.replace(RAW, window, arrow(RAW, [raw(DAY, "a"), raw(DAY + timedelta(days=1), "b")]))
    assert [run.rows(warehouse, RAW, window) for _ in range(2)] == [2, 2]
    assert len(asked) == 1
    first = Window.day(DAY)
    run.wrote(RAW, [(first, warehouse.replace(RAW, first, arrow(RAW, [])))])
    assert run.rows(warehouse, RAW, window) == 1
    assert len(asked) == 2


def test_another_run_begins_with_nothing() -> None:
    of_run("one").once("question", lambda: "its answer")
    assert of_run("one").once("question", lambda: "another") == "its answer"
    assert of_run("two").once("question", lambda: "another") == "another"


def test_rows_of_a_view_are_known_until_a_table_is_written_that_it_is_made_of() -> None:
    run, asked = OfRun("one"), "SELECT * FROM vw_idle_seats"
    run.read[asked] = pa.table({"n": [1]})
    run.wrote(RAW, [])
    assert list(run.read) == [asked]
    run.wrote("dim_seats", [])
    assert run.read == {}
