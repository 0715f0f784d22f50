"""How many CPU-seconds each stage of a whole run takes, and how much memory.

Run: `python -m benchmarks.bench_pipeline [--days 365] [--records 10000]`. A simulated company that
makes so many raw records a day is served by a process of its own; one run of everything, checks
included, in this one. CPU-seconds are this process's (all threads), so the vendors' are not in
them; seconds are wall clock. The set-based SQL from raw events to facts has a line of its own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path

from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch, run_assets
from ai_usage.settings import Settings
from benchmarks.company import environment, last_days, vendors
from benchmarks.stopwatch import Spent, Stopwatch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--records", type=int, default=10_000, help="raw records a day")
    asked = parser.parse_args()
    days = last_days(asked.days)
    with tempfile.TemporaryDirectory() as folder, vendors(asked.records) as url:
        settings = Settings.load(environment(Path(folder), url, days.start))
        defs = build_defs(settings)
        watch = Stopwatch()
        result = run_assets(
            defs, settings, "*", days, refetch=Refetch.nothing(), progress=watch.step
        )
        watch.lap()
        assert result.success, result.errors
        warehouse = warehouse_resource(settings).warehouse()
        size = settings.warehouse_path.stat().st_size / 10**6
        (events,) = warehouse.rows(
            "SELECT COUNT(*) AS n FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    print(f"{asked.days} days, {events['n']:,} raw events, warehouse {size:,.0f} MB")
    print(f"{'stage':40} {'CPU-s':>8} {'seconds':>8}")
    stages = watch.stages
    for stage in sorted(stages, key=lambda name: -stages[name].cpu):
        print(f"{stage:40} {stages[stage].cpu:8.1f} {stages[stage].wall:8.1f}")
    sql = [stages[name] for name in stages if name.startswith("SQL ")]
    for title, all_of in (("all that SQL builds", sql), ("all", list(stages.values()))):
        whole = sum(all_of, Spent())
        print(f"{title:40} {whole.cpu:8.1f} {whole.wall:8.1f}")
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
