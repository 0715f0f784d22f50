"""What DuckDB may take of the machine, and what follows where that is not enough."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings
from ai_usage.warehouse import memory
from ai_usage.warehouse.base import Parameters, Query, Warehouse
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.memory import MEGABYTE
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
    by_month = [{"start": month.start, "end": month.end} for month in year.months()]
    assert [(part["start"], part["end"]) for part in by_month[:2]] == [
        (date(2025, 3, 18), date(2025, 4, 1)),
        (date(2025, 4, 1), date(2025, 5, 1)),
    ]
    assert (len(by_month), by_month[-1]["end"]) == (13, year.end)

    def numbered(asked: str, parts: Sequence[Parameters]) -> Query:
        """An event on each of the days, with how many days the statement was run for."""
        length = "DATE_DIFF(@end, @start, DAY)"
        each = selected(TABLE, raw(year.start, ""), event_date="day", lines_added=length)
        return Query(
            f"{each} FROM UNNEST([{days}]) AS day WHERE {asked}",
            {"start": year.start, "end": year.end},
            parts,
        )

    own = "day >= @start AND day < @end"
    done = warehouse.replace(TABLE, year, numbered(own, by_month))
    assert (done.rows, done.rows_before) == (3, 3)
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [17, 28, 31]

    # The last month fails: the others, already worked out, change nothing.
    halfway = own + " AND (@end < DATE '2026-03-18' OR ERROR('halfway'))"
    with pytest.raises(WarehouseError, match="halfway"):
        warehouse.replace(TABLE, year, numbered(halfway, by_month))
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [17, 28, 31]

    # Two months, as a look-back reaches over, are one statement.
    warehouse.replace(TABLE, year, numbered(own, by_month[-2:]))
    assert [n for (n,) in stored(warehouse, TABLE, "lines_added")] == [365, 365, 365]


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
    parts = [{"n": n} for n in (1, 2, 3)]
    assert read(warehouse, Query("SELECT @n AS n", {"n": 6}, parts)) == [1, 2, 3]
    halfway = "SELECT IF(@n < 3, @n, ERROR('halfway')) AS n"
    with pytest.raises(WarehouseError, match=r"^query: .*halfway"):
        read(warehouse, Query(halfway, {"n": 6}, parts))


def test_a_full_disk_is_told_where_rows_are_read_while_they_are_worked_out(tmp_path: Path) -> None:
    with small_disk(tmp_path / "spill", 8 * MEGABYTE) as disk:
        warehouse = DuckDBWarehouse(
            tmp_path / "w.duckdb", "ai_usage", memory_limit=48 * MEGABYTE, spill_dir=disk.path
        )
        warehouse.ensure_table(TABLE)
        sql = (
            "SELECT MD5(CAST(i AS STRING)) AS n FROM UNNEST(GENERATE_ARRAY(1, @n)) AS i ORDER BY 1"
        )
        parts = [{"n": n} for n in (1, 1, 5_000_000)]
        with pytest.raises(WarehouseError, match=f"^{disk.path}: no room to spill"):
            read(warehouse, Query(sql, {"n": 5_000_000}, parts))


def test_only_what_is_written_by_days_is_built_by_months() -> None:
    year = Window(date(2025, 3, 18), date(2026, 3, 18))
    by_days = query_of("int_spend_to_date", year, "run", year.end)
    assert [part["month_start"] for part in by_days.by_month[:2]] == [
        date(2025, 3, 1),
        date(2025, 4, 1),
    ]
    assert not query_of("int_cycle_days", year, "run", year.end).by_month
