"""What the gate looks at, measured: comparisons, coverage, how quick and how fresh."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median
from typing import Any

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import history
from ai_usage.migration.accuracy import Accuracy
from ai_usage.migration.comparing import Comparison, compare_table
from ai_usage.migration.description import Description, old_query
from ai_usage.migration.gate import Approval, Evidence, Latency
from ai_usage.migration.log import entries
from ai_usage.migration.opening import open_old
from ai_usage.migration.sources import Source
from ai_usage.migration.states import Entry, state_of
from ai_usage.warehouse.base import Query, Warehouse

TIMES = 11
"""How often a view and an old query are read; of so few the slowest is the 95th percentile."""
_RECENT = timedelta(days=3)

_COVERAGE = """
SELECT
  SAFE_DIVIDE(
    CAST(SUM(IF(user_sk != 0, total_cost_usd, 0)) AS FLOAT64),
    CAST(SUM(total_cost_usd) AS FLOAT64)
  ) AS share
FROM agg_costs_daily
WHERE date >= @start AND date < @end
"""

_FRESHEST = """
SELECT MIN(newest) AS freshest
FROM (
  SELECT platform, source_endpoint, MAX(ingest_timestamp) AS newest
  FROM loaded_days
  WHERE day >= @start AND day < @end AND platform != '*'
  GROUP BY platform, source_endpoint
) AS by_endpoint
"""
"""The endpoint that is furthest behind tells how fresh the whole is."""


def measure(
    description: Description,
    archive: Archive,
    warehouse: Warehouse,
    window: Window,
    views: Sequence[str],
    now: datetime,
    approval: Approval | None = None,
) -> Evidence:
    """Everything that the gate looks at. Nothing is written.

    Raises `MigrationError` where the old tables cannot be read, `WarehouseError` where the
    warehouse refuses.
    """
    kept = entries(archive)
    source = open_old(description.source, state_of(kept), warehouse)
    return Evidence(
        comparisons=compare_all(description, source, warehouse, window),
        coverage=_one(warehouse, _COVERAGE, "share", window),
        accuracy=confirmed_accuracy(kept),
        latencies={
            view: _latency(warehouse, view, source, description.old_queries.get(view))
            for view in views
        },
        freshest=_one(warehouse, _FRESHEST, "freshest", _recent(now)),
        entries=kept,
        history=history(archive),
        now=now,
        approval=approval,
    )


def compare_all(
    description: Description, source: Source, warehouse: Warehouse, window: Window
) -> list[Comparison]:
    """Every described table that takes a day of the window."""
    return [
        compare_table(source, table, mapping, warehouse, window)
        for table, mapping in description.tables.items()
        if mapping.takes_any(window)
    ]


def confirmed_accuracy(kept: Sequence[Entry]) -> Accuracy | None:
    """What people confirmed last; None where nobody has confirmed anything."""
    for entry in reversed(kept):
        if entry.step == "confirm":
            counts: Mapping[str, str] = entry.details
            return Accuracy(*(int(counts[name]) for name in ("right", "answered", "shown")))
    return None


def seconds(read: Callable[[], object], times: int = TIMES) -> tuple[float, float]:
    """Median and 95th percentile of how long something takes, by nearest rank."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        read()
        taken.append(time.perf_counter() - started)
    return median(taken), percentile(taken, 0.95)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    return sorted(values)[ceil(share * len(values)) - 1]


def _latency(warehouse: Warehouse, view: str, source: Source, old: str | None) -> Latency:
    new_median, new_p95 = seconds(lambda: warehouse.query(f"SELECT * FROM {view}").num_rows)
    if old is None:
        return Latency(new_median, new_p95)
    statement = old_query(old)
    old_median, old_p95 = seconds(lambda: sum(1 for _ in source.rows(statement)))
    return Latency(new_median, new_p95, old_median, old_p95)


def _recent(now: datetime) -> Window:
    today: date = now.date()
    return Window(today - _RECENT, today + timedelta(days=1))


def _one(warehouse: Warehouse, sql: str, column: str, window: Window) -> Any:
    bound = {"start": window.start, "end": window.end}
    rows = list(warehouse.rows(Query(sql, bound)))
    return rows[0][column] if rows else None
