"""How many CPU-seconds each stage of a whole run takes, and how much memory.

Run: `python -m benchmarks.bench_pipeline [--days 365] [--records 10000]`. A simulated company that
makes so many raw records a day is served by a process of its own; one run of everything, checks
included, in this one. CPU-seconds are this process's (all threads), so the vendors' are not in
them; seconds are wall clock. The set-based SQL from raw events to facts has a line of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ai_usage.days.windows import Window
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch, Step, run_assets
from ai_usage.settings import Settings
from ai_usage.simulator import (
    ANTHROPIC_KEY,
    CURSOR_KEY,
    Company,
    serve,
    write_reference_files,
)
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import view_names

TODAY = date(2026, 3, 18)
CURSOR_EVENTS_A_DAY = 167
OTHER_RECORDS_A_DAY = 107
"""What the default company makes on average, weekends included, at scale 1."""


def scale_for(records: int) -> float:
    """The scale at which the company makes about so many records a day."""
    return max(records - OTHER_RECORDS_A_DAY, 1) / CURSOR_EVENTS_A_DAY


def _serve(scale: float, url: Connection, stop: Connection) -> None:
    with serve(Company(today=TODAY, scale=scale)) as base_url:
        url.send(base_url)
        stop.recv()


@contextmanager
def vendors(scale: float) -> Iterator[str]:
    """The simulated vendors in a process of their own, and their URL."""
    context = multiprocessing.get_context("spawn")
    url, url_end = context.Pipe(duplex=False)
    stop_end, stop = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(scale, url_end, stop_end), daemon=True)
    process.start()
    try:
        yield url.recv()
    finally:
        stop.send(None)
        process.join(10)


def stage_of(step: str) -> str:
    """Which line of the table a step belongs to: an asset's own, or the checks'."""
    if step.startswith("source_"):
        return "fetch (sources)"
    if step == "raw_ai_events":
        return "normalise, score, write raw_ai_events"
    if step in built_tables():
        return f"SQL {layer_of(step)}: {step}"
    if step in view_names():
        return "views"
    if step in table_names():
        return "other tables"
    return "reference files" if step.startswith("reference_") else "checks"


class Stopwatch:
    """CPU-seconds and seconds of each stage, from the run's own progress."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self._begun = (0.0, 0.0)

    def step(self, step: Step) -> None:
        """Steps run one after the other, in this process."""
        now = (time.process_time(), time.perf_counter())
        if step.state == "started":
            self._begun = now
        elif step.state in ("done", "failed", "skipped"):
            self.cpu[stage_of(step.name)] += now[0] - self._begun[0]
            self.wall[stage_of(step.name)] += now[1] - self._begun[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--records", type=int, default=10_000, help="raw records a day")
    asked = parser.parse_args()
    days = Window(TODAY - timedelta(days=asked.days - 1), TODAY + timedelta(days=1))
    scale = scale_for(asked.records)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder, vendors(scale) as url:
        home = Path(folder)
        settings = Settings.load(
            {
                "AI_USAGE_ENV_FILE": str(home / "no.env"),
                "AI_USAGE_HOME": folder,
                "AI_USAGE_AS_OF": TODAY.isoformat(),
                "AI_USAGE_START_DATE": days.start.isoformat(),
                "CURSOR_API_KEY": CURSOR_KEY,
                "CURSOR_BASE_URL": f"{url}/cursor",
                "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
                "ANTHROPIC_BASE_URL": f"{url}/anthropic",
            }
        )
        write_reference_files(Company(today=TODAY), settings.reference_path)
        began = (time.process_time(), time.perf_counter())
        result = run_assets(
            build_defs(settings),
            settings,
            "*",
            days,
            refetch=Refetch.nothing(),
            progress=watch.step,
        )
        cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
        assert result.success, result.errors
        warehouse = warehouse_resource(settings).warehouse()
        size = settings.warehouse_path.stat().st_size / 10**6
        (events,) = warehouse.rows(
            "SELECT COUNT(*) AS n FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    print(f"{asked.days} days, {events['n']:,} raw events, warehouse {size:,.0f} MB")
    print(f"{'stage':40} {'CPU-s':>8} {'seconds':>8}")
    for stage in sorted(watch.cpu, key=lambda name: -watch.cpu[name]):
        print(f"{stage:40} {watch.cpu[stage]:8.1f} {watch.wall[stage]:8.1f}")
    rest = (cpu - sum(watch.cpu.values()), wall - sum(watch.wall.values()))
    print(f"{'between the steps (Dagster)':40} {rest[0]:8.1f} {rest[1]:8.1f}")
    print(f"{'all':40} {cpu:8.1f} {wall:8.1f}")
    sql = [name for name in watch.cpu if name.startswith("SQL ")]
    print(
        f"{'all that SQL builds':40} {sum(watch.cpu[n] for n in sql):8.1f} "
        f"{sum(watch.wall[n] for n in sql):8.1f}"
    )
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
