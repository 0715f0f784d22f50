"""What DuckDB may take of the machine, and what follows where that is not enough."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings
from ai_usage.warehouse import duckdb as duckdb_module
from ai_usage.warehouse import memory
from ai_usage.warehouse import parts as parts_module
from ai_usage.warehouse.base import ByDays, Parameters, Query, Warehouse
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.memory import MEGABYTE
from ai_usage.warehouse.parts import parts_of
from ai_usage_tests.support.disks import small_disk
from ai_usage_tests.warehouse.processes import TABLE
from ai_usage_tests.warehouse.rows import arrow, open_warehouse, raw, selected, stored


def test_memory_and_the_place_to_spill_reach_the_engine(tmp_path: Path) -> None:
    set_to = Settings.load(
        {
            "AI_USAGE_HOME": str(tmp_path),
            "AI_USAGE_DUCKDB_MEMORY": "1GB",
            "AI_USAGE_DUCKDB_SPILL_DIR": str(tmp_path / "spill"),
        }
    )
    assert _limits(warehouse_resource(set_to).warehouse()) == ("953.6 MiB", str(tmp_path / "spill"))
    default = Settings.load({"AI_USAGE_HOME": str(tmp_path)})
    _, spill_dir = _limits(warehouse_resource(default).warehouse())
    assert spill_dir == str(tmp_path / "warehouse.duckdb.tmp")


def _limits(warehouse: Warehouse) -> tuple[str, str]:
    assert isinstance(warehouse, DuckDBWarehouse)
    with warehouse.connect() as connection:
        found = connection.execute(
            "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchone()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("machine", "container", "limit"),
    [
        (16_000, None, 384),
        (128_000, None, 2_000),
        (128_000, 64_000, 1_000),
        (64_000, 256_000, 1_000),
    ],
)
def test_without_a_setting_the_memory_is_a_64th_of_what_there_is(
    machine: int, container: int | None, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": machine * 1000}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    told = tmp_path / "memory.max"
    told.write_text("max" if container is None else f"{container * MEGABYTE}")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (told, tmp_path / "none"))
    assert memory.default_limit() == limit * MEGABYTE


def test_a_full_disk_to_spill_to_is_one_line_with_remedies(tmp_path: Path) -> None:
    with small_disk(tmp_path / "spill", 8 * MEGABYTE) as disk:
        warehouse = DuckDBWarehouse(
            tmp_path / "w.duckdb", "ai_usage", memory_limit=48 * MEGABYTE, spill_dir=disk.path
        )
        warehouse.ensure_table(TABLE)
        with pytest.raises(WarehouseError) as caught:
            warehouse.query(
                "SELECT n, MD5(CAST(n AS STRING)) AS m FROM "
                "UNNEST(GENERATE_ARRAY(1, 5000000)) AS n ORDER BY m"
            )
    assert str(caught.value).startswith(f"{disk.path}: no room to spill")
    assert "AI_USAGE_DUCKDB_SPILL_DIR" in str(caught.value)


def test_a_long_window_is_built_month_by_month_and_written_in_one_replacement(
    tmp_path: Path,
) -> None:
    warehouse = open_warehouse(tmp_path)
    year = Window(date(2025, 3, 18), date(2026, 3, 18))
    quarter = [date(2026, month, 17) for month in (1, 2, 3)]
    warehouse.replace(TABLE, year, arrow(TABLE, [raw(day, day) for day in quarter]))
    days = ", ".join(f"DATE '{day}'" for day in quarter)

    def numbered(asked: str, window: Window = year) -> Query:
        """An event on each of the days, with how many days the statement was run for."""
        length = "DATE_DIFF(@end, @start, DAY)"
        each = selected(TABLE, raw(year.start, ""), event_date="day", lines_added=length)
        sql = f"{each} FROM UNNEST([{days}]) AS day WHERE {asked}"
        return Query(sql, bounds(window), ByDays(window, bounds))

    own = "day >= @start AND day < @end"
    done = warehouse.replace(TABLE, year, numbered(own))
    assert (done.rows, done.rows_before) == (3, 3)
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [17, 28, 31]

    # The last month fails: the others, already worked out, change nothing.
    halfway = own + " AND (@end < DATE '2026-03-18' OR ERROR('halfway'))"
    with pytest.raises(WarehouseError, match="halfway"):
        warehouse.replace(TABLE, year, numbered(halfway))
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [17, 28, 31]

    # Two months, as a look-back reaches over, are one statement.
    two = Window(date(2026, 2, 1), year.end)
    warehouse.replace(TABLE, two, numbered(own, two))
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [31, 45, 45]


def bounds(window: Window) -> Parameters:
    return {"start": window.start, "end": window.end}


def test_a_year_is_cut_at_its_months_and_two_months_are_not_cut() -> None:
    year = Window(date(2025, 3, 18), date(2026, 3, 18))
    parts = cut(year, most_a_day=0)
    assert parts[:2] == [
        Window(date(2025, 3, 18), date(2025, 4, 1)),
        Window(date(2025, 4, 1), date(2025, 5, 1)),
    ]
    assert (len(parts), parts[-1].end) == (13, year.end)
    two = Window(date(2026, 2, 1), year.end)
    assert cut(two, most_a_day=0) == [two]


def test_days_of_many_rows_are_cut_evenly_into_a_million_rows_each_or_single_days() -> None:
    march = Window(date(2026, 3, 1), date(2026, 4, 1))
    # Of 100,000 rows a day ten days are a million: 31 days are four parts.
    assert [len(part.days()) for part in cut(march, most_a_day=100_000)] == [8, 8, 8, 7]
    assert [len(part.days()) for part in cut(march, most_a_day=32_000)] == [31]
    assert [len(part.days()) for part in cut(march, most_a_day=3_000_000)] == [1] * 31
    quarter = Window(date(2026, 1, 1), date(2026, 4, 1))
    assert [len(part.days()) for part in cut(quarter, most_a_day=50_000)] == [
        16,
        15,
        14,
        14,
        16,
        15,
    ]


def cut(window: Window, most_a_day: int) -> list[Window]:
    query = Query("SELECT 1", bounds(window), ByDays(window, bounds))
    parts = [(part["start"], part["end"]) for part in parts_of(query, most_a_day)]
    return [Window(start, end) for start, end in parts]  # type: ignore[arg-type]


def test_a_table_with_busy_days_is_built_from_few_of_them_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (duckdb_module, parts_module):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 4)
    warehouse = open_warehouse(tmp_path)
    window = Window(date(2026, 3, 1), date(2026, 3, 7))
    # Three events on the 2nd, one on each other day: six days are six parts of one, by the 2nd's.
    events = [raw(day, day) for day in window.days()]
    events += [raw(date(2026, 3, 2), n) for n in range(2)]
    warehouse.replace(TABLE, window, arrow(TABLE, events))
    query = Query(f"SELECT event_id FROM {TABLE}", bounds(window), ByDays(window, bounds))
    with warehouse.connect() as connection:
        assert len(warehouse.parts_of(connection, query)) == 6
        few = Window(date(2026, 3, 3), window.end)
        # Of the days that are asked for alone: one event each, four days at once.
        query = Query(query.sql, bounds(few), ByDays(few, bounds))
        assert warehouse.parts_of(connection, query) == [bounds(few)]
    # Read, and not built, they come from as few days at once: each question is counted for.
    sql = f"SELECT lines_added AS n FROM {TABLE} WHERE event_date >= @start AND event_date < @end"
    for _ in range(2):
        assert len(read(warehouse, Query(sql, bounds(window), ByDays(window, bounds)))) == 8


def read(warehouse: Warehouse, query: Query) -> list[Any]:
    """What is read of a query's only column, one batch after the other."""
    return [
        value
        for _name, rows in warehouse.queries({"q": query})
        for batch in rows
        for value in batch.column("n").to_pylist()
    ]


def test_a_long_range_is_read_month_by_month_and_what_stops_it_halfway_is_told(
    tmp_path: Path,
) -> None:
    warehouse = open_warehouse(tmp_path)
    warehouse.ensure_table(TABLE)
    quarter = ByDays(Window(date(2026, 1, 1), date(2026, 4, 1)), lambda w: {"n": w.start.month})
    assert read(warehouse, Query("SELECT @n AS n", {"n": 6}, quarter)) == [1, 2, 3]
    halfway = "SELECT IF(@n < 3, @n, ERROR('halfway')) AS n"
    with pytest.raises(WarehouseError, match=r"^query: .*halfway"):
        read(warehouse, Query(halfway, {"n": 6}, quarter))


def test_a_full_disk_is_told_where_rows_are_read_while_they_are_worked_out(tmp_path: Path) -> None:
    with small_disk(tmp_path / "spill", 8 * MEGABYTE) as disk:
        warehouse = DuckDBWarehouse(
            tmp_path / "w.duckdb", "ai_usage", memory_limit=48 * MEGABYTE, spill_dir=disk.path
        )
        warehouse.ensure_table(TABLE)
        sql = (
            "SELECT MD5(CAST(i AS STRING)) AS n FROM UNNEST(GENERATE_ARRAY(1, @n)) AS i ORDER BY 1"
        )
        quarter = Window(date(2026, 1, 1), date(2026, 4, 1))
        parts = ByDays(quarter, lambda w: {"n": 5_000_000 if w.end == quarter.end else 1})
        with pytest.raises(WarehouseError, match=f"^{disk.path}: no room to spill"):
            read(warehouse, Query(sql, {"n": 5_000_000}, parts))


def test_only_what_is_written_by_days_is_built_by_months() -> None:
    year = Window(date(2025, 3, 18), date(2026, 3, 18))
    query = query_of("int_spend_to_date", year, "run", year.end)
    assert [part["month_start"] for part in parts_of(query, 0)[:2]] == [
        date(2025, 3, 1),
        date(2025, 4, 1),
    ]
    assert query_of("int_cycle_days", year, "run", year.end).by_days is None
