"""All that is promised of speed, in one command; writes `benchmarks/RESULTS.md`.

Run: `make bench`, or `python -m benchmarks.bench [--days 30] [--records 2000] [--people 40]
[--events N] [--runs 3] [--home FOLDER]`. `--events` is a year of 1,000 people with so many raw
events: 3650000 or 36500000, hours of them; Cursor's are then put into the archive beforehand
(`archived`). With `--home` the state stays in a folder, and a run that was stopped goes on there.
A simulated company is fetched and built by one run of everything. Then, over what it built: each
statement, beside a bare DuckDB script with the same rows; the checks of each table; each view,
warm; reading archived pages; and the commands, a run with a new day and one with nothing new among
them. CPU-seconds are of all threads and the figure to compare: seconds depend on what else the
machine does.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch, run_assets
from ai_usage.quality.asking import judged
from ai_usage.quality.promises import promised
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import published_views
from benchmarks import bench_normalise
from benchmarks.archived import archive_events
from benchmarks.bare import Built, compare
from benchmarks.company import PEOPLE, TODAY, company_of, environment, last_days, settled, vendors
from benchmarks.stopwatch import Spent, Stopwatch, median_of
from benchmarks.weekly import WeeklyCompany

RESULTS = Path(__file__).parent / "RESULTS.md"
MAIN = "from ai_usage.cli.app import main; main()"
DEFINITIONS = (
    "from ai_usage.orchestration.definitions import build_defs; "
    "from ai_usage.settings import Settings; build_defs(Settings.load())"
)
PACKAGES = ("dagster", "duckdb", "ibis-framework", "pandera", "pyarrow", "sqlglot")
PEOPLE_OF_A_YEAR = 1_000
NOTHING_NEW = "ai-usage run, nothing new"
COMMANDS: Mapping[str, Sequence[str]] = {
    NOTHING_NEW: (MAIN, "run"),
    "ai-usage query, a small answer": (MAIN, "query", "SELECT month FROM vw_executive_dashboard"),
    "ai-usage --help": (MAIN, "--help"),
    "imports and building the definitions": (DEFINITIONS,),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--records", type=int, default=2_000, help="raw records a day")
    parser.add_argument("--people", type=int, help="how many the company has")
    parser.add_argument("--events", type=int, help="raw events of a whole year, instead")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is told")
    parser.add_argument("--home", type=Path, help="keep the state in this folder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    number = 365 if asked.events else asked.days
    records = asked.events // number if asked.events else asked.records
    people = asked.people or (PEOPLE_OF_A_YEAR if asked.events else PEOPLE)
    # A day more is told of in each of the runs with a new day.
    newest = TODAY - timedelta(days=asked.runs)
    days = last_days(number, newest)
    kept = nullcontext(asked.home) if asked.home else tempfile.TemporaryDirectory()
    weekly = bool(asked.events)
    with kept as folder, vendors(records, people, weekly=weekly) as url:
        named = environment(Path(folder).absolute(), url, days.start, newest, people)
        if weekly:
            _archive(Settings.load(named), people, records, days)
        lines = list(measured(named, days, asked.runs))
    asked.results.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {asked.results}")


def _archive(settings: Settings, people: int, records: int, days: Window) -> None:
    """Put Cursor's events of a year into the archive, those that are not there yet."""
    company = company_of(people, records, weekly=True)
    assert isinstance(company, WeeklyCompany)
    archive_events(company, Archive.of(settings), settled(days), settings.now)


def measured(named: Mapping[str, str], days: Window, runs: int) -> Iterator[str]:
    """The lines of the report, as they are measured."""
    settings = Settings.load(named)
    defs, watch = build_defs(settings), Stopwatch()
    result = run_assets(defs, settings, "*", days, refetch=Refetch.nothing(), progress=watch.step)
    watch.lap()
    assert result.success, result.errors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    warehouse = warehouse_resource(settings).warehouse()
    assert isinstance(warehouse, DuckDBWarehouse)
    (size,) = warehouse.rows(
        "SELECT COUNT(*) AS events, COUNT(DISTINCT user_email) AS people FROM raw_ai_events "
        "WHERE event_date >= DATE '1900-01-01'"
    )
    yield "# Results of `make bench`"
    yield ""
    yield (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {machine()}. Python "
        f"{platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + "."
    )
    yield ""
    yield (
        f"{len(days.days())} days of a simulated company, {size['events']:,} raw events, "
        f"{size['people']:,} people; DuckDB has {warehouse.memory_limit / 10**6:,.0f} MB, the file "
        f"{settings.warehouse_path.stat().st_size / 10**6:,.0f} MB, the archive "
        f"{_size(Path(settings.archive_root)) / 10**6:,.0f} MB. One run of everything: peak "
        f"memory {peak:,.0f} MB. Elsewhere medians of {runs}. CPU-seconds are of all threads."
    )
    yield from _of_run(watch.stages)
    built = list(compare(warehouse, days, runs))
    yield from _of_statements(built)
    bare = sum((table.bare for table in built), Spent())
    yield from _of_checks(warehouse, days, runs, bare)
    yield from _of_views(warehouse, runs)
    yield from _of_reading()
    yield from _of_commands(named, settings, runs)


def machine() -> str:
    """Processor, cores and memory."""
    models = (
        {
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        }
        if Path("/proc/cpuinfo").exists()
        else set()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 10**9
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    name = ", ".join(sorted(models)) or platform.machine()
    return f"{os.cpu_count()} cores ({name}), {memory:.0f} GB of memory, load {load}"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A section with a table, numbers to the right."""
    yield from ("", f"## {title}", "")
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' ---: |' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _of_run(stages: Mapping[str, Spent]) -> Iterator[str]:
    rows = sorted(stages.items(), key=lambda item: -item[1].cpu)
    rows.append(("all", sum(stages.values(), Spent())))
    yield from table(
        "One run of everything",
        ("stage", "CPU-s", "seconds"),
        [(stage, f"{spent.cpu:.2f}", f"{spent.wall:.2f}") for stage, spent in rows],
    )


def _of_statements(built: Sequence[Built]) -> Iterator[str]:
    whole = Built(
        "all",
        sum(one.rows for one in built),
        sum((one.product for one in built), Spent()),
        sum((one.bare for one in built), Spent()),
    )
    yield from table(
        "Statements beside a bare DuckDB script with equal rows",
        ("table", "rows", "product, CPU-s", "bare, CPU-s", "ratio"),
        [
            (
                one.table,
                f"{one.rows:,}",
                f"{one.product.cpu:.2f}",
                f"{one.bare.cpu:.2f}",
                f"{one.product.cpu / one.bare.cpu:.2f}" if one.bare.cpu else "",
            )
            for one in (*built, whole)
        ],
    )


def _of_checks(
    warehouse: DuckDBWarehouse, days: Window, runs: int, statements: Spent
) -> Iterator[str]:
    def ask(name: str) -> None:
        window = days if table_schema(name).partition_column else None
        found = judged(warehouse, {name: promised(name)}, window)[name]
        assert all(check.whole.passed for check in found.values() if name.startswith("fact_"))

    there = [name for name in table_names() if warehouse.exists(name)]
    taken = {name: median_of(runs, lambda: ask(name)) for name in there}  # noqa: B023
    whole = sum(taken.values(), Spent())
    rows = [(n, f"{s.cpu:.2f}", "") for n, s in sorted(taken.items(), key=lambda i: -i[1].cpu)[:8]]
    share = f"{whole.cpu / statements.cpu:.0%}"
    yield from table(
        "Contract, quality, unique key and foreign keys, a query a table",
        ("table", "CPU-s", "of the statements"),
        [*rows, (f"all {len(taken)} tables", f"{whole.cpu:.2f}", share)],
    )


def _of_views(warehouse: DuckDBWarehouse, runs: int) -> Iterator[str]:
    rows = []
    for view in published_views():
        count = warehouse.query(f"SELECT * FROM {view}").num_rows
        spent = median_of(runs, lambda: warehouse.query(f"SELECT * FROM {view}"))  # noqa: B023
        rows.append((view, f"{count:,}", f"{spent.cpu * 1000:.0f}", f"{spent.wall * 1000:.0f}"))
    head = ("view", "rows", "CPU-ms", "ms")
    yield from table("Views, warm, all of their rows", head, rows)


def _of_reading() -> Iterator[str]:
    head = ("endpoint", "records", "records a CPU-second")
    rows = [(name, f"{count:,}", f"{rate:,.0f}") for name, count, rate in bench_normalise.rates()]
    yield from table("Archived pages to typed events", head, rows)


def _of_commands(named: Mapping[str, str], settings: Settings, runs: int) -> Iterator[str]:
    log = settings.home / "dagster"
    rows = []

    def measure(title: str, commands: Sequence[tuple[Mapping[str, str], Sequence[str]]]) -> None:
        before, events = _size(log), _events_kept(log)
        taken = [_command(environ, arguments) for environ, arguments in commands]
        grown = (_size(log) - before) / len(taken) / 10**6
        written = (_events_kept(log) - events) / len(taken) / 10**6
        middle = [statistics.median(clock) for clock in zip(*map(astuple, taken), strict=True)]
        rows.append((title, *(f"{number:.2f}" for number in (*middle, written, grown))))

    since = settings.today
    days = [since + timedelta(days=number) for number in range(1, runs + 1)]
    dated = [{**named, "AI_USAGE_AS_OF": day.isoformat()} for day in days]
    measure("ai-usage run, one new day", [(each, (MAIN, "run")) for each in dated])
    for title, arguments in COMMANDS.items():
        measure(title, [(dated[-1], arguments)] * runs)
    head = ("command", "CPU-s", "seconds", "MB of events", "MB more of Dagster's state")
    yield from table("Commands", head, rows)


def _command(named: Mapping[str, str], arguments: Sequence[str]) -> Spent:
    def clocks() -> Spent:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Spent(used.ru_utime + used.ru_stime, datetime.now(UTC).timestamp())

    began = clocks()
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", *arguments],
        env={**os.environ, **named},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return clocks() - began


def _events_kept(log: Path) -> int:
    """Bytes of all events that Dagster keeps."""
    with closing(sqlite3.connect(log / "event_log.db")) as connection:
        found = connection.execute("SELECT SUM(LENGTH(event)) FROM event_logs").fetchone()
    return int(found[0] or 0)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
