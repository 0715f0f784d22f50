"""Every statement that builds a table, by the product and by a bare DuckDB script, side by side.

The script is what somebody would write by hand: the same statement, month by month, into a table of
its own, in one connection with the same memory. The rows of both are compared; what the product
takes more is the price of checking the new rows and of replacing the old ones in a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.building import is_partitioned, query_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.sql import render
from benchmarks.company import TODAY
from benchmarks.stopwatch import Spent, median_of

_SCHEMA = "bare"


@dataclass(frozen=True)
class Built:
    """A table: how many rows it has, and what building it takes either way."""

    table: str
    rows: int
    product: Spent
    bare: Spent


def compare(warehouse: DuckDBWarehouse, days: Window, runs: int) -> Iterator[Built]:
    """Build each table both ways, those that others read first.

    Raises AssertionError where the rows of the two are not the same.
    """
    for table in built_tables():
        window = days if is_partitioned(table) else None
        query = query_of(table, days, "bench", TODAY)
        product = median_of(runs, lambda: warehouse.replace(table, window, query))  # noqa: B023
        bare = median_of(runs, lambda: _build(warehouse, table, query))  # noqa: B023
        yield Built(table, _equal_rows(warehouse, table, window), product, bare)


def _build(warehouse: DuckDBWarehouse, table: str, query: Query) -> None:
    sql = render(
        query.sql,
        "duckdb",
        dataset=warehouse.dataset,
        internal_dataset=warehouse.internal_dataset,
    )
    with warehouse.connect() as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        into = f"CREATE OR REPLACE TABLE {_SCHEMA}.{table} AS"
        for part in warehouse.parts_of(connection, query):
            connection.execute(f"{into} {sql}", dict(part) or None)
            into = f"INSERT INTO {_SCHEMA}.{table} BY NAME"


def _equal_rows(warehouse: DuckDBWarehouse, table: str, window: Window | None) -> int:
    """The rows of a table, which are those of the script's; the script's table is dropped."""
    name = f"{warehouse.dataset_of(table)}.{table}"
    with warehouse.connect() as connection:
        columns = [row[:2] for row in connection.execute(f"DESCRIBE {name}").fetchall()]
        listed = ", ".join(f'CAST("{c}" AS {type_}) AS "{c}"' for c, type_ in columns)
        ours, theirs = (
            _fingerprint(connection, f"SELECT {listed} FROM {source}")
            for source in (name, f"{_SCHEMA}.{table}")
        )
        assert ours == theirs, f"{table}: the product has other rows than the script"
        connection.execute(f"DROP TABLE {_SCHEMA}.{table}")
    return ours[0]


def _fingerprint(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, int]:
    """How many rows there are, and a sum over their hashes, whatever their order."""
    found = connection.execute(
        f"SELECT count(*), sum(hash(r)::HUGEINT) FROM ({rows}) AS r"
    ).fetchone()
    return (found[0], found[1] or 0) if found else (0, 0)
