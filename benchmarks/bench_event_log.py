"""What an event costs in Dagster's own SQLite event log and in the pooled one.

Run: `python -m benchmarks.bench_event_log [events]`. CPU and wall milliseconds an event, one
transaction each as in a run; median of five.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

import dagster as dg

from ai_usage.instance.dagster_private import ConsolidatedSqliteEventLogStorage
from ai_usage.instance.event_log import PooledSqliteEventLogStorage

RUNS = 5


def measure(storage_class: type[ConsolidatedSqliteEventLogStorage], events: int) -> None:
    cpu, wall = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            storage = storage_class(folder)
            storage.store_event(_event(-1))
            before = time.process_time(), time.perf_counter()
            for n in range(events):
                storage.store_event(_event(n))
            cpu.append((time.process_time() - before[0]) / events * 1000)
            wall.append((time.perf_counter() - before[1]) / events * 1000)
            storage.dispose()
    print(
        f"{storage_class.__name__:36} {statistics.median(cpu):6.2f} CPU-ms "
        f"{statistics.median(wall):6.2f} ms an event"
    )


def _event(n: int) -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None,
        level=20,
        user_message=f"event {n}",
        run_id="11111111-2222-3333-4444-555555555555",
        timestamp=float(n),
        job_name="job",
        dagster_event=None,
    )


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for each in (ConsolidatedSqliteEventLogStorage, PooledSqliteEventLogStorage):
        measure(each, number)
