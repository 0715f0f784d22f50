"""The checks of fact_ai_usage over a million rows, run inside the engine.

Run: `python -m benchmarks.bench_checks [rows]`. Contract (types, nullability, rules), quality and
unique key, each by itself and all in one query; once over sound rows and once with one row in a
hundred broken, which also costs the counting by rule and day. CPU and wall seconds, median of
three; and the peak memory of all.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ai_usage.days.windows import Window
from ai_usage.quality.asking import judged
from ai_usage.quality.promises import CONTRACT, QUALITY, UNIQUE
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from benchmarks.bench_replace import DAYS, FIRST, TABLE, fill
from benchmarks.stopwatch import median_of

RUNS = 3
WINDOW = Window(FIRST, FIRST + timedelta(days=DAYS + 1))


def measure(what: str, work: Callable[[], object]) -> None:
    spent = median_of(RUNS, work)
    print(f"{what:40} {spent.cpu:6.2f} CPU-s {spent.wall:6.2f} s")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "warehouse.duckdb", "ai_usage")
        fill(warehouse, rows)
        name = f"{warehouse.dataset}.{TABLE}"
        with warehouse.connect() as connection:
            connection.execute(f"UPDATE {name} SET time_sk = 0, platform_sk = 1")

        def checked(*names: str) -> Callable[[], object]:
            def work() -> object:
                return judged(warehouse, {TABLE: names}, WINDOW)

            return work

        for state in ("sound", "one in a hundred broken"):
            print(f"{rows:,} rows, {state}")
            measure("  contract", checked(CONTRACT))
            measure("  quality", checked(QUALITY))
            measure("  unique key", checked(UNIQUE))
            measure("  all of them", checked(CONTRACT, QUALITY, UNIQUE))
            with warehouse.connect() as connection:
                connection.execute(
                    f"UPDATE {name} SET time_sk = -1, platform_sk = 0, "
                    "suggestion_acceptance_rate = 2 WHERE hash(event_id) % 100 = 0"
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
