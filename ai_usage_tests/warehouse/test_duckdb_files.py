"""The DuckDB file between threads and processes, over time, and in a person's hands."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse import duckdb as duckdb_module
from ai_usage.warehouse import duckdb_tables
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import Column, TableSchema, table_schema
from ai_usage.warehouse.views import parse_view, view_names, view_schema
from ai_usage_tests.warehouse.processes import ROWS, TABLE, start, version_of
from ai_usage_tests.warehouse.rows import DAY, arrow, open_warehouse, raw, row, stored

NEXT = DAY + timedelta(days=1)
SMALL = "dim_cost_centers"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path, lock_timeout_seconds=30)


def versions(warehouse: DuckDBWarehouse) -> dict[tuple[date, int], int]:
    """How many rows the file has of each day and version, read without the product's code."""
    held: dict[tuple[date, int], int] = {}
    for day, version in stored(warehouse, TABLE, "event_date", "lines_added"):
        held[day, version] = held.get((day, version), 0) + 1
    return held


# -- threads and processes ---------------------------------------------------------------------


def test_threads_that_replace_different_days_both_succeed(warehouse: DuckDBWarehouse) -> None:
    failed: list[Exception] = []

    def work(day: date) -> None:
        try:
            for version in range(1, 4):
                warehouse.replace(TABLE, Window.day(day), version_of(day, version, 50))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(d,)) for d in (DAY, NEXT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert versions(warehouse) == {(DAY, 3): 50, (NEXT, 3): 50}


def test_processes_that_write_one_file_wait_and_a_reader_never_sees_half_a_day(
    warehouse: DuckDBWarehouse,
) -> None:
    warehouse.ensure_table(TABLE)
    writers = [start("write", warehouse.path, day, 6) for day in (DAY, NEXT)]
    reader = start("read", warehouse.path, 25)
    seen, trouble = reader.communicate(timeout=60)
    assert reader.returncode == 0, trouble
    for writer in writers:
        said, trouble = writer.communicate(timeout=60)
        assert (writer.returncode, said) == (0, "written\n"), trouble
    assert versions(warehouse) == {(DAY, 6): ROWS, (NEXT, 6): ROWS}
    assert {tuple(line.split()[1:]) for line in seen.splitlines()} <= {(str(ROWS), "1")}


def test_a_file_held_for_a_moment_is_waited_for(warehouse: DuckDBWarehouse) -> None:
    holder = start("hold", warehouse.path, 1.0)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 1, 1))
    assert holder.wait(timeout=30) == 0
    assert versions(warehouse) == {(DAY, 1): 1}


def test_a_file_held_longer_than_the_time_out_is_one_line_with_file_and_holder(
    tmp_path: Path,
) -> None:
    warehouse = open_warehouse(tmp_path, lock_timeout_seconds=0.3)
    warehouse.ensure_table(TABLE)
    holder = start("hold", warehouse.path, 60)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        for work in (
            lambda: warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 1, 1)),
            lambda: warehouse.query("SELECT 1 AS n"),
        ):
            began = time.monotonic()
            with pytest.raises(WarehouseError) as raised:
                work()
            assert 0.3 <= time.monotonic() - began < 5
            assert str(raised.value) == (
                f"{warehouse.path} is held by another process (process {holder.pid}): waited 0 s; "
                "close it there and try again."
            )
    finally:
        holder.kill()
        holder.communicate()


def test_a_thread_that_works_longer_than_the_time_out_is_one_line(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path, lock_timeout_seconds=0.2)
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with warehouse.connect():
            inside.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert inside.wait(20)
        with pytest.raises(WarehouseError, match="in use by another thread of this process"):
            warehouse.query("SELECT 1 AS n")
    finally:
        done.set()
        thread.join()
    assert warehouse.query("SELECT 1 AS n").to_pylist() == [{"n": 1}]


def test_opening_for_writing_within_a_read_says_so_at_once(warehouse: DuckDBWarehouse) -> None:
    warehouse.ensure_table(TABLE)
    began = time.monotonic()
    with (
        warehouse.connect(read_only=True),
        pytest.raises(WarehouseError, match="already open in this process"),
    ):
        warehouse.ensure_table(TABLE)
    assert time.monotonic() - began < 5, "nobody will ever close it: waiting is no use"


def test_a_file_is_read_within_a_read_of_it_and_of_another(tmp_path: Path) -> None:
    one, other = (DuckDBWarehouse(tmp_path / name / "w.duckdb", "ai_usage") for name in "ab")
    for number, warehouse in enumerate((one, other)):
        with warehouse.connect() as connection:
            connection.execute(f"CREATE TABLE ai_usage.t AS SELECT {number} AS n")
    query = Query("SELECT n FROM `ai_usage.t`")
    with one.connect(read_only=True):
        assert one.query(query).to_pylist() == [{"n": 0}]
        assert other.query(query).to_pylist() == [{"n": 1}]
        assert one.query(query).to_pylist() == [{"n": 0}]
    with one.connect() as connection:
        connection.execute("INSERT INTO ai_usage.t VALUES (2)")


def test_a_file_is_not_called_like_a_database_of_duckdb(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"memory\.duckdb: DuckDB has a database memory"):
        DuckDBWarehouse(tmp_path / "memory.duckdb", "ai_usage").query("SELECT 1")


# -- killed in the middle -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "after", "left"),
    [
        # A query's rows are inserted in three parts: the process dies after the first of them.
        (rows, after, left)
        for rows in ("query", "arrow")
        for after, left in (("DELETE", 1), ("INSERT", 1), ("COMMIT", 2))
    ],
)
def test_a_process_killed_within_a_replacement_leaves_the_old_rows_or_the_new(
    warehouse: DuckDBWarehouse, rows: str, after: str, left: int
) -> None:
    warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 1))
    child = start("die", warehouse.path, DAY, rows, after)
    said, trouble = child.communicate(timeout=60)
    assert (child.returncode, said) == (-9, ""), trouble
    # First a reader, who may not write: the log beside the file is his to read as well.
    read = warehouse.query(f"SELECT lines_added FROM {TABLE}").column(0).to_pylist()
    assert read == [left] * ROWS
    warehouse.replace(TABLE, Window.day(NEXT), version_of(NEXT, 1))
    assert versions(warehouse) == {(DAY, left): ROWS, (NEXT, 1): ROWS}
    with duckdb.connect(str(warehouse.path)) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [(TABLE,)]


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_no_mixture(warehouse: DuckDBWarehouse) -> None:
    rows, drawn = 20_000, random.Random(20260310)  # noqa: S311
    warehouse.replace(TABLE, Window.day(DAY), version_of(DAY, 1, rows))
    for _ in range(4):
        child = start("alternate", warehouse.path, DAY, rows)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(drawn.uniform(0, 0.8))
        child.kill()
        child.communicate()
        held = versions(warehouse)
        assert list(held.values()) == [rows]
        assert list(held) in ([(DAY, 1)], [(DAY, 2)])


# -- drift --------------------------------------------------------------------------------------


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Change what the DDL of a table declares."""

    def declared(schema: TableSchema) -> None:
        for module in (duckdb_module, duckdb_tables):
            monkeypatch.setattr(
                module,
                "table_schema",
                lambda name: schema if name == schema.name else table_schema(name),
            )

    return declared


def kept(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace(SMALL, None, arrow(SMALL, [row(SMALL, cost_center="kept")]))


def with_columns(columns: list[Column]) -> TableSchema:
    return replace(table_schema(SMALL), columns=tuple(columns))


OLD = list(table_schema(SMALL).columns)


def test_an_added_column_is_added_in_place_and_the_rows_stay(
    warehouse: DuckDBWarehouse, declare: Any
) -> None:
    kept(warehouse)
    # In the middle: its place in the file is another than in the DDL.
    added = [OLD[0], Column("region", "STRING", True, "It's where."), *OLD[1:]]
    declare(with_columns(added))
    warehouse.ensure_table(SMALL)
    assert stored(warehouse, SMALL, "cost_center", "region") == [("kept", None)]
    comments = comments_of(warehouse, SMALL)
    assert comments["region"] == "It's where."
    new = arrow(SMALL, [row(SMALL, cost_center="new")])
    warehouse.replace(SMALL, None, new.append_column("region", pa.array(["north"])))
    assert stored(warehouse, SMALL, "cost_center", "region") == [("new", "north")]


def test_an_added_not_null_column_needs_an_empty_table(
    warehouse: DuckDBWarehouse, declare: Any
) -> None:
    kept(warehouse)
    declare(with_columns([*OLD, Column("region", "STRING", False, "Where.")]))
    with pytest.raises(WarehouseError, match="lacks the NOT NULL column region and holds rows"):
        warehouse.ensure_table(SMALL)
    assert stored(warehouse, SMALL, "cost_center") == [("kept",)]
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"DELETE FROM ai_usage.{SMALL}")
    warehouse.ensure_table(SMALL)
    with (
        duckdb.connect(str(warehouse.path)) as connection,
        pytest.raises(duckdb.ConstraintException),
    ):
        connection.execute(f"INSERT INTO ai_usage.{SMALL} BY NAME SELECT 'x' AS cost_center")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (OLD[:-1], f"has a column {OLD[-1].name} that its DDL does not declare"),
        (
            [*OLD[:-1], replace(OLD[-1], name="renamed")],
            f"has a column {OLD[-1].name} that its DDL does not declare",
        ),
        (
            [*OLD[:-1], replace(OLD[-1], type="JSON")],
            f"{SMALL}.{OLD[-1].name} is {OLD[-1].duckdb_type}",
        ),
        (
            [replace(OLD[0], nullable=not OLD[0].nullable), *OLD[1:]],
            f"{SMALL}.{OLD[0].name} is BIGINT NOT NULL, its DDL says BIGINT;",
        ),
    ],
    ids=["dropped", "renamed", "retyped", "nullability"],
)
def test_any_other_drift_names_the_column_and_changes_nothing(
    warehouse: DuckDBWarehouse, declare: Any, columns: list[Column], said: str
) -> None:
    kept(warehouse)
    declare(with_columns(columns))
    for work in (
        lambda: warehouse.ensure_table(SMALL),
        lambda: warehouse.replace(SMALL, None, Query("SELECT 1 AS cost_center")),
    ):
        with pytest.raises(WarehouseError) as raised:
            work()
        assert said in str(raised.value)
        assert str(warehouse.path) in str(raised.value)
    assert stored(warehouse, SMALL, *[c.name for c in OLD])[0][1] is not None


# -- descriptions -------------------------------------------------------------------------------


def comments_of(warehouse: DuckDBWarehouse, name: str) -> dict[str, str | None]:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? "
            "UNION ALL SELECT '', comment FROM duckdb_tables() WHERE table_name = ? "
            "UNION ALL SELECT '', comment FROM duckdb_views() WHERE view_name = ?",
            [name] * 3,
        ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("table", ["raw_ai_events", "dim_users"])
def test_a_tables_descriptions_stand_in_the_file(warehouse: DuckDBWarehouse, table: str) -> None:
    warehouse.ensure_table(table)
    schema = table_schema(table)
    expected = {"": schema.description} | {c.name: c.description for c in schema.columns}
    assert comments_of(warehouse, table) == expected


def test_a_changed_description_reaches_a_table_that_exists(
    warehouse: DuckDBWarehouse, declare: Any
) -> None:
    kept(warehouse)
    declare(with_columns([replace(OLD[0], description="Said better; it's new."), *OLD[1:]]))
    warehouse.ensure_table(SMALL)
    assert comments_of(warehouse, SMALL)[OLD[0].name] == "Said better; it's new."
    assert stored(warehouse, SMALL, "cost_center") == [("kept",)]


def test_what_vendors_sent_takes_less_room_in_the_file_than_by_duckdbs_own_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(number: int) -> str:
        tokens = {"inputTokens": number % 977, "outputTokens": number % 89, "totalCents": number}
        return json.dumps({"timestamp": f"{1773100000000 + number * 61}", "tokenUsage": tokens})

    rows = arrow(TABLE, (raw(DAY, n, raw_response=record(n)) for n in range(20_000)))

    def filled(folder: str) -> Path:
        made = open_warehouse(tmp_path / folder)
        made.replace(TABLE, Window.day(DAY), rows)
        assert stored(made, TABLE, "raw_response") == sorted((record(n),) for n in range(20_000))
        return made.path

    ours = filled("ours")
    monkeypatch.setattr(duckdb_tables, "_COMPRESSION", {})
    assert ours.stat().st_size < 0.9 * filled("by_duckdb").stat().st_size


def test_a_file_that_an_older_duckdb_made_takes_what_vendors_sent(tmp_path: Path) -> None:
    """It cannot be compressed as in a new one."""
    warehouse = open_warehouse(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (STORAGE_VERSION 'v1.0.0')")
        connection.execute("CREATE TABLE old.of_somebody_else (n INTEGER)")
        connection.execute("DETACH old")
    warehouse.replace(TABLE, Window.day(DAY), arrow(TABLE, [raw(DAY, 1, raw_response="{}")]))
    assert stored(warehouse, TABLE, "raw_response") == [("{}",)]


VIEW = """
CREATE VIEW vw_team_productivity (
  day OPTIONS(description="The day; it's UTC."),
  n OPTIONS(description="Events.")
)
OPTIONS(description="A day's events, {months} month back.", labels=[("months", "1")])
AS SELECT event_date AS day, COUNT(*) AS n FROM raw_ai_events
WHERE event_date >= DATE_SUB(@as_of, INTERVAL @months MONTH) GROUP BY 1
"""


def test_a_view_stands_with_its_descriptions_and_is_replaced(warehouse: DuckDBWarehouse) -> None:
    rows = [raw(DAY, n) for n in range(2)] + [raw(DAY + timedelta(days=40), 2)]
    warehouse.replace(TABLE, Window(DAY, DAY + timedelta(days=41)), arrow(TABLE, rows))
    view = parse_view(VIEW)
    assert not warehouse.exists(view.name)
    warehouse.create_view(view, {"as_of": DAY, "months": 1})
    name = view.name
    assert warehouse.exists(name)
    assert len(warehouse.query(f"SELECT * FROM {name}")) == 2
    warehouse.create_view(view, {"as_of": DAY + timedelta(days=60), "months": 1})
    (only,) = warehouse.query(f"SELECT * FROM {name}").to_pylist()
    assert only == {"day": DAY + timedelta(days=40), "n": 1}
    assert comments_of(warehouse, name) == {
        "": "A day's events, 1 month back.",
        "day": "The day; it's UTC.",
        "n": "Events.",
    }


def objects(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The views by name, each with the number that DuckDB gave it when it was created."""
    found = connection.execute("SELECT view_name, view_oid FROM duckdb_views() WHERE NOT internal")
    return dict(found.fetchall())


def test_a_view_that_stands_as_it_would_be_created_is_left_alone(
    warehouse: DuckDBWarehouse,
) -> None:
    """Of every view of the product: DuckDB keeps another text than the one that it was given."""
    views = [view_schema(name) for name in view_names()]
    for view in views:
        warehouse.create_view(view, {**view.defaults, "as_of": None})
    with warehouse.connect() as connection:
        before = objects(connection)
        for view in views:
            warehouse.create_view(view, {**view.defaults, "as_of": None})
        assert objects(connection) == before
    assert set(before) == set(view_names())


@pytest.mark.parametrize(
    ("change", "as_of"),
    [
        ({}, DAY + timedelta(days=1)),
        ({"description": "Said better, 1 month back."}, DAY),
        ({"columns": (("day", "The day; it's UTC."), ("n", "How many."))}, DAY),
        ({"query": "SELECT event_date AS day, 2 AS n FROM raw_ai_events GROUP BY 1"}, DAY),
    ],
    ids=["day", "description", "column", "query"],
)
def test_a_view_that_is_otherwise_in_anything_is_created_anew(
    warehouse: DuckDBWarehouse, change: dict[str, Any], as_of: date
) -> None:
    view = parse_view(VIEW)
    warehouse.create_view(view, {"as_of": DAY, "months": 1})
    with warehouse.connect() as connection:
        before = objects(connection)
        warehouse.create_view(replace(view, **change), {"as_of": as_of, "months": 1})
        assert objects(connection) != before


def test_a_view_that_somebody_changed_in_the_file_is_mended(warehouse: DuckDBWarehouse) -> None:
    view = parse_view(VIEW)
    warehouse.create_view(view, {"as_of": DAY, "months": 1})
    with warehouse.connect() as connection:
        name = f'"{warehouse.dataset}"."{view.name}"'
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT 1 AS day, 2 AS n")
    warehouse.create_view(view, {"as_of": DAY, "months": 1})
    assert warehouse.query(f"SELECT * FROM {view.name}").to_pylist() == []


def test_what_is_asked_while_the_file_is_held_sees_what_was_written(
    warehouse: DuckDBWarehouse,
) -> None:
    with warehouse.held():
        warehouse.replace(TABLE, Window(DAY, DAY + timedelta(days=1)), arrow(TABLE, [raw(DAY, 1)]))
        assert len(warehouse.query(f"SELECT * FROM {TABLE}")) == 1
        assert not warehouse.exists("vw_team_productivity")
        warehouse.create_view(parse_view(VIEW), {"as_of": DAY, "months": 1})
        assert warehouse.exists("vw_team_productivity")
    with duckdb.connect(str(warehouse.path)) as other:
        assert other.execute(f'SELECT count(*) FROM "ai_usage".{TABLE}').fetchone() == (1,)


def test_a_view_that_cannot_be_created_leaves_the_old_one(warehouse: DuckDBWarehouse) -> None:
    warehouse.ensure_table(TABLE)
    view = parse_view(VIEW)
    warehouse.create_view(view, {"as_of": DAY, "months": 1})
    for query in (
        "SELECT nothing AS day, 1 AS n FROM raw_ai_events",
        "SELECT event_date AS day, 1 AS m FROM raw_ai_events",
    ):
        with pytest.raises(WarehouseError, match="vw_team_productivity"):
            warehouse.create_view(replace(view, query=query), {})
        assert list(comments_of(warehouse, view.name)) == ["day", "n", ""]


def test_a_view_is_created_with_the_views_that_it_reads(warehouse: DuckDBWarehouse) -> None:
    """A person may ask for one view alone, in a warehouse that has none yet."""
    view, read = view_schema("vw_budget_status"), view_schema("vw_loaded_days")
    warehouse.create_view(view, {**view.defaults, "as_of": DAY})
    assert len(warehouse.query(f"SELECT * FROM {view.name}")) == 0
    assert set(comments_of(warehouse, read.name)) == {"", *read.column_names}


def test_the_products_views_can_be_created_over_empty_tables(warehouse: DuckDBWarehouse) -> None:
    for table in (
        "dim_users",
        "dim_dates",
        "dim_platforms",
        "dim_cost_centers",
        "fact_ai_usage",
        "fact_ai_costs",
    ):
        warehouse.ensure_table(table)
    view = view_schema("vw_executive_dashboard")
    warehouse.create_view(view, {"as_of": None, "months": view.months})
    assert warehouse.query(f"SELECT * FROM {view.name}").column_names == view.column_names


# -- a person's files ---------------------------------------------------------------------------


def refusal(path: Path, dataset: str = "ai_usage") -> str:
    warehouse = DuckDBWarehouse(path, dataset, lock_timeout_seconds=30)
    began = time.monotonic()
    with pytest.raises(WarehouseError) as raised:
        warehouse.ensure_table(SMALL)
    assert time.monotonic() - began < 5, "what waiting cannot fix is said at once"
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value) or str(path.parent) in str(raised.value)
    return str(raised.value)


def test_a_file_that_is_no_warehouse_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_text("my notes, not a database, and I want to keep them\n" * 100)
    before = path.read_bytes()
    assert "not a valid DuckDB database file" in refusal(path)
    assert path.read_bytes() == before


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refusal(tmp_path / "file" / "below" / "warehouse.duckdb")
    assert "set AI_USAGE_HOME or AI_USAGE_DUCKDB_PATH" in said


@pytest.mark.parametrize("name", ["ai_usage.duckdb", "AI_Usage.prod.db", "ai_usage"])
def test_a_file_named_like_its_schema_is_refused_because_no_name_would_be_clear(
    tmp_path: Path, name: str
) -> None:
    assert "cannot be named like its schema ai_usage" in refusal(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_reading_where_there_is_no_warehouse_says_how_to_fill_it(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path / "new")
    assert not warehouse.exists(TABLE)
    with pytest.raises(WarehouseError, match="no warehouse yet; fill it with `ai-usage run`"):
        warehouse.query("SELECT 1 AS n")
    assert not warehouse.path.parent.exists(), "asking makes no file"


# -- reading -------------------------------------------------------------------------------------


@pytest.fixture
def days_filled(warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    for day in (DAY, NEXT):
        warehouse.replace(TABLE, Window.day(day), version_of(day, day.day, 2))
        fact = [row("fact_ai_usage", day, event_id=str(n)) for n in range(3)]
        warehouse.replace("fact_ai_usage", Window.day(day), arrow("fact_ai_usage", fact))
    return warehouse


@pytest.mark.parametrize(("table", "a_day"), [(TABLE, 2), ("fact_ai_usage", 3)])
def test_read_gives_a_windows_rows_or_all(
    days_filled: DuckDBWarehouse, table: str, a_day: int
) -> None:
    assert len(days_filled.read(table, Window.day(DAY))) == a_day
    assert len(days_filled.read(table)) == 2 * a_day
    assert days_filled.read(table).schema.names == table_schema(table).column_names


def test_a_reader_cannot_write(days_filled: DuckDBWarehouse) -> None:
    with pytest.raises(WarehouseError, match="read-only"):
        days_filled.query(f"DELETE FROM {TABLE}")
    assert len(days_filled.read(TABLE)) == 4
