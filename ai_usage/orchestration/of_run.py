"""What the steps of a run know of each other, in the process that the run is in.

Each question costs a second on BigQuery: what an earlier step wrote or was told is not asked again.
Whoever finds nothing here asks, and a run in another process begins with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.quality.outcome import Validation
from ai_usage.warehouse.base import Query, Replaced, Warehouse
from ai_usage.warehouse.filling import Gaps
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import tables_read

_T = TypeVar("_T")


@dataclass
class OfRun:
    """A run's knowledge: what it wrote, and what it was told since it last wrote."""

    run_id: str
    days: dict[str, dict[date, int]] = field(default_factory=dict)
    """Rows of each day that it wrote, by table; of all days of its windows."""
    whole: dict[str, int] = field(default_factory=dict)
    """Rows of the tables that it wrote as a whole."""
    told: dict[Hashable, Any] = field(default_factory=dict)
    gaps: dict[Window, Gaps] = field(default_factory=dict)
    """What rollups lack besides the run's own days, by the window in which they were looked for."""
    to_judge: dict[str, Window | None] = field(default_factory=dict)
    """Tables that it wrote and nobody judged yet, and the days that each was to be of."""
    judged: dict[str, Mapping[str, Validation]] = field(default_factory=dict)
    """What was found of tables whose checks have not told it yet."""
    read: dict[str, pa.Table] = field(default_factory=dict)
    """Rows of whole views, by the SELECT that was asked since it wrote what they are made of."""

    def wrote(
        self,
        table: str,
        done: Sequence[tuple[Window | None, Replaced]],
        of: Window | None = None,
    ) -> None:
        """Know what replacements did, of a run of these days; what was told is true no more."""
        self.told.clear()
        self.read = {sql: rows for sql, rows in self.read.items() if table not in tables_read(sql)}
        self.judged.pop(table, None)
        self.to_judge[table] = of
        for window, replaced in done:
            if window is None:
                self.whole[table] = replaced.rows
                continue
            rows = self.days.setdefault(table, {})
            for day in window.days():
                counted = replaced.days.get(day)
                rows[day] = counted.rows if counted is not None else 0

    @property
    def written(self) -> frozenset[str]:
        """The tables that it wrote."""
        return frozenset({*self.days, *self.whole})

    def once(self, key: Hashable, ask: Callable[[], _T]) -> _T:
        """The answer to a question, which is asked where it was not since the run last wrote."""
        if key not in self.told:
            self.told[key] = ask()
        found: _T = self.told[key]
        return found

    def gaps_of(self, warehouse: Warehouse, within: Window) -> Gaps:
        """The days of a window that rollups lack, asked of all of them at once."""
        return self.gaps.setdefault(within, Gaps(warehouse, within))

    def rows(self, warehouse: Warehouse, table: str, window: Window | None) -> int:
        """How many rows a table has in a window of days; None: in all."""
        if window is None:
            known = self.whole.get(table)
        else:
            days = self.days.get(table, {})
            of_window = [days.get(day) for day in window.days()]
            known = sum(n for n in of_window if n is not None) if None not in of_window else None
        if known is not None:
            return known
        return self.once(("rows", table, window), lambda: _counted(warehouse, table, window))


_newest = OfRun("")


def of_run(run_id: str) -> OfRun:
    """What is known of the run; that of another run is forgotten."""
    global _newest
    if _newest.run_id != run_id:
        _newest = OfRun(run_id)
    return _newest


def _counted(warehouse: Warehouse, table: str, window: Window | None) -> int:
    if window is None:
        counted = Query(f"SELECT COUNT(*) AS n FROM {table}")
    else:
        inside = table_schema(table).days_from("@start", "@end")
        counted = Query(
            f"SELECT COUNT(*) AS n FROM {table} WHERE {inside}",
            {"start": window.start, "end": window.end},
        )
    return int(next(warehouse.rows(counted))["n"])
