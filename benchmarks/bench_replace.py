"""One day replaced in a fact of 3.5 million rows: ours against two transactions from pandas.

Run: `python -m benchmarks.bench_replace [rows]`. The other way is that of the stock DuckDB pandas
IO managers, written out here: delete and commit, then insert the frame by position and commit,
nothing checked. CPU milliseconds of this process, median of five after one to warm up.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import TableSchema, table_schema

RUNS = 5
DAYS = 350
FIRST = date(2025, 1, 1)
DAY = FIRST + timedelta(days=200)
TABLE = "fact_ai_usage"

_VALUES = {
    "STRING": "'model-' || (n % 12)",
    "INT64": "n % 1000",
    "FLOAT64": "(n % 100) / 100.0::DOUBLE",
    "NUMERIC": "CAST(n % 100 AS DECIMAL(38, 9))",
    "BOOL": "n % 2 = 0",
    "TIMESTAMP": f"TIMESTAMPTZ '{FIRST} 12:00:00+00' + INTERVAL 1 DAY * (n // per_day)",
}


def made_up(schema: TableSchema, rows: int) -> str:
    """SQL for that many rows, spread evenly over the days in order."""
    columns = ", ".join(
        f"{'md5(n::VARCHAR)' if c.name == 'event_id' else _VALUES[c.type]} AS {c.name}"
        for c in schema.columns
    )
    return (
        f"SELECT {columns} FROM (SELECT range AS n, {rows // DAYS} AS per_day FROM range({rows}))"
    )


def fill(warehouse: DuckDBWarehouse, rows: int) -> pa.Table:
    """Fill the fact; the rows of one day come back."""
    schema = table_schema(TABLE)
    warehouse.ensure_table(TABLE)
    with warehouse.connect() as connection:
        connection.execute(f"INSERT INTO {warehouse.dataset}.{TABLE} {made_up(schema, rows)}")
    return warehouse.read(TABLE, Window.day(DAY)).cast(
        pa.schema([pa.field(c.name, c.arrow_type) for c in schema.columns])
    )


def stock_style(path: Path, dataset: str, frame: pd.DataFrame) -> None:
    """Delete, commit, insert by position, commit."""
    connection = duckdb.connect(str(path))
    connection.execute(
        f"DELETE FROM {dataset}.{TABLE} WHERE event_timestamp >= '{DAY}' "
        f"AND event_timestamp < '{DAY + timedelta(days=1)}'"
    )
    connection.execute(f"INSERT INTO {dataset}.{TABLE} SELECT * FROM frame")
    connection.close()


def measure(what: str, work: Callable[[], object]) -> None:
    times = []
    work()
    for _ in range(RUNS):
        before = time.process_time()
        work()
        times.append((time.process_time() - before) * 1000)
    print(f"{what:58} {statistics.median(times):7.0f} CPU-ms")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "warehouse.duckdb", "ai_usage")
        day = fill(warehouse, rows)
        window = Window.day(DAY)
        print(f"{rows:,} rows, {len(day):,} of them on the day")
        measure("replace, rows from Arrow", lambda: warehouse.replace(TABLE, window, day))
        query = Query(
            f"SELECT * FROM {TABLE} WHERE event_timestamp >= @start AND event_timestamp < @end",
            {"start": window.start_at, "end": window.end_at},
        )
        measure("replace, rows from a query", lambda: warehouse.replace(TABLE, window, query))
        frame = day.to_pandas()
        measure(
            "two transactions, rows from pandas",
            lambda: stock_style(warehouse.path, warehouse.dataset, frame),
        )
        measure("for scale: the day's rows from Arrow to pandas", day.to_pandas)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_500_000)
