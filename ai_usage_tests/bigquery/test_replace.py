"""The contract of `replace` on BigQuery: whole or not at all, and nothing left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.cloud import bigquery

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.settings import Settings
from ai_usage.warehouse import bigquery as bigquery_warehouse
from ai_usage.warehouse.base import DayCounts, Query
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage.warehouse.compare import compare
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.support.pipeline import warehouse_of
from ai_usage_tests.warehouse.rows import (
    DAY,
    ODD_JSON,
    arrow,
    days,
    event_id,
    odd_events,
    open_warehouse,
    raw,
    row,
)

TABLE = "raw_ai_events"
NEXT = DAY + timedelta(days=1)

_days = count(1)


@pytest.fixture(scope="module")
def warehouse(new_dataset: Callable[[], dict[str, str]]) -> BigQueryWarehouse:
    """A warehouse in datasets of its own."""
    opened = warehouse_of(Settings.load({"AI_USAGE_ENV_FILE": "no.env", **new_dataset()}))
    assert isinstance(opened, BigQueryWarehouse)
    return opened


@pytest.fixture(scope="module")
def loaded(warehouse: BigQueryWarehouse) -> BigQueryWarehouse:
    """Two days of two events, which no test changes: those that write take `two_days`."""
    rows = [raw(day, f"{day} {n}") for day in (DAY, NEXT) for n in range(2)]
    warehouse.replace(TABLE, days(DAY, 2), arrow(TABLE, rows))
    return warehouse


@pytest.fixture
def two_days(loaded: BigQueryWarehouse) -> tuple[date, date]:
    """Two days that no other test writes to, with an event each."""
    first = NEXT + timedelta(days=2 * next(_days))
    second = first + timedelta(days=1)
    rows = [raw(day, f"old {day}") for day in (first, second)]
    loaded.replace(TABLE, days(first, 2), arrow(TABLE, rows))
    return first, second


def events(warehouse: BigQueryWarehouse, window: Window | None = None) -> set[str]:
    return set(warehouse.read(TABLE, window).column("event_id").to_pylist())


def relations(warehouse: BigQueryWarehouse) -> set[str]:
    with warehouse.client() as client:
        return {table.table_id for table in client.list_tables(warehouse.dataset)}


def assert_untouched(warehouse: BigQueryWarehouse) -> None:
    """The old rows are there, and no staging table."""
    expected = {event_id(f"{day} {n}") for day in (DAY, NEXT) for n in range(2)}
    assert events(warehouse, days(DAY, 2)) == expected
    assert not [name for name in relations(warehouse) if "stage" in name]


@pytest.mark.usefixtures("either_way")
def test_a_day_holds_exactly_the_new_rows_and_other_days_keep_theirs(
    loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    """An empty answer is an answer too."""
    day, other = two_days
    new = arrow(TABLE, [raw(day, f"new {n}", cost_usd=Decimal("0.75")) for n in range(2)])
    replaced = loaded.replace(TABLE, Window.day(day), new)
    assert (replaced.rows, replaced.rows_before) == (2, 1)
    assert replaced.days == {day: DayCounts(2, Decimal("1.50"))}
    assert {d: of.rows for d, of in replaced.days_before.items()} == {day: 1}
    assert events(loaded, Window.day(day)) == {event_id("new 0"), event_id("new 1")}
    emptied = loaded.replace(TABLE, Window.day(day), arrow(TABLE, []))
    assert (emptied.rows, emptied.rows_before) == (0, 2)
    assert (emptied.days, emptied.days_before) == ({}, replaced.days)
    assert events(loaded, days(day, 2)) == {event_id(f"old {other}")}
    assert_untouched(loaded)


@pytest.mark.usefixtures("either_way")
def test_every_type_comes_back_as_it_went_in(
    loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    day, _ = two_days
    money = Decimal("-12345678901234567890123456789.123456789")
    given = raw(
        day,
        "typed",
        cost_usd=money,
        project_codes=["A", "Ü"],
        raw_response='{"b": [1, null, "x"], "a": 0.5}',
        workspace_id='it\'s a \\ "quoted"\nline',
    )
    loaded.replace(TABLE, Window.day(day), arrow(TABLE, [given]))
    read = loaded.read(TABLE, Window.day(day))
    assert [(f.name, f.type) for f in read.schema] == [
        (c.name, c.arrow_type) for c in table_schema(TABLE).columns
    ]
    (back,) = read.to_pylist()
    for name in ("cost_usd", "project_codes", "workspace_id", "event_timestamp", "event_date"):
        assert back[name] == given[name], name
    assert back["raw_response"].replace(" ", "") in (
        '{"b":[1,null,"x"],"a":0.5}',
        '{"a":0.5,"b":[1,null,"x"]}',
    )


def test_a_query_is_written_by_column_name_not_by_position(
    loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    day, _ = two_days
    names = list(reversed(table_schema(TABLE).column_names))
    columns = ", ".join("@day AS event_date" if n == "event_date" else n for n in names)
    query = Query(
        f"SELECT {columns} FROM {TABLE} WHERE event_date = @old AND event_id = @id",
        {"day": day, "old": DAY, "id": event_id(f"{DAY} 1")},
    )
    assert loaded.replace(TABLE, Window.day(day), query).rows == 1
    assert events(loaded, Window.day(day)) == {event_id(f"{DAY} 1")}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([raw(NEXT, "elsewhere")], "lie outside 2026-03-10"),
        ([raw(DAY, "x", platform=None)], "platform is NOT NULL"),
    ],
)
def test_rows_that_break_the_contract_change_nothing(
    rows: list[dict[str, Any]], says: str, loaded: BigQueryWarehouse
) -> None:
    with pytest.raises(WarehouseError, match=says):
        loaded.replace(TABLE, days(DAY, 1), arrow(TABLE, rows))
    assert_untouched(loaded)


def test_a_column_too_few_or_of_another_type_changes_nothing(loaded: BigQueryWarehouse) -> None:
    whole = arrow(TABLE, [raw(DAY, "x")])
    with pytest.raises(WarehouseError, match="lack platform"):
        loaded.replace(TABLE, days(DAY, 1), whole.drop_columns(["platform"]))
    typed = table_schema(TABLE).column_names
    texts = ", ".join("'many' AS commits" if name == "commits" else name for name in typed)
    with pytest.raises(WarehouseError, match="commits: the new rows have STRING, the DDL says INT"):
        loaded.replace(
            TABLE,
            days(DAY, 1),
            Query(f"SELECT {texts} FROM {TABLE} WHERE event_date = @day", {"day": DAY}),
        )
    assert_untouched(loaded)


def test_a_stream_that_stops_half_way_changes_nothing(loaded: BigQueryWarehouse) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from arrow(TABLE, [raw(DAY, "first")]).to_batches()
        raise OSError("the archive is gone")

    reader = pa.RecordBatchReader.from_batches(arrow(TABLE, []).schema, batches())
    with pytest.raises(OSError, match="the archive is gone"):
        loaded.replace(TABLE, days(DAY, 1), reader)
    assert_untouched(loaded)


def test_a_load_that_bigquery_refuses_changes_nothing(loaded: BigQueryWarehouse) -> None:
    """Bytes that are no UTF-8: Arrow carries them, a load job does not take them."""
    rows = arrow(TABLE, [raw(DAY, "broken")])
    broken = pa.StringArray.from_buffers(
        1, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")
    )
    at = rows.column_names.index("workspace_id")
    with pytest.raises(WarehouseError):
        loaded.replace(TABLE, days(DAY, 1), rows.set_column(at, "workspace_id", broken))
    assert_untouched(loaded)


def test_an_insert_that_fails_in_the_transaction_brings_the_old_rows_back(
    loaded: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are deleted by then: the look at the stage has found nothing wrong with it."""
    monkeypatch.setattr(bigquery_warehouse, "inserted", lambda *_: "ERROR('no such value')")
    with pytest.raises(WarehouseError, match="the old ones stay"):
        loaded.replace(TABLE, days(DAY, 1), arrow(TABLE, [raw(DAY, "new")]))
    monkeypatch.undo()
    assert_untouched(loaded)


@pytest.mark.usefixtures("either_way")
def test_odd_records_are_the_same_in_both_warehouses(
    loaded: BigQueryWarehouse, two_days: tuple[date, date], tmp_path: Path
) -> None:
    """A number beyond a FLOAT64, half a character: both hold the whole record as a text."""
    day, _ = two_days
    rows = odd_events(day)
    embedded = open_warehouse(tmp_path)
    for warehouse in (loaded, embedded):
        assert warehouse.replace(TABLE, Window.day(day), rows).rows == rows.num_rows
    here, there = (w.read(TABLE, Window.day(day)) for w in (embedded, loaded))
    found = compare(TABLE, here, there, key=["event_id"], json_columns=["raw_response"])
    assert not [str(difference) for difference in found]
    for read in (here, there):
        by_id = {r["event_id"]: r for r in read.to_pylist()}
        for text, is_json in ODD_JSON.items():
            row_ = by_id[event_id(text)]
            kept = json.loads(row_["raw_response"])
            assert kept == (json.loads(text) if is_json else text)
            assert row_["validation_errors"] == ([] if is_json else ["unparsable_json"])


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("text", ['{"cents": 1e400}', '{"name": "\\ud800"}', "{no json"])
def test_a_record_that_is_no_json_to_bigquery_stays_as_text_and_keeps_no_other_out(
    text: str, loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    """Readers hand such text over as a JSON string; this is for what they do not foresee."""
    day, _ = two_days
    rows = arrow(TABLE, [raw(day, "odd", raw_response=text), raw(day, "plain")])
    assert loaded.replace(TABLE, Window.day(day), rows).rows == 2
    assert events(loaded, Window.day(day)) == {event_id("odd"), event_id("plain")}


def test_a_query_that_fails_changes_nothing(loaded: BigQueryWarehouse) -> None:
    with pytest.raises(WarehouseError):
        loaded.replace(TABLE, days(DAY, 1), Query(f"SELECT no_such_column FROM {TABLE}"))
    assert_untouched(loaded)


def test_a_table_without_partitions_is_replaced_as_a_whole(warehouse: BigQueryWarehouse) -> None:
    rows = [row("dim_cost_centers", cost_center=name, cost_center_sk=n) for n, name in [(1, "A")]]
    warehouse.replace("dim_cost_centers", None, arrow("dim_cost_centers", rows))
    rows = [row("dim_cost_centers", cost_center=name, cost_center_sk=n) for n, name in [(2, "B")]]
    warehouse.replace("dim_cost_centers", None, arrow("dim_cost_centers", rows))
    assert warehouse.read("dim_cost_centers").column("cost_center").to_pylist() == ["B"]


def make_table(warehouse: BigQueryWarehouse, columns: list[bigquery.SchemaField]) -> None:
    with warehouse.client() as client:
        client.delete_table(warehouse.home("dim_cost_centers"), not_found_ok=True)
        client.create_table(bigquery.Table(warehouse.home("dim_cost_centers"), schema=columns))


def declared_columns(*without: str) -> list[bigquery.SchemaField]:
    modes = {True: "NULLABLE", False: "REQUIRED"}
    return [
        bigquery.SchemaField("departments", "STRING", "REPEATED")
        if c.name == "departments"
        else bigquery.SchemaField(c.name, c.type, modes[c.nullable])
        for c in table_schema("dim_cost_centers").columns
        if c.name not in without
    ]


def test_an_added_column_is_added_in_place_and_the_rows_stay(
    warehouse: BigQueryWarehouse,
) -> None:
    make_table(warehouse, declared_columns("departments"))
    with warehouse.client() as client:
        client.query(
            f"INSERT INTO `{warehouse.home('dim_cost_centers')}` "
            "(cost_center_sk, cost_center, is_active, created_timestamp, updated_timestamp) "
            "VALUES (1, 'OLD', TRUE, CURRENT_TIMESTAMP(), CURRENT_TIMESTAMP())"
        ).result()
    warehouse.ensure_table("dim_cost_centers")
    (there,) = warehouse.read("dim_cost_centers").to_pylist()
    assert (there["cost_center"], there["departments"]) == ("OLD", [])
    with warehouse.client() as client:
        schema = client.get_table(warehouse.home("dim_cost_centers")).schema
    described = {f.name: f.description for f in schema}
    assert described == {c.name: c.description for c in table_schema("dim_cost_centers").columns}


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            [*declared_columns("cost_center"), bigquery.SchemaField("cost_center", "INT64")],
            "cost_center is INT64, its DDL says STRING NOT NULL",
        ),
        (
            [*declared_columns(), bigquery.SchemaField("colour", "STRING")],
            "has a column colour that its DDL does not declare",
        ),
        (declared_columns("cost_center"), "lacks the NOT NULL column cost_center"),
    ],
)
def test_any_other_drift_is_an_error_that_names_the_column(
    columns: list[bigquery.SchemaField], says: str, warehouse: BigQueryWarehouse
) -> None:
    make_table(warehouse, columns)
    with pytest.raises(WarehouseError, match=says):
        warehouse.replace("dim_cost_centers", None, arrow("dim_cost_centers", []))


def test_a_table_partitioned_otherwise_is_an_error(warehouse: BigQueryWarehouse) -> None:
    schema = table_schema("raw_member_spend")
    with warehouse.client() as client:
        client.query(
            warehouse.render(
                schema.ddl.replace("PARTITION BY snapshot_date", "").replace(
                    "require_partition_filter=TRUE", "friendly_name='x'"
                )
            )
        ).result()
    with pytest.raises(WarehouseError, match="is partitioned on nothing, its DDL says snapshot"):
        warehouse.ensure_table("raw_member_spend")


def write_together(*writes: Callable[[], Any]) -> list[BaseException]:
    failures: list[BaseException] = []
    ready = threading.Barrier(len(writes))

    def guarded(write: Callable[[], Any]) -> None:
        ready.wait(timeout=60)
        try:
            write()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(write,)) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    return failures


def test_two_writers_of_different_days_both_land(
    loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    def writer(day: date) -> Callable[[], Any]:
        rows = arrow(TABLE, [raw(day, f"{day} again {n}") for n in range(3)])
        return lambda: loaded.replace(TABLE, Window.day(day), rows)

    assert write_together(*map(writer, two_days)) == []
    for day in two_days:
        assert events(loaded, Window.day(day)) == {event_id(f"{day} again {n}") for n in range(3)}


def test_two_writers_of_the_same_day_leave_the_rows_of_one_of_them(
    loaded: BigQueryWarehouse, two_days: tuple[date, date]
) -> None:
    """A second table's worth of rows, or a mixture, would be a lost or a doubled day."""
    day, other = two_days
    sets = [{event_id(f"{who} {n}") for n in range(3)} for who in "ab"]

    def writer(who: str) -> Callable[[], Any]:
        rows = arrow(TABLE, [raw(day, f"{who} {n}") for n in range(3)])
        return lambda: loaded.replace(TABLE, Window.day(day), rows)

    assert write_together(writer("a"), writer("b")) == []
    assert events(loaded, Window.day(day)) in sets
    assert loaded.read(TABLE, Window.day(day)).num_rows == 3
    assert events(loaded, Window.day(other)) == {event_id(f"old {other}")}


def test_only_a_query_is_let_through_where_one_reads(loaded: BigQueryWarehouse) -> None:
    for statement in (
        f"DELETE FROM {TABLE} WHERE event_date > DATE '2000-01-01'",
        f"SELECT 1; DROP TABLE {TABLE}",
        "CREATE TABLE x AS SELECT 1 AS a",
    ):
        with pytest.raises(WarehouseError, match="only one SELECT"):
            loaded.query(statement)
    assert_untouched(loaded)


def test_a_dataset_that_is_not_there_is_said_with_the_command_that_makes_it(
    loaded: BigQueryWarehouse, tmp_path: Path
) -> None:
    settings = {
        "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
        "AI_USAGE_WAREHOUSE": "bigquery",
        "AI_USAGE_BIGQUERY_PROJECT": loaded.project,
    }
    with loaded.client() as client:
        endpoint = str(client._connection.API_BASE_URL)
    if endpoint.startswith("http://"):
        settings["AI_USAGE_BIGQUERY_ENDPOINT"] = endpoint
    elsewhere = warehouse_of(Settings.load({**settings, "AI_USAGE_DATASET": "ai_usage_not_there"}))
    assert not elsewhere.exists(TABLE)
    with pytest.raises(WarehouseError, match=r"`bq mk .*--dataset \S+:ai_usage_not_there`"):
        elsewhere.ensure_table(TABLE)


def test_without_the_internal_dataset_nothing_is_written_to_the_others(
    new_dataset: Callable[[], dict[str, str]],
) -> None:
    environment = {**new_dataset(), "AI_USAGE_INTERNAL_DATASET": "ai_usage_not_there"}
    lacking = warehouse_of(Settings.load({"AI_USAGE_ENV_FILE": "no.env", **environment}))
    with pytest.raises(WarehouseError, match=r"`bq mk .*--dataset \S+:ai_usage_not_there`"):
        lacking.replace(TABLE, days(DAY, 1), arrow(TABLE, [raw(DAY, "one")]))
    assert not lacking.exists(TABLE)


def test_a_table_that_is_not_there_is_an_error_of_one_line(warehouse: BigQueryWarehouse) -> None:
    with pytest.raises(WarehouseError) as error:
        warehouse.query("SELECT seat_id FROM dim_seats")
    assert "dim_seats" in str(error.value)
    assert "\n" not in str(error.value)
