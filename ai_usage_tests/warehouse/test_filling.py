"""Tables that an older version did not know are filled for all its days, month by month."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from ai_usage.days.windows import Window, windows_of
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import Query, Replaced, Rows
from ai_usage.warehouse.building import is_partitioned, query_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.filling import EVERY_DAY, Gaps, bring_forward, complete_sources, lacking
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_names
from ai_usage_tests.warehouse.rows import arrow, open_warehouse, row, stored

TABLE, FACT = "agg_usage_daily", "fact_ai_usage"
EVER = Window(date(2026, 1, 1), date(2026, 4, 1))
DAYS = [date(2026, 1, 3), date(2026, 1, 4), date(2026, 1, 20), date(2026, 2, 28), date(2026, 3, 1)]
TODAY = date(2026, 3, 31)


@pytest.fixture
def old(tmp_path: Path) -> DuckDBWarehouse:
    """A warehouse with facts of five days, filled by a version that had no rollups."""
    warehouse = open_warehouse(tmp_path)
    rows = [row(FACT, day, event_id=f"{day}") for day in DAYS]
    warehouse.replace(FACT, EVER, arrow(FACT, rows))
    return warehouse


def rows_of(table: str, window: Window) -> Query:
    return query_of(table, window, "run", TODAY)


def filled(warehouse: DuckDBWarehouse) -> list[date]:
    return [day for (day,) in stored(warehouse, TABLE, "date")]


class Watched(DuckDBWarehouse):
    """A warehouse that says what is written, and stops at a write."""

    written: list[tuple[str, Window | None]]
    stop_at: int | None = None

    def replace(self, table: str, window: Window | None, new: Rows | Query) -> Replaced:
        if len(self.written) == self.stop_at:
            raise WarehouseError("killed")
        done = super().replace(table, window, new)
        self.written.append((table, window))
        return done


def watched(warehouse: DuckDBWarehouse, stop_at: int | None = None) -> Watched:
    again = Watched(warehouse.path, warehouse.dataset)
    again.written, again.stop_at = [], stop_at
    return again


def silent(note: str) -> None:
    pass


def test_a_month_is_one_write_and_is_told_before_it(old: DuckDBWarehouse) -> None:
    warehouse, told = watched(old), list[str]()
    bring_forward(warehouse, TABLE, EVER, rows_of, told.append)
    assert told == ["2026-01 (1 of 3)", "2026-02 (2 of 3)", "2026-03 (3 of 3)"]
    assert filled(old) == DAYS
    assert {table for table, _ in warehouse.written} == {TABLE}


def test_where_nothing_lacks_nothing_is_written_or_told(old: DuckDBWarehouse) -> None:
    bring_forward(old, TABLE, EVER, rows_of, silent)
    warehouse = watched(old)
    bring_forward(warehouse, TABLE, EVER, rows_of, pytest.fail)
    assert warehouse.written == []


@pytest.mark.parametrize("stop_at", range(5))
def test_a_killed_filling_goes_on_where_it_was(old: DuckDBWarehouse, stop_at: int) -> None:
    before = watched(old, stop_at)
    try:
        bring_forward(before, TABLE, EVER, rows_of, silent)
    except WarehouseError:
        assert len(before.written) == stop_at
    after = watched(old)
    bring_forward(after, TABLE, EVER, rows_of, silent)
    assert filled(old) == DAYS
    assert not {window for _, window in before.written} & {window for _, window in after.written}


def test_days_that_the_run_writes_itself_are_left_to_it(old: DuckDBWarehouse) -> None:
    own = Window(date(2026, 2, 1), date(2026, 4, 1))
    bring_forward(old, TABLE, EVER, rows_of, silent, besides=[own])
    assert filled(old) == DAYS[:3]


def test_facts_stay_as_they_were_reported(old: DuckDBWarehouse) -> None:
    before = stored(old, FACT, "event_id", "event_timestamp", "pipeline_run_id")
    warehouse = watched(old)
    complete_sources(warehouse, built_tables(), EVER, rows_of, silent)
    assert stored(old, FACT, "event_id", "event_timestamp", "pipeline_run_id") == before
    assert not {table for table, _ in warehouse.written if layer_of(table) == "facts"}


def test_a_run_of_a_part_makes_what_it_is_built_from_where_it_is_not_there(
    old: DuckDBWarehouse,
) -> None:
    complete_sources(old, built_tables(), EVER, rows_of, silent)
    whole = [name for name in built_tables() if not is_partitioned(name)]
    made = [name for name in whole if old.exists(name)]
    assert made == [name for name in whole if layer_of(name) != "facts"]
    warehouse = watched(old)
    complete_sources(warehouse, built_tables(), EVER, rows_of, pytest.fail)
    assert warehouse.written == []


@pytest.mark.parametrize("table", EVERY_DAY)
def test_the_rule_of_a_table_names_what_it_is_built_from(table: str, tmp_path: Path) -> None:
    assert table in built_tables()
    assert layer_of(table) != "facts"
    assert is_partitioned(table)
    warehouse = open_warehouse(tmp_path)
    for name in table_names():
        warehouse.ensure_table(name)
    assert lacking(warehouse, table, EVER) == []
    for day, source in zip(DAYS, EVERY_DAY[table], strict=False):
        made = row(source.table, day, **MADE.get((table, source.table), {}))
        warehouse.replace(source.table, Window.day(day), arrow(source.table, [made]))
    assert lacking(warehouse, table, EVER) == windows_of(DAYS[: len(EVERY_DAY[table])])


MADE: dict[tuple[str, str], dict[str, object]] = {
    ("int_cost_bearers", "raw_ai_events"): {"cost_usd": 1, "event_type": "cost"},
    ("int_spend_to_date", "int_cost_bearers"): {"user_sk": 7},
    ("agg_reports_daily", "raw_ai_events"): {"cost_usd": 1, "event_type": "cost"},
    ("agg_unattributed_daily", "fact_ai_costs"): {"user_sk": 0},
    ("agg_unattributed_daily", "fact_ai_usage"): {"user_sk": 0},
    ("agg_keys_daily", "fact_ai_costs"): {"api_key_id": "k"},
    ("agg_keys_daily", "raw_ai_events"): {"workspace_id": "w", "event_type": "usage"},
}
"""Of a source's row what obliges its table to a row."""


@pytest.mark.parametrize(
    "committed",
    [
        {"is_committed": True},
        {"service_tier": "priority"},
        {"is_charge_unknown": True, "event_type": "cost"},
    ],
)
def test_a_day_of_which_nothing_but_what_no_report_bills_is_known_is_lacked_too(
    committed: dict[str, object], tmp_path: Path
) -> None:
    """Rows that were written before is_committed existed say it by their tier."""
    warehouse = open_warehouse(tmp_path)
    rows = [
        row("raw_ai_events", DAYS[0], event_id="a", **{"event_type": "usage", **committed}),
        row("raw_ai_events", DAYS[1], event_id="b", event_type="usage"),
    ]
    warehouse.replace("raw_ai_events", EVER, arrow("raw_ai_events", rows))
    assert lacking(warehouse, "agg_reports_daily", EVER) == [Window.day(DAYS[0])]


def test_what_several_tables_lack_is_asked_of_all_of_them_at_once(
    old: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One query for the days that they have, one for their sources'; what was filled is known."""
    asked: list[object] = []
    answer = DuckDBWarehouse.query

    def query(self: DuckDBWarehouse, query: Query | str) -> pa.Table:
        asked.append(query)
        return answer(self, query)

    for name in table_names():
        old.ensure_table(name)
    monkeypatch.setattr(DuckDBWarehouse, "query", query)
    gaps = Gaps(old, EVER)
    lacked = {table: gaps.lacked(table) for table in EVERY_DAY}
    assert len(asked) == 2
    monkeypatch.undo()
    assert lacked == {table: lacking(old, table, EVER) for table in EVERY_DAY}
    assert lacked[TABLE] == windows_of(DAYS)
    gaps.filled(TABLE, lacked[TABLE])
    assert gaps.lacked(TABLE) == []
    # A day of its source was filled meanwhile: it lacks that now.
    assert gaps.lacked("int_spend_to_date") == []
    gaps.filled("int_cost_bearers", [Window.day(DAYS[0])])
    assert gaps.lacked("int_spend_to_date") == [Window.day(DAYS[0])]
