"""The DDL is the one place where a column stands: it parses, and what mirrors it is in step."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import msgspec
import pyarrow as pa
import pytest

from ai_usage.orchestration.assets.common import table_metadata
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.event_columns import BATCH_ROWS
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.schema import CLUSTERABLE, parse_ddl, table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.warehouse.rows import DAY, FETCHED

# -- the product's tables -----------------------------------------------------------------------


@pytest.mark.parametrize("table", table_names())
def test_every_table_parses_and_says_what_it_and_its_columns_mean(table: str) -> None:
    schema = table_schema(table)
    assert schema.name == table, "the file is named like its table"
    assert len(schema.description) > 20
    for column in schema.columns:
        assert column.description.endswith("."), f"{table}.{column.name}: a sentence"
    assert len(set(schema.column_names)) == len(schema.columns)


@pytest.mark.parametrize("table", table_names())
def test_clustering_is_what_bigquery_accepts(table: str) -> None:
    schema = table_schema(table)
    assert len(schema.cluster_by) <= 4
    for name in schema.cluster_by:
        assert schema.column(name).type in CLUSTERABLE, "a plain column, no expression"


@pytest.mark.parametrize("table", table_names())
def test_a_row_always_has_a_day_where_the_table_is_partitioned(table: str) -> None:
    schema = table_schema(table)
    if schema.partition_column is None:
        assert schema.day_expression is None
        assert not schema.require_partition_filter
        return
    column = schema.column(schema.partition_column)
    assert not column.nullable, "a row without a day would be in no window and never be replaced"
    assert column.type in {"DATE", "TIMESTAMP"}
    assert schema.require_partition_filter, "every query must prune"


@pytest.mark.parametrize("table", table_names())
def test_money_is_numeric_everywhere(table: str) -> None:
    for column in table_schema(table).columns:
        if column.name.endswith("_usd"):
            assert column.type == "NUMERIC", column.name


@pytest.mark.parametrize(
    ("table", "day", "cluster"),
    [
        (
            "raw_ai_events",
            "event_date",
            ("platform", "user_email", "event_type", "event_timestamp"),
        ),
        ("fact_ai_usage", "DATE(event_timestamp, 'UTC')", ("user_sk", "platform_sk")),
        ("fact_ai_costs", "DATE(cost_timestamp, 'UTC')", ("user_sk", "platform_sk")),
    ],
)
def test_the_large_tables_are_partitioned_and_clustered_as_the_document_means(
    table: str, day: str, cluster: tuple[str, ...]
) -> None:
    schema = table_schema(table)
    assert (schema.day_expression, schema.cluster_by) == (day, cluster)


# -- the user's design document -----------------------------------------------------------------


def documented() -> dict[str, list[str]]:
    """Tables, views and columns of the user's design document, as read from its SQL once."""
    relations: dict[str, list[str]] = {}
    file = Path(__file__).with_name("design_document_columns.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            relations.setdefault(line["relation"], []).append(line["column"])
    return relations


def test_the_documents_relations_are_all_known() -> None:
    # Counted by hand in the document.
    assert {name: len(columns) for name, columns in documented().items()} == {
        "raw_ai_events": 33,
        "api_key_mappings": 27,
        "dim_users": 34,
        "dim_platforms": 25,
        "fact_ai_usage": 31,
        "fact_ai_costs": 34,
        "vw_executive_dashboard": 13,
        "vw_team_productivity": 24,
        "vw_cost_allocation_detailed": 28,
    }


@pytest.mark.parametrize("relation", documented())
def test_every_column_of_the_design_document_exists_under_its_name(relation: str) -> None:
    if relation in view_names():
        columns = view_schema(relation).column_names
    else:
        columns = table_schema(relation).column_names
    assert set(documented()[relation]) - set(columns) == set()


@pytest.mark.parametrize("view", [name for name in documented() if name in view_names()])
def test_a_views_columns_are_the_documents_in_its_order_before_any_other(view: str) -> None:
    asked = documented()[view]
    assert view_schema(view).column_names[: len(asked)] == asked


# -- what mirrors raw_ai_events -----------------------------------------------------------------

CARRIED = {
    str: "STRING",
    int: "INT64",
    bool: "BOOL",
    Decimal: "NUMERIC",
    date: "DATE",
    datetime: "TIMESTAMP",
    list[str]: "ARRAY<STRING>",
}
BY_THE_PIPELINE = {
    "platform",
    "source_endpoint",
    "is_provisional",
    "ingest_timestamp",
    "pipeline_run_id",
    "data_quality_score",
    "is_charge_unknown",
}

NO_COLUMN = {"identity", "record"}


def test_raw_event_has_the_columns_that_a_vendor_fills_with_their_types_and_nullability() -> None:
    schema = table_schema("raw_ai_events")
    fields = typing.get_type_hints(RawEvent)
    assert set(fields) - NO_COLUMN == set(schema.column_names) - BY_THE_PIPELINE
    for name, hint in fields.items():
        if name in NO_COLUMN:
            continue
        column = schema.column(name)
        nullable = type(None) in typing.get_args(hint)
        plain = typing.get_args(hint)[0] if nullable else hint
        plain = str if typing.get_origin(plain) is typing.Literal else plain
        carried = "JSON" if name == "raw_response" else CARRIED[plain]
        assert (name, column.type) == (name, carried)
        if name != "validation_errors":  # Never None in Python: an empty list says the same.
            assert (name, column.nullable) == (name, nullable)


def test_events_become_batches_of_the_tables_columns() -> None:
    event = RawEvent(
        identity=("a",),
        event_id="e",
        event_timestamp=datetime(2026, 3, 10, 9, tzinfo=UTC),
        event_date=DAY,
        event_type="usage",
        cost_usd=Decimal("0.000000001"),
        validation_errors=["unknown_enum:kind"],
    )
    later = msgspec.structs.replace(event, event_id="f", event_date=date(2026, 3, 11))
    provenance = Provenance("cursor", "usage_events", FETCHED, frozenset({DAY}), "run-1")
    (batch,) = batches([event, later], provenance)
    assert batch.schema.equals(table_schema("raw_ai_events").arrow_schema)
    first, second = batch.to_pylist()
    assert {name: value for name, value in first.items() if value is not None} == {
        "event_id": "e",
        "event_timestamp": event.event_timestamp,
        "event_date": DAY,
        "platform": "cursor",
        "event_type": "usage",
        "source_endpoint": "usage_events",
        "cost_usd": Decimal("0.000000001"),
        "is_provisional": True,
        "ingest_timestamp": FETCHED,
        "pipeline_run_id": "run-1",
        "attribution_method": "unknown",
        "data_quality_score": 1.0,
        "validation_errors": ["unknown_enum:kind"],
    }
    assert (second["event_id"], second["is_provisional"]) == ("f", False)


def test_batches_hold_a_bounded_number_of_events_and_lose_none() -> None:
    event = RawEvent(
        identity=("a",), event_timestamp=FETCHED, event_date=FETCHED.date(), event_type="usage"
    )
    provenance = Provenance("cursor", "usage_events", FETCHED, frozenset(), None)
    sizes = [len(batch) for batch in batches([event] * (BATCH_ROWS + 1), provenance)]
    assert sizes == [BATCH_ROWS, 1]
    assert list(batches([], provenance)) == []


# -- what is derived ----------------------------------------------------------------------------

DDL = """
CREATE TABLE t (
  d DATE NOT NULL OPTIONS(description="It's the day."),
  s STRING OPTIONS(description="Text, \\"quoted\\"; with a semicolon."),
  n INT64 OPTIONS(description="Count."),
  f FLOAT64 OPTIONS(description="Share."),
  m NUMERIC NOT NULL OPTIONS(description="Money."),
  b BOOL OPTIONS(description="Flag."),
  t TIMESTAMP OPTIONS(description="Instant."),
  j JSON OPTIONS(description="Payload."),
  a ARRAY<STRING> OPTIONS(description="Texts.")
)
PARTITION BY d
CLUSTER BY s, n
OPTIONS(description="One row a day.", require_partition_filter=TRUE);
"""


def test_a_ddl_is_read_into_names_types_nullability_partition_and_clustering() -> None:
    schema = parse_ddl(DDL)
    assert schema.name == "t"
    assert schema.description == "One row a day."
    assert schema.column("d").description == "It's the day."
    assert schema.column("s").description == 'Text, "quoted"; with a semicolon.'
    assert [c.type for c in schema.columns] == [
        "DATE", "STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "TIMESTAMP", "JSON",
        "ARRAY<STRING>",
    ]  # fmt: skip
    assert [c.name for c in schema.columns if not c.nullable] == ["d", "m"]
    assert (schema.partition_column, schema.cluster_by) == ("d", ("s", "n"))
    assert schema.require_partition_filter
    assert schema.arrow_schema.field("m") == pa.field("m", pa.decimal128(38, 9), nullable=False)
    assert schema.arrow_schema.field("t").type == pa.timestamp("us", tz="UTC")
    assert [c.duckdb_type for c in schema.columns] == [
        "DATE", "VARCHAR", "BIGINT", "DOUBLE", "DECIMAL(38,9)", "BOOLEAN",
        "TIMESTAMP WITH TIME ZONE", "JSON", "VARCHAR[]",
    ]  # fmt: skip
    with pytest.raises(KeyError, match="t has no column x"):
        schema.column("x")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (' OPTIONS(description="Count.")', "", "t.n has no description"),
        ('description="One row a day.", ', "", "t has no description"),
        ("n INT64", "n BIGNUMERIC", "t.n: type BIGNUMERIC is not carried"),
        ("n INT64", "n NUMERIC(10, 2)", "is not carried"),
        (DDL, "CREATE TABLE t AS SELECT 1", "not a CREATE TABLE with columns"),
        (DDL, "SELECT 1", "not a CREATE TABLE with columns"),
    ],
)
def test_a_ddl_that_says_too_little_or_too_much_is_refused(old: str, new: str, said: str) -> None:
    assert old in DDL
    with pytest.raises(ValueError, match=r"description|carried|CREATE") as raised:
        parse_ddl(DDL.replace(old, new))
    assert said in str(raised.value)


OF_ANOTHER_ZONE = """
import datetime as dt
import ai_usage.quality.contract
import pandera.pandas
from ai_usage.warehouse.schema import parse_ddl
schema = parse_ddl(
    "CREATE TABLE t (at TIMESTAMP OPTIONS(description='When.')) OPTIONS(description='Instants.')"
)
late = dt.datetime(2026, 3, 10, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
print(schema.to_arrow([{"at": late}])["at"][0].as_py().isoformat())
"""


@pytest.mark.parametrize("said", [{}, {"PYARROW_IGNORE_TIMEZONE": "1"}])
def test_an_instant_of_another_zone_stays_that_instant_whatever_a_library_sets(
    said: dict[str, str],
) -> None:
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", OF_ANOTHER_ZONE],
        env={**{k: v for k, v in os.environ.items() if k != "PYARROW_IGNORE_TIMEZONE"}, **said},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.strip() == "2026-03-11T01:30:00+00:00", found.stderr


def test_rows_become_arrow_with_the_declared_types_and_money_is_never_a_float() -> None:
    schema = parse_ddl(DDL)
    table = schema.to_arrow([{"d": DAY, "m": 3}, {"d": DAY, "m": Decimal("0.1"), "a": ["x"]}])
    assert table.column("m").to_pylist() == [Decimal("3.000000000"), Decimal("0.100000000")]
    assert table.column("a").to_pylist() == [None, ["x"]]
    with pytest.raises(TypeError, match=r"m=0\.1: money is Decimal, never float"):
        schema.to_arrow([{"d": DAY, "m": 0.1}])
    with pytest.raises(pa.ArrowInvalid):
        schema.to_arrow([{"d": DAY, "m": Decimal("0.0000000001")}])
    with pytest.raises(KeyError, match="t has no column x, y"):
        schema.to_arrow([{"d": DAY, "m": 1, "y": 1, "x": 1}])


def test_dagster_shows_the_columns_as_the_ddl_declares_them() -> None:
    metadata = table_metadata("dim_cost_centers")
    shown = metadata["dagster/column_schema"]
    assert isinstance(shown, dg.TableSchema)
    first = shown.columns[0]
    assert (first.name, first.type, first.constraints.nullable) == (
        "cost_center_sk",
        "INT64",
        False,
    )
    assert first.description is not None
    assert first.description.startswith("Surrogate key")
    assert [c.name for c in shown.columns] == table_schema("dim_cost_centers").column_names
    assert metadata["dagster/table_name"] == "dim_cost_centers"
