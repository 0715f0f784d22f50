"""What counts as a difference between two warehouses, and what does not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ai_usage.days.windows import Window
from ai_usage.warehouse.compare import ABSENT, compare, compare_rows, compare_warehouses, same
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema

DAY = date(2026, 3, 10)
Row = dict[str, Any]


def event(event_id: str, day: date = DAY, **cells: Any) -> Row:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {
        "event_id": event_id,
        "event_timestamp": noon,
        "event_date": day,
        "platform": "cursor",
        "event_type": "usage",
        "source_endpoint": "usage_events",
        "is_provisional": False,
        "ingest_timestamp": noon,
        "attribution_method": "unknown",
        "data_quality_score": 1.0,
        "raw_response": '{"a": 1, "b": 2.5}',
        "validation_errors": [],
        **cells,
    }


def differences(left: list[Row], right: list[Row]) -> list[str]:
    table = table_schema("raw_ai_events")
    found = compare_rows("raw_ai_events", table.to_arrow(left), table.to_arrow(right))
    return [str(difference).removeprefix("raw_ai_events") for difference in found]


def test_the_order_of_rows_and_who_wrote_them_when_do_not_count() -> None:
    left = [event("a", pipeline_run_id="one"), event("b")]
    right = [event("b", ingest_timestamp=datetime(2030, 1, 1, tzinfo=UTC)), event("a")]
    assert differences(left, right) == []


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("cost_usd", Decimal("1.000000001"), Decimal("1.000000002")),
        ("cost_usd", Decimal(0), None),
        ("input_tokens", 2**60, 2**60 + 1),
        ("user_email", "", None),
        ("data_quality_score", 1.0, 1.00000001),
        ("raw_response", '{"a": 1}', '{"a": 1.000000000000000000001}'),
        ("raw_response", None, "null"),
        ("validation_errors", ["a", "b"], ["b", "a"]),
        (
            "event_timestamp",
            datetime(2026, 3, 10, 1, tzinfo=UTC),
            datetime(2026, 3, 10, tzinfo=UTC),
        ),
    ],
)
def test_a_value_that_differs_is_named_with_its_row_and_both_values(
    column: str, one: Any, other: Any
) -> None:
    (found,) = differences([event("a", **{column: one})], [event("a", **{column: other})])
    assert found.startswith(f".{column} (event_id=a): ")


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("cost_usd", Decimal("1.50"), Decimal("1.5")),
        ("data_quality_score", 0.1 + 0.2, 0.3),
        ("raw_response", '{"a": 1, "b": [1.0, "é"]}', '{"b":[1,"\\u00e9"],"a":1}'),
    ],
)
def test_the_same_value_written_otherwise_is_equal(column: str, one: Any, other: Any) -> None:
    assert differences([event("a", **{column: one})], [event("a", **{column: other})]) == []


def test_a_row_that_is_missing_or_doubled_is_named() -> None:
    assert differences([event("a"), event("b")], [event("a"), event("a")]) in (
        [
            f" (event_id=b): present | {ABSENT}",
            f" (event_id=a): {ABSENT} | present",
        ],
        [
            f" (event_id=a): {ABSENT} | present",
            f" (event_id=b): present | {ABSENT}",
        ],
    )


def test_rows_without_a_key_are_paired_by_their_exact_values() -> None:
    left = pa.table({"name": ["a", "a", None], "share": [0.1, 0.2, 0.3]})
    right = pa.table({"name": [None, "a", "a"], "share": [0.3, 0.2, 0.1 + 1e-17]})
    assert list(compare("t", left, right)) == []
    (found,) = compare("t", left, pa.table({"name": ["a", "a", None], "share": [0.1, 0.2, 0.4]}))
    assert (found.column, found.left, found.right) == ("share", 0.3, 0.4)


def test_a_column_on_one_side_only_is_a_difference() -> None:
    found = list(compare("t", pa.table({"a": [1], "b": [2]}), pa.table({"a": [1]})))
    assert [str(difference) for difference in found] == [f"t.b: present | {ABSENT}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.int64(), pa.float64()),
        (pa.int64(), pa.decimal128(38, 0)),
        (pa.decimal128(38, 9), pa.decimal128(18, 3)),
        (pa.timestamp("us", tz="UTC"), pa.timestamp("us")),
    ],
)
def test_a_column_of_another_type_is_a_difference_even_where_its_values_agree(
    one: pa.DataType, other: pa.DataType
) -> None:
    tables = [pa.table({"key": ["a"], "n": pa.array([None], kind)}) for kind in (one, other)]
    (found,) = compare("t", *tables, key=["key"])
    assert (found.column, found.left, found.right) == ("n", str(one), str(other))
    assert list(compare("t", tables[0], tables[0], key=["key"])) == []


def test_how_arrow_lays_a_type_out_is_no_difference() -> None:
    left = pa.table({"a": pa.array(["x"], pa.string()), "b": pa.array([["x"]])})
    right = pa.table(
        {
            "a": pa.array(["x"], pa.large_string()),
            "b": pa.array([["x"]], pa.list_(pa.field("element", pa.string()))),
        }
    )
    assert list(compare("t", left, right)) == []


def test_a_list_that_is_null_equals_an_empty_one_and_no_other() -> None:
    """BigQuery stores an empty list where DuckDB stores NULL."""
    null, empty, full = (
        pa.table({"key": ["a"], "names": pa.array([names], pa.list_(pa.string()))})
        for names in (None, [], ["x"])
    )
    for key in (["key"], []):
        assert not list(compare("t", null, empty, key=key))
        assert list(compare("t", null, full, key=key))


def test_not_a_number_equals_only_itself() -> None:
    nan = float("nan")
    assert same(nan, nan)
    assert not same(nan, 1.0)
    assert not same(None, 0.0)
    left, right = pa.table({"x": [nan, 1.0]}), pa.table({"x": [nan, nan]})
    assert list(compare("t", left, left)) == []
    assert len(list(compare("t", left, right))) == 1
    infinite, none = (
        pa.table({"x": [float("inf")]}),
        pa.table({"x": pa.array([None], pa.float64())}),
    )
    one = pa.table({"x": [1.0]})
    assert list(compare("t", infinite, infinite)) == []
    assert [len(list(compare("t", one, other))) for other in (infinite, none)] == [1, 1]


def test_warehouses_are_compared_table_by_table_over_all_their_months(tmp_path: Path) -> None:
    table = table_schema("raw_ai_events")
    left, right = (DuckDBWarehouse(tmp_path / f"{n}.duckdb", "w") for n in "lr")
    everything = Window(date(2026, 1, 1), date(2026, 5, 1))
    rows = [event("a", date(2026, 1, 31)), event("b", date(2026, 2, 1)), event("c")]
    left.replace("raw_ai_events", everything, table.to_arrow(rows))
    assert [str(d) for d in compare_warehouses(left, right)] == [
        f"raw_ai_events: present | {ABSENT}"
    ]
    late = event("c", model="x")
    right.replace("raw_ai_events", everything, table.to_arrow([late, *rows[:2]]))
    (found,) = compare_warehouses(left, right)
    assert str(found) == "raw_ai_events.model (event_id=c): None | x"
    assert list(compare_warehouses(left, left)) == []
    assert list(compare_warehouses(left, right, ["dim_users"])) == []
