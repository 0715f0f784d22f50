"""Google's analyzer accepts every file under `sql/`, and gives it the types that DuckDB gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

import ai_usage.warehouse.duckdb as embedded
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.simulator import Company
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage.warehouse.bigquery_tables import counted_by_day, looked_at
from ai_usage.warehouse.files import Kind, load, names, sql_root
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import CLUSTERABLE, table_names, table_schema
from ai_usage.warehouse.sql import render
from ai_usage.warehouse.types import view_types
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.sql.google_sql import (
    AS_OF,
    DATASET,
    PARAMETERS,
    PROJECT,
    GoogleSql,
    deployed,
    type_name,
    with_literals,
)
from ai_usage_tests.support.pipeline import load as load_company
from ai_usage_tests.support.pipeline import window
from ai_usage_tests.support.pruning import unfiltered
from tools.sql_lint import zoneless

_OTHER_QUERIES: tuple[Kind, ...] = ("ledger", "checks", "reports")
QUERIES: list[tuple[Kind, str]] = [
    *((layer, name) for name in built_tables() if (layer := layer_of(name)) is not None),
    *((kind, name) for kind in _OTHER_QUERIES for name in names(kind)),
]

_DUCKDB_NAMES = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "DOUBLE": "FLOAT64",
    "DECIMAL(38,9)": "NUMERIC",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "JSON": "JSON",
    "VARCHAR[]": "ARRAY<STRING>",
}
_WIDER = {"HUGEINT": "INT64", "DECIMAL": "NUMERIC", "TIMESTAMP": "DATE"}
_EXAMPLES: dict[str, Any] = {
    "DATE": AS_OF,
    "TIMESTAMP": datetime(2026, 3, 18, 12, tzinfo=UTC),
    "INT64": 12,
    "STRING": "x",
}


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with every table and view of the product, empty."""
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA w")
        for name in table_names():
            columns = ", ".join(f"{c.name} {c.duckdb_type}" for c in table_schema(name).columns)
            connection.execute(f"CREATE TABLE w.{name} ({columns})")
        for name in view_names():
            view = view_schema(name)
            literals = view_literals(AS_OF, view)
            query = render(view.query, "duckdb", dataset="w", literals=literals)
            connection.execute(f"CREATE VIEW w.{name} AS {query}")
        yield connection


def duckdb_columns(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    return [(row[0], _DUCKDB_NAMES.get(row[1], row[1])) for row in rows]


def examples(sql: str) -> dict[str, Any]:
    """A value for every parameter; the checks' thresholds are all numbers, or days by name."""
    tree = sqlglot.parse_one(sql, read="bigquery")
    found = {parameter.name for parameter in tree.find_all(exp.Parameter)}
    thresholds = {name: AS_OF if name.endswith("_before") else 0.5 for name in found}
    return {name: _EXAMPLES.get(PARAMETERS.get(name, ""), thresholds[name]) for name in found}


@pytest.mark.parametrize(("kind", "name"), QUERIES, ids=lambda part: part)
def test_every_query_is_accepted_with_the_names_and_types_that_duckdb_gives(
    kind: Any, name: str, google: GoogleSql, duck: duckdb.DuckDBPyConnection
) -> None:
    sql = load(kind, name)
    embedded_sql = render(with_literals(sql, examples(sql)), "duckdb", dataset="w")
    given = duckdb_columns(duck, embedded_sql)
    if kind in ("checks", "reports"):
        # Nobody stores these rows: a wider number, or midnight for its day, does no harm.
        given = [(column, _WIDER.get(type_.split("(")[0], type_)) for column, type_ in given]
    assert google.analyze(sql) == given


@pytest.mark.parametrize("view", view_names())
def test_every_view_is_accepted_with_the_names_and_types_that_duckdb_gives(
    view: str, google: GoogleSql, duck: duckdb.DuckDBPyConnection
) -> None:
    assert google.analyze(deployed(view)) == duckdb_columns(duck, f"SELECT * FROM w.{view}")


@pytest.mark.parametrize("table", built_tables())
def test_every_statement_gives_the_columns_of_its_table_with_their_types(
    table: str, google: GoogleSql
) -> None:
    declared = [(c.name, c.type) for c in table_schema(table).columns]
    assert sorted(google.analyze(statement(table))) == sorted(declared)


@pytest.mark.parametrize("view", view_names())
def test_the_types_of_a_views_columns_are_known_without_asking_an_engine(
    view: str, google: GoogleSql
) -> None:
    assert google.analyze(deployed(view)) == list(view_types(view).items())


@pytest.mark.parametrize("table", table_names())
def test_a_tables_ddl_means_to_google_what_it_means_to_us(table: str, google: GoogleSql) -> None:
    assert google.tables[table] == [(c.name, c.type) for c in table_schema(table).columns]


@pytest.mark.parametrize("table", table_names())
def test_clustering_is_by_at_most_four_plain_columns_of_clusterable_types(
    table: str, google: GoogleSql
) -> None:
    """BigQuery's rules; the analyzer does not know them."""
    created = google.accepts(load("tables", table))
    schema = table_schema(table)
    references = created.cluster_by_list or []
    assert all(type(one).__name__ == "ResolvedColumnRef" for one in references), "plain columns"
    assert tuple(one.column.name for one in references) == schema.cluster_by
    assert len(references) <= 4
    assert {type_name(one.column.type) for one in references} <= CLUSTERABLE
    partitions = created.partition_by_list or []
    assert len(partitions) <= 1
    assert bool(partitions) == (schema.partition_column is not None)
    assert not schema.require_partition_filter or partitions


@pytest.fixture(scope="module")
def sent() -> BigQueryWarehouse:
    """A warehouse that is only asked what it would send."""

    def connect(_: str | None) -> Any:
        raise AssertionError("nothing is sent here")

    return BigQueryWarehouse(connect=connect, project=PROJECT, dataset=DATASET)


@pytest.mark.parametrize(("kind", "name"), QUERIES, ids=lambda part: part)
def test_a_query_as_it_is_sent_means_what_its_file_means(
    kind: Any, name: str, google: GoogleSql, sent: BigQueryWarehouse
) -> None:
    """What is sent has passed through sqlglot, and names its tables in full."""
    sql = load(kind, name)
    assert google.analyze(sent.render(sql)) == google.analyze(sql)


@pytest.mark.parametrize("table", ["raw_ai_events", "fact_ai_costs", "dim_dates"])
def test_the_looks_of_a_replacement_are_accepted(table: str, google: GoogleSql) -> None:
    """Of a table with a DATE, with a TIMESTAMP and without days; the stage has its columns."""
    schema = table_schema(table)
    column = schema.partition_column
    inside = f"{column} >= {column}" if column else "TRUE"
    for look in (looked_at(schema, table, inside), counted_by_day(schema, table, inside)):
        ((_, kind),) = google.analyze(look)
        assert kind == "STRING"


@pytest.mark.slow
@pytest.mark.parametrize("view", view_names())
def test_a_view_as_it_is_sent_means_what_its_file_means(
    view: str, google: GoogleSql, sent: BigQueryWarehouse
) -> None:
    schema = view_schema(view)
    statement = sent.view_statement(schema, view_literals(AS_OF, schema))
    assert statement.startswith("CREATE OR REPLACE VIEW")
    assert google.analyze(statement) == google.analyze(deployed(view))
    always = sent.view_statement(schema, view_literals(None, schema))
    assert google.analyze(always) == google.analyze(deployed(view))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT no_such_column FROM dim_users",
        "SELECT 1::INT64 AS a",
        "SELECT list_value(1) AS a",
        "SELECT event_date > event_timestamp AS a FROM raw_ai_events",
        "SELECT CAST(1 AS VARCHAR) AS a",
        "SELECT SUM(user_sk) OVER (PARTITION BY team) FROM dim_users GROUP BY department",
    ],
)
def test_what_only_duckdb_understands_is_refused(sql: str, google: GoogleSql) -> None:
    """Else the tests above would show nothing."""
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        google.analyze(sql)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(sql_root().rglob("*.sql"))
        if path.parent.name not in ("access", "functions", "tables")
    ],
    ids=lambda path: path.stem,
)
def test_every_file_prunes_the_tables_that_require_it(path: Path) -> None:
    assert not list(unfiltered(path.read_text()))


@pytest.mark.slow
def test_every_query_that_a_run_sends_prunes_and_names_its_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements of assets and IO manager, as a run over two days makes them.

    On the BigQuery emulator the same is asked of all that a run sends there, checks included.
    """
    statements: set[str] = set()

    def recorded(sql: str, *args: Any, **options: Any) -> str:
        statements.add(sql)
        return render(sql, *args, **options)

    monkeypatch.setattr(embedded, "render", recorded)
    company = Company(today=AS_OF, anchor=date(2026, 4, 1), people=30, scale=0.2)
    loaded = load_company(tmp_path, company, window(date(2026, 3, 17), AS_OF), checks=False)
    loaded.warehouse.read("fact_ai_costs")
    loaded.warehouse.read("raw_ai_events", loaded.days)
    assert len(statements) > 10
    assert not [place for sql in statements for place in unfiltered(sql)]
    assert not [place for sql in statements for place in zoneless(sql)]


def test_a_table_read_without_its_days_is_noticed() -> None:
    assert list(unfiltered("SELECT event_id FROM raw_ai_events"))
    assert list(
        unfiltered(
            "SELECT u.user_sk FROM dim_users AS u LEFT JOIN fact_ai_costs AS f "
            "ON f.user_sk = u.user_sk AND DATE(f.cost_timestamp) > @start"
        )
    )
    assert list(unfiltered("SET n = (SELECT COUNT(*) FROM `p.d.raw_ai_events`); SELECT n"))
    assert list(unfiltered("BEGIN TRANSACTION; DELETE FROM `p.d.fact_ai_costs` WHERE TRUE"))
    assert list(unfiltered("INSERT INTO x (a) SELECT event_id FROM raw_ai_events"))
    assert not list(unfiltered("SELECT event_id FROM raw_ai_events WHERE event_date = @day"))
    assert not list(
        unfiltered("DELETE FROM `p.d.raw_ai_events` WHERE `event_date` >= @a; SELECT 1 AS x")
    )
