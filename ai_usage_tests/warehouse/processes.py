"""What other processes do to a warehouse's file in the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import ByDays, Parameters, Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.warehouse.rows import arrow, raw, selected

TABLE = "raw_ai_events"
ROWS = 300


def start(command: str, path: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start another process on the file; its output is piped."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", __name__, command, str(path), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def version_of(day: date, version: int, rows: int = ROWS) -> Any:
    """A day's rows that all carry the version."""
    return arrow(TABLE, [raw(day, (day, version, n), lines_added=version) for n in range(rows)])


def _write(warehouse: DuckDBWarehouse, day: date, versions: int) -> None:
    prepared = [version_of(day, version) for version in range(1, versions + 1)]
    for rows in prepared:
        warehouse.replace(TABLE, Window.day(day), rows)
    print("written", flush=True)  # noqa: T201


def _alternate(warehouse: DuckDBWarehouse, day: date, rows: int) -> None:
    prepared = [version_of(day, version, rows) for version in (1, 2)]
    print("ready", flush=True)  # noqa: T201
    while True:
        for new in prepared:
            warehouse.replace(TABLE, Window.day(day), new)


def _read(warehouse: DuckDBWarehouse, reads: int) -> None:
    """Print what every read saw of each day: rows, and how many versions."""
    sql = (
        f"SELECT event_date, COUNT(*) AS n, COUNT(DISTINCT lines_added) AS versions "
        f"FROM {TABLE} WHERE event_date > DATE '1900-01-01' GROUP BY 1 ORDER BY 1"
    )
    for _ in range(reads):
        for row in warehouse.rows(Query(sql)):
            print(row["event_date"], row["n"], row["versions"], flush=True)  # noqa: T201
        time.sleep(0.02)


def _hold(warehouse: DuckDBWarehouse, seconds: float) -> None:
    with warehouse.connect():
        print("holding", flush=True)  # noqa: T201
        time.sleep(seconds)


class _Dying:
    """A connection that kills its process after a replacement's first statement of that kind."""

    def __init__(self, connection: Any, after: str) -> None:
        self._connection, self._after, self._begun = connection, after, False

    def execute(self, sql: str, *arguments: Any) -> Any:
        done = self._connection.execute(sql, *arguments)
        self._begun = self._begun or sql.startswith("DELETE")
        if self._begun and sql.startswith(self._after):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _die(warehouse: DuckDBWarehouse, day: date, rows: str, after: str) -> None:
    opened = warehouse.connect

    @contextmanager
    def connect(*, read_only: bool = False) -> Iterator[Any]:
        with opened(read_only=read_only) as connection:
            yield _Dying(connection, after)

    warehouse.connect = connect  # type: ignore[method-assign]
    version = selected(TABLE, raw(day, "", lines_added=2), event_id="CAST(n AS STRING)")
    third = ROWS // 3

    def a_third(month: Window) -> Parameters:
        number = month.start.month
        return {"first": third * (number - 1), "last": third * number - 1}

    quarter = Window(date(2026, 1, 1), date(2026, 4, 1))
    sql = f"{version} FROM UNNEST(GENERATE_ARRAY(@first, @last)) AS n"
    by_query = Query(sql, a_third(quarter), ByDays(quarter, a_third))
    warehouse.replace(TABLE, Window.day(day), by_query if rows == "query" else version_of(day, 2))
    print("survived", flush=True)  # noqa: T201


def main(command: str, path: str, *arguments: str) -> None:
    """Do what the command says."""
    warehouse = DuckDBWarehouse(Path(path), "ai_usage", lock_timeout_seconds=60)
    if command == "read":
        _read(warehouse, int(arguments[0]))
    elif command == "hold":
        _hold(warehouse, float(arguments[0]))
    else:
        day = date.fromisoformat(arguments[0])
        if command == "die":
            _die(warehouse, day, *arguments[1:])
        else:
            {"write": _write, "alternate": _alternate}[command](warehouse, day, int(arguments[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
