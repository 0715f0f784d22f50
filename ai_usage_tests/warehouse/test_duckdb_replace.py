"""The warehouse's contract on DuckDB: a window is replaced wholly, exactly, or not at all."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage.errors import VendorError, WarehouseError
from ai_usage.warehouse.base import Query, Replaced
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.warehouse.rows import (
    DAY,
    arrow,
    at,
    days,
    event_id,
    open_warehouse,
    raw,
    row,
    selected,
    stored,
)

NEXT = DAY + timedelta(days=1)
TABLE = "raw_ai_events"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path, lock_timeout_seconds=5)


@pytest.fixture
def filled(warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    """Three days with one event each, before, on and after `DAY`."""
    rows = [raw(DAY + timedelta(days=n), f"old {n}", cost_usd=Decimal(n + 2)) for n in (-1, 0, 1)]
    warehouse.replace(TABLE, days(DAY - timedelta(days=1), 3), arrow(TABLE, rows))
    return warehouse


def costs(warehouse: DuckDBWarehouse) -> list[tuple[Any, ...]]:
    return stored(warehouse, TABLE, "event_date", "cost_usd")


def counted(done: Replaced) -> tuple[int, int]:
    """Rows now in the window, rows that were there before."""
    return done.rows, done.rows_before


OLD = [
    (DAY - timedelta(days=1), Decimal("1.000000000")),
    (DAY, Decimal("2.000000000")),
    (NEXT, Decimal("3.000000000")),
]


# -- what is replaced ---------------------------------------------------------------------------


def test_a_day_is_replaced_and_its_neighbours_stay(filled: DuckDBWarehouse) -> None:
    new = [raw(DAY, "a", cost_usd=Decimal("0.000000001")), raw(DAY, "b", cost_usd=Decimal(7))]
    done = filled.replace(TABLE, Window.day(DAY), arrow(TABLE, new))
    assert counted(done) == (2, 1)
    assert costs(filled) == [
        OLD[0],
        (DAY, Decimal("0.000000001")),
        (DAY, Decimal("7.000000000")),
        OLD[2],
    ]


def test_in_a_table_partitioned_by_timestamp_the_window_is_of_utc_days(
    warehouse: DuckDBWarehouse,
) -> None:
    first, last = at(DAY), datetime(DAY.year, DAY.month, DAY.day, 23, 59, 59, 999999, UTC)
    instants = [first - timedelta(microseconds=1), first, last, last + timedelta(microseconds=1)]
    rows = [row("fact_ai_usage", event_timestamp=t, event_id=str(t), time_sk=0) for t in instants]
    warehouse.replace(
        "fact_ai_usage", days(DAY - timedelta(days=1), 3), arrow("fact_ai_usage", rows)
    )
    done = warehouse.replace("fact_ai_usage", Window.day(DAY), arrow("fact_ai_usage", []))
    assert counted(done) == (0, 2)
    assert stored(warehouse, "fact_ai_usage", "event_id") == [
        (str(instants[0]),),
        (str(instants[3]),),
    ]


def test_a_table_without_partitions_is_replaced_as_a_whole(warehouse: DuckDBWarehouse) -> None:
    table = "dim_cost_centers"
    warehouse.replace(table, None, arrow(table, [row(table, cost_center="a")]))
    done = warehouse.replace(table, None, arrow(table, [row(table, cost_center="b")]))
    assert counted(done) == (1, 1)
    assert stored(warehouse, table, "cost_center") == [("b",)]
    with pytest.raises(WarehouseError, match="dim_cost_centers has no partitions"):
        warehouse.replace(table, Window.day(DAY), arrow(table, []))
    assert stored(warehouse, table, "cost_center") == [("b",)]


def test_no_new_rows_are_a_valid_write_that_empties_the_window(filled: DuckDBWarehouse) -> None:
    done = filled.replace(TABLE, Window.day(DAY), arrow(TABLE, []))
    assert counted(done) == (0, 1)
    assert costs(filled) == [OLD[0], OLD[2]]


def test_writing_the_same_rows_again_changes_nothing(filled: DuckDBWarehouse) -> None:
    same = arrow(TABLE, [raw(DAY, "old 0", cost_usd=Decimal(2))])
    for _ in range(2):
        assert counted(filled.replace(TABLE, Window.day(DAY), same)) == (1, 1)
    assert costs(filled) == OLD


def test_columns_are_matched_by_name_not_by_position(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [raw(DAY, "a", input_tokens=11, output_tokens=22, cost_usd=Decimal(5))])
    shuffled = new.select(sorted(new.column_names, reverse=True))
    filled.replace(TABLE, Window.day(DAY), shuffled)
    assert stored(filled, TABLE, "input_tokens", "output_tokens", "cost_usd")[1] == (
        None,
        None,
        Decimal("3.000000000"),
    )
    assert (11, 22, Decimal("5.000000000")) in stored(
        filled, TABLE, "input_tokens", "output_tokens", "cost_usd"
    )


def test_a_querys_columns_are_matched_by_name_and_its_parameters_bound(
    filled: DuckDBWarehouse,
) -> None:
    who = "o'hara@example.com"
    new = dict(sorted(GOOD.items(), reverse=True))
    sql = selected(TABLE, new, user_email="@who", event_date="@day")
    done = filled.replace(TABLE, Window.day(DAY), Query(sql, {"who": who, "day": DAY}))
    assert counted(done) == (1, 1)
    assert stored(filled, TABLE, "event_date", "user_email", "cost_usd")[1] == (
        DAY,
        who,
        Decimal("9.000000000"),
    )


def test_every_declared_type_survives_the_way_through_the_file(
    warehouse: DuckDBWarehouse,
) -> None:
    full = raw(
        DAY,
        "a",
        event_timestamp=datetime(2026, 3, 10, 23, 59, 59, 999999, UTC),
        cost_usd=Decimal("-12345678901234567890.123456789"),
        input_tokens=2**62,
        raw_response='{"a": [1, 2.50]}',
        validation_errors=["one", "two:detail"],
        data_quality_score=0.1 + 0.2,
    )
    warehouse.replace(TABLE, Window.day(DAY), arrow(TABLE, [full]))
    (got,) = warehouse.read(TABLE, Window.day(DAY)).to_pylist()
    assert got == dict.fromkeys(table_schema(TABLE).column_names) | full


def test_a_reader_of_record_batches_is_streamed(filled: DuckDBWarehouse) -> None:
    held: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for n in range(40):
            held.append(n)
            rows = [raw(DAY, f"{n}.{i}", cost_usd=Decimal(1)) for i in range(50)]
            yield from arrow(TABLE, rows).to_batches()

    reader = pa.RecordBatchReader.from_batches(arrow(TABLE, []).schema, batches())
    assert held == [], "nothing is read before it is asked for"
    assert counted(filled.replace(TABLE, Window.day(DAY), reader)) == (2000, 1)
    assert len(costs(filled)) == 2002


# -- what is refused, before anything is deleted -------------------------------------------------


def refused(warehouse: DuckDBWarehouse, new: Any, window: Window | None = None) -> str:
    with pytest.raises(WarehouseError) as raised:
        warehouse.replace(TABLE, window or Window.day(DAY), new)
    assert costs(warehouse) == OLD, "the old rows stay"
    assert "\n" not in str(raised.value)
    with duckdb.connect(str(warehouse.path)) as connection:
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (1,)
    return str(raised.value)


GOOD = raw(DAY, "new", cost_usd=Decimal(9))


def test_rows_outside_the_window_are_refused_with_their_days(filled: DuckDBWarehouse) -> None:
    new = [GOOD, raw(NEXT, "a"), raw(date(2026, 2, 1), "b")]
    assert refused(filled, arrow(TABLE, new)) == (
        "raw_ai_events: 2 of the new rows lie outside 2026-03-10 (2026-02-01 to 2026-03-11); "
        "nothing was changed."
    )


def test_an_instant_after_the_windows_last_is_refused(warehouse: DuckDBWarehouse) -> None:
    late = arrow("fact_ai_usage", [row("fact_ai_usage", event_timestamp=at(NEXT))])
    with pytest.raises(WarehouseError, match=r"1 of the new rows lie outside 2026-03-10 \(2026-03"):
        warehouse.replace("fact_ai_usage", Window.day(DAY), late)


def test_a_missing_column_is_refused_by_name(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [GOOD]).drop_columns(["model"])
    assert "the new rows lack model;" in refused(filled, new)


def test_an_unknown_column_is_refused_by_name(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [GOOD]).append_column("surprise", pa.array([1]))
    assert "have the unknown surprise;" in refused(filled, new)


def test_a_renamed_column_is_both_missing_and_unknown(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [GOOD]).rename_columns({"model": "modell"})
    assert "the new rows lack model and have the unknown modell;" in refused(filled, new)


def test_a_column_given_twice_is_refused_by_name(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [GOOD]).append_column("model", pa.array(["other"]))
    assert "have twice model;" in refused(filled, new)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        # Money as a float has lost its cents already; it must not be rounded into NUMERIC.
        ("cost_usd", pa.array([9.0])),
        ("cost_usd", pa.array([Decimal("9.1")], pa.decimal128(18, 3))),
        ("input_tokens", pa.array(["12"])),
        ("event_timestamp", pa.array([datetime(2026, 3, 10, 9)], pa.timestamp("us"))),  # noqa: DTZ001
    ],
)
def test_a_column_of_another_type_is_refused_by_name(
    filled: DuckDBWarehouse, column: str, values: pa.Array
) -> None:
    new = arrow(TABLE, [GOOD])
    new = new.set_column(new.column_names.index(column), column, values)
    said = refused(filled, new)
    assert said.startswith(f"raw_ai_events.{column}: the new rows have {values.type}, the DDL says")


def test_null_where_the_ddl_says_not_null_is_refused_by_name(filled: DuckDBWarehouse) -> None:
    new = arrow(TABLE, [GOOD, raw(DAY, "b", platform=None), raw(DAY, "c", platform=None)])
    assert refused(filled, new) == (
        "raw_ai_events.platform is NOT NULL, but 2 of the new rows have NULL there; "
        "nothing was changed."
    )


def test_of_a_stream_all_rows_that_are_refused_are_counted(filled: DuckDBWarehouse) -> None:
    def streamed(*groups: list[dict[str, Any]]) -> pa.RecordBatchReader:
        batches = (batch for rows in groups for batch in arrow(TABLE, rows).to_batches())
        return pa.RecordBatchReader.from_batches(arrow(TABLE, []).schema, batches)

    far, near = raw(date(2026, 2, 1), "far"), raw(NEXT, "near")
    assert "3 of the new rows lie outside 2026-03-10 (2026-02-01 to 2026-03-11)" in refused(
        filled, streamed([GOOD], [near], [GOOD], [far, near])
    )
    unnamed = [raw(DAY, n, platform=None) for n in range(3)]
    assert "platform is NOT NULL, but 3 of the new rows have NULL there" in refused(
        filled, streamed([GOOD], unnamed[:1], [far], unnamed[1:])
    )


def selecting(**instead: str) -> Query:
    return Query(selected(TABLE, GOOD, **instead))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (selecting(cost_usd="CAST(9 AS FLOAT64)"), "raw_ai_events.cost_usd: the new rows"),
        (selecting(platform="CAST(NULL AS STRING)"), "raw_ai_events.platform is NOT NULL, but 1"),
        (selecting(event_date="DATE '2026-03-12'"), "1 of the new rows lie outside 2026-03-10 (2"),
        (selecting(surprise="1"), "unknown surprise"),
        (selecting(event_id="nothing"), "DuckDB refused: Binder Error"),
        (selecting(event_id="CAST(ERROR('halfway') AS STRING)"), "halfway"),
    ],
)
def test_a_query_that_breaks_the_contract_is_refused(
    filled: DuckDBWarehouse, query: Query, said: str
) -> None:
    assert said in refused(filled, query)


def test_a_query_cannot_read_the_table_that_it_is_written_to(filled: DuckDBWarehouse) -> None:
    for read in (TABLE, "stg_events"):
        with pytest.raises(ValueError, match="cannot read the table it is written to"):
            filled.replace(TABLE, Window.day(DAY), Query(f"SELECT * FROM {read}"))
    assert costs(filled) == OLD


def test_an_insert_that_fails_rolls_back_the_delete(warehouse: DuckDBWarehouse) -> None:
    table = "dim_cost_centers"
    schema = table_schema(table)
    warehouse.ensure_table(table)
    with duckdb.connect(str(warehouse.path)) as connection:
        columns = ", ".join(
            f"{c.name} {c.duckdb_type}{'' if c.nullable else ' NOT NULL'}" for c in schema.columns
        )
        connection.execute(f"DROP TABLE ai_usage.{table}")
        # Only inside the transaction does DuckDB find this out.
        connection.execute(
            f"CREATE TABLE ai_usage.{table} ({columns}, CHECK (cost_center != 'bad'))"
        )
    warehouse.replace(table, None, arrow(table, [row(table, cost_center="old")]))
    new = [row(table, cost_center="good"), row(table, cost_center="bad")]
    with pytest.raises(WarehouseError, match="refused, the old ones stay: Constraint Error"):
        warehouse.replace(table, None, arrow(table, new))
    assert stored(warehouse, table, "cost_center") == [("old",)]


def threads(warehouse: DuckDBWarehouse) -> int:
    with warehouse.connect() as connection:
        ((number,),) = connection.execute("SELECT current_setting('threads')").fetchall()
    return int(number)


def test_duckdb_works_by_all_its_threads_again_once_a_stream_is_written(
    filled: DuckDBWarehouse,
) -> None:
    before, meanwhile = threads(filled), []

    def batches() -> Iterator[pa.RecordBatch]:
        meanwhile.append(threads(filled))
        yield from arrow(TABLE, [GOOD]).to_batches()

    reader = pa.RecordBatchReader.from_batches(arrow(TABLE, []).schema, batches())
    filled.replace(TABLE, Window.day(DAY), reader)
    assert (meanwhile, threads(filled)) == ([1], before)


@pytest.mark.parametrize(
    "error", [VendorError("anthropic: half a page"), KeyError("a bug"), KeyboardInterrupt()]
)
def test_a_stream_that_stops_raises_its_own_error_and_leaves_the_old_rows(
    filled: DuckDBWarehouse, error: BaseException
) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from arrow(TABLE, [GOOD]).to_batches()
        raise error

    reader = pa.RecordBatchReader.from_batches(arrow(TABLE, []).schema, batches())
    with pytest.raises(type(error)) as raised:
        filled.replace(TABLE, Window.day(DAY), reader)
    assert raised.value is error
    assert costs(filled) == OLD
    assert openable_by_another_process(filled.path)


# -- the connection is gone after an error ------------------------------------------------------


def openable_by_another_process(path: Path) -> bool:
    code = f"import duckdb; duckdb.connect({str(path)!r}).execute('SELECT 1')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)  # noqa: S603
    return run.returncode == 0


def test_after_a_refusal_another_process_can_open_the_file(filled: DuckDBWarehouse) -> None:
    refused(filled, arrow(TABLE, [raw(NEXT, "outside")]))
    refused(filled, selecting(event_id="nothing"))
    with pytest.raises(WarehouseError, match="query: Binder Error"):
        filled.query("SELECT nothing FROM raw_ai_events")
    with pytest.raises(ZeroDivisionError), filled.ibis():
        raise ZeroDivisionError
    assert openable_by_another_process(filled.path)


# -- against a plain model -----------------------------------------------------------------------

FIRST = date(2026, 1, 1)
SPAN = 8
Write = tuple[int, int, list[tuple[int, int]]]


@st.composite
def writes(draw: st.DrawFn) -> Write:
    start = draw(st.integers(0, SPAN - 1))
    length = draw(st.integers(1, SPAN - start))
    rows = draw(
        # Now and then a row just outside: the whole write is then refused.
        st.lists(
            st.tuples(
                st.integers(start - (draw(st.integers(0, 6)) == 0), start + length - 1),
                st.integers(-5, 5),
            ),
            max_size=4,
        )
    )
    return start, length, rows


@pytest.mark.parametrize("table", ["raw_ai_events", "fact_ai_usage"])
@given(sequence=st.lists(writes(), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
def test_any_sequence_of_writes_leaves_what_a_dict_of_days_would_hold(
    table: str, sequence: list[Write]
) -> None:
    model: dict[int, list[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        warehouse = open_warehouse(Path(folder))
        warehouse.ensure_table(table)
        for number, (start, length, rows) in enumerate(sequence):
            new = arrow(
                table,
                [
                    row(
                        table,
                        FIRST + timedelta(days=day),
                        lines_added=value,
                        event_id=event_id((number, place)),
                    )
                    for place, (day, value) in enumerate(rows)
                ],
            )
            window = days(FIRST + timedelta(days=start), length)
            inside = range(start, start + length)
            before = sum(len(model.get(day, [])) for day in inside)
            if all(day in inside for day, _ in rows):
                done = warehouse.replace(table, window, new)
                assert counted(done) == (len(rows), before)
                model = {day: held for day, held in model.items() if day not in inside}
                for day, value in rows:
                    model.setdefault(day, []).append(value)
                assert done.rows_in_table == sum(map(len, model.values()))
            else:
                with pytest.raises(WarehouseError, match="lie outside"):
                    warehouse.replace(table, window, new)
        column = table_schema(table).partition_column
        assert column is not None
        held: dict[int, list[int]] = {}
        for when, value in stored(warehouse, table, column, "lines_added"):
            at = when.date() if isinstance(when, datetime) else when
            held.setdefault((at - FIRST).days, []).append(value)
        assert {day: sorted(values) for day, values in held.items()} == {
            day: sorted(values) for day, values in model.items()
        }
