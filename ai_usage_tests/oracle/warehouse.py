"""A warehouse that a home holds: its base tables, what follows from them built twice, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from datetime import date
from pathlib import Path

import duckdb

from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage_tests.oracle.bench import BASE, ONE_DAY, Say, monthly
from ai_usage_tests.oracle.compare import Comparison, Difference
from ai_usage_tests.oracle.new import NEW
from ai_usage_tests.oracle.old import OLD

MEMORY = "2GB"


def compare_warehouse(home: Path, names: Collection[str], say: Say) -> list[Difference]:
    """Every difference over the base tables of `home`, a folder or a DuckDB file."""
    path = home / "warehouse.duckdb" if home.is_dir() else home
    if not path.is_file():
        raise SystemExit(f"{path}: no such DuckDB file")
    with (
        tempfile.TemporaryDirectory() as folder,
        Comparison(names, Path(folder) / "oracle.db", say) as comparison,
    ):
        bench = comparison.bench
        bench.connection.execute(f"SET memory_limit = '{MEMORY}'")
        bench.connection.execute(f"ATTACH '{path}' AS home (READ_ONLY)")
        _adopt(bench.connection)
        first, today = _days(bench.connection)
        say(f"{path}: {first} to {today}")
        months = monthly(first, today)
        for side in (OLD, NEW):
            bench.build(side, first, today, months, say)
        found = comparison.tables("tables")
        for start, _end in months:
            found += comparison.closing("closing", start)
        for as_of in (today, today.replace(day=1) - ONE_DAY):
            found += comparison.views("views", as_of, {})
    return found


def _adopt(connection: duckdb.DuckDBPyConnection) -> None:
    """Copy the base tables: columns that are newer than the file are NULL."""
    schemas = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'home'"
    ).fetchall()
    held = {table: schema for schema, table in schemas if table in set(table_names())}
    for name in set(held) - {*NEW.tables(), *OLD.tables()}:
        source = f"home.{held[name]}.{name}"
        described = connection.execute(f"DESCRIBE {source}").fetchall()
        present = {row[0] for row in described}
        columns = ", ".join(c for c in table_schema(name).column_names if c in present)
        connection.execute(f"INSERT INTO {BASE}.{name} BY NAME SELECT {columns} FROM {source}")


def _days(connection: duckdb.DuckDBPyConnection) -> tuple[date, date]:
    row = connection.execute(
        f"SELECT MIN(event_date), MAX(event_date) FROM {BASE}.raw_ai_events"
    ).fetchone()
    if row is None or row[0] is None:
        raise SystemExit("the warehouse holds no events")
    return row[0], row[1]
