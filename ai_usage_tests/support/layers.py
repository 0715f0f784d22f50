"""The tables that SQL builds, built in a test's own DuckDB from what the test filled in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import duckdb

from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.sql import render
from ai_usage.warehouse.views import tables_read, view_schema, views_read


def create_tables(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Every table of the product, empty, in one schema of the engine."""
    connection.execute(f"CREATE SCHEMA {schema}")
    for name in table_names():
        columns = ", ".join(
            f"{c.name} {c.duckdb_type}{'' if c.nullable else ' NOT NULL'}"
            for c in table_schema(name).columns
        )
        connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")


def create_view(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    view: str,
    as_of: date | None,
    **parameters: int | str,
) -> None:
    """The view under its own name, seen from `as_of`; what it reads must be there."""
    declared = view_schema(view)
    literals = {"as_of": as_of, **declared.defaults, **parameters}
    query = render(declared.query, "duckdb", dataset=schema, literals=literals)
    columns = ", ".join(declared.column_names)
    connection.execute(f"CREATE OR REPLACE VIEW {schema}.{view} ({columns}) AS {query}")


def build_layers(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    today: date,
    *,
    wanted: Collection[str] | None = None,
    given: Collection[str] = (),
) -> list[str]:
    """Build the tables that follow from others, for all days there are, in order.

    `wanted` are the tables to build, with all that they need (None: every one); tables `given` by
    the test stay as they are. Gives the names of those built.
    """
    needed = _needed(frozenset(wanted), frozenset(given)) if wanted is not None else None
    first, last = _days(connection, schema)
    bound = {
        "start": first or today,
        "end": max(last or today, today) + timedelta(days=1),
        "month_start": (first or today).replace(day=1),
        "today": today,
        "run_id": "test",
    }
    built = []
    for name in built_tables():
        if name in given or (needed is not None and name not in needed):
            continue
        for view in views_read(statement(name)):
            create_view(connection, schema, view, today)
        asked = {p: bound[p] for p in statement_parameters(name)}
        query = _rendered(name, schema, tuple(sorted(asked.items())))
        connection.execute(f"DELETE FROM {schema}.{name}")
        connection.execute(f"INSERT INTO {schema}.{name} BY NAME {query}")
        built.append(name)
    return built


@cache
def _rendered(table: str, schema: str, bound: tuple[tuple[str, Any], ...]) -> str:
    return render(statement(table), "duckdb", dataset=schema, literals=dict(bound))


@cache
def _needed(wanted: frozenset[str], given: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name for name in wanted if name not in given]
    while waiting:
        name = waiting.pop()
        if name in found or name in given or name not in built_tables():
            continue
        found.add(name)
        waiting += tables_read(statement(name))
    return frozenset(found)


def derived_tables(sql: str) -> frozenset[str]:
    """The tables built by SQL that a query reads, also through views."""
    return tables_read(sql) & frozenset(built_tables())


_DAYS: Mapping[str, Iterable[str]] = {
    "raw_ai_events": ("event_date",),
    "raw_invoices": ("period_from", "period_to"),
    "loaded_days": ("day",),
    "fact_ai_costs": ("CAST(cost_timestamp AS DATE)",),
    "fact_ai_usage": ("CAST(event_timestamp AS DATE)",),
}


def _days(connection: duckdb.DuckDBPyConnection, schema: str) -> tuple[date | None, date | None]:
    """The first and the last day that any table names."""
    days = " UNION ALL ".join(
        f"SELECT min({day}) AS a, max({day}) AS z FROM {schema}.{table}"
        for table, columns in _DAYS.items()
        for day in columns
        if relations()[table] == "table"
    )
    found = connection.execute(f"SELECT min(a)::DATE, max(z)::DATE FROM ({days})").fetchone()
    return (found[0], found[1]) if found else (None, None)
