"""Days that a table lacks though its source has them, and filling them.

A table that a new version brings is empty in a warehouse that an older one filled. It is filled for
all days there are, closed months too, from what is stored: raw events and facts, which this never
writes. A month is a transaction a table, and the table by which the days are found missing comes
last, so that a run that was killed goes on with the month in which it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby

from ai_usage.days.windows import Window, windows_of
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.building import is_partitioned, windows_of_table
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import tables_read

QueryOf = Callable[[str, Window], Query]
"""The rows of a table for a window."""

Tell = Callable[[str], None]
"""Takes how far the filling of a table is."""


@dataclass(frozen=True)
class Source:
    """What a table is built from: a table, and which of its rows."""

    table: str
    rows: str = "TRUE"


EVERY_DAY: dict[str, tuple[Source, ...]] = {
    "identity_days": (Source("raw_ai_events"),),
    "int_cost_bearers": (Source("raw_ai_events", "cost_usd IS NOT NULL"),),
    "int_spend_to_date": (Source("int_cost_bearers", "user_sk > 0"),),
    "agg_costs_daily": (Source("fact_ai_costs"),),
    "agg_usage_daily": (Source("fact_ai_usage"),),
    "agg_reports_daily": (
        Source(
            "raw_ai_events",
            "(cost_usd IS NOT NULL OR is_charge_unknown OR event_type = 'usage' "
            "AND COALESCE(is_committed, legacy_is_committed(service_tier)))",
        ),
    ),
    "agg_unattributed_daily": (
        Source("fact_ai_costs", "user_sk = 0"),
        Source("fact_ai_usage", "user_sk = 0"),
    ),
    "agg_keys_daily": (
        Source("fact_ai_costs", "api_key_id IS NOT NULL"),
        Source("raw_ai_events", "workspace_id IS NOT NULL AND event_type IN ('usage', 'session')"),
    ),
}
"""Tables with a row on every day on which a source of theirs has one: a day without is one that
they lack.

The tables between a source and one of these have no such rule, and are filled with it.
"""


class Gaps:
    """Which days of a window tables of `EVERY_DAY` lack: asked of all of them in one query.

    Where one lacks rows, their sources are asked of the days without, in another.
    """

    def __init__(
        self, warehouse: Warehouse, within: Window, tables: Sequence[str] = tuple(EVERY_DAY)
    ) -> None:
        self._warehouse = warehouse
        self._days = frozenset(within.days())
        self._tables = tables
        self._asked: dict[Source, set[date]] = {}
        """Of a source, or a table itself, the days that it was asked of."""
        self._held: dict[Source, set[date]] = {}
        """Those of them on which it has rows."""

    def lacked(self, table: str, besides: Sequence[Window] = ()) -> list[Window]:
        """The days that the table lacks, but for those `besides`, in order."""
        own = {day for window in besides for day in window.days()}
        self._ask({Source(name): set(self._days) for name in self._tables})
        without = self._without(table, own)
        if not without:
            return []
        wanted: dict[Source, set[date]] = {}
        for name in self._tables:
            for source in EVERY_DAY[name]:
                wanted.setdefault(source, set()).update(self._without(name, own))
        self._ask(wanted)
        return windows_of(without & self._of_sources(table))

    def filled(self, table: str, windows: Iterable[Window]) -> None:
        """Know that days of a table were filled: what is built from it lacks them from now on."""
        days = {day for window in windows for day in window.days()}
        for source in {Source(table), *self._asked}:
            if source.table == table:
                self._asked.setdefault(source, set()).update(days)
                self._held.setdefault(source, set()).update(days)

    def _without(self, table: str, own: Collection[date]) -> set[date]:
        return set(self._days.difference(own, self._held.get(Source(table), ())))

    def _of_sources(self, table: str) -> set[date]:
        return {day for source in EVERY_DAY[table] for day in self._held.get(source, ())}

    def _ask(self, wanted: Mapping[Source, set[date]]) -> None:
        """Ask which rows there are on days of which that is not known yet."""
        new = {source: days - self._asked.get(source, set()) for source, days in wanted.items()}
        for source, days in new.items():
            self._asked.setdefault(source, set()).update(days)
        asked = {source: windows_of(days) for source, days in new.items() if days}
        for source, held in days_with_rows(self._warehouse, asked).items():
            self._held.setdefault(source, set()).update(held)


def days_with_rows(
    warehouse: Warehouse, wanted: Mapping[Source, Sequence[Window]]
) -> dict[Source, set[date]]:
    """Of each source the days of its windows on which it has rows, all asked in one query.

    Empty for a source whose table is not there; each must have a window.
    """
    held: dict[Source, set[date]] = {source: set() for source in wanted}
    if not wanted:
        return held
    with warehouse.held():
        there = {name for name in {source.table for source in wanted} if warehouse.exists(name)}
        sources = [source for source in wanted if source.table in there]
        if not sources:
            return held
        found = warehouse.query(
            " UNION ALL ".join(
                _days_of(source, wanted[source], place) for place, source in enumerate(sources)
            )
        )
    for place, day in zip(*(found[name].to_pylist() for name in ("place", "day")), strict=True):
        held[sources[place]].add(day)
    return held


def lacking(
    warehouse: Warehouse, table: str, within: Window, besides: Sequence[Window] = ()
) -> list[Window]:
    """The days of the window that a table of `EVERY_DAY` lacks, but for those `besides`, in order.

    Where none lacks, it reads the days of the table, and its sources' of the days without rows.
    """
    return Gaps(warehouse, within, [table]).lacked(table, besides)


def bring_forward(
    warehouse: Warehouse,
    table: str,
    within: Window,
    query_of: QueryOf,
    tell: Tell,
    besides: Sequence[Window] = (),
    gaps: Gaps | None = None,
) -> None:
    """Fill the days of the window that a table lacks, and what it is built from for them.

    Does nothing for a table without an entry in `EVERY_DAY`. Facts are never written. `gaps` knows
    of the same window; whoever fills several tables asks it for all of them at once.
    """
    if table not in EVERY_DAY:
        return
    gaps = gaps or Gaps(warehouse, within, [table])
    months = _by_month(gaps.lacked(table, besides))
    for number, (month, windows) in enumerate(months, 1):
        tell(f"{month:%Y-%m} ({number} of {len(months)})")
        for name in _filled_with(table):
            for window in windows_of_table(warehouse, name, windows):
                warehouse.replace(name, window, query_of(name, window))
        gaps.filled(table, windows)


def complete_sources(
    warehouse: Warehouse, sources: Iterable[str], within: Window, query_of: QueryOf, tell: Tell
) -> None:
    """Make or fill tables, in their order, that others are to be built from without them.

    A run of a part of the graph may be the first of a version. What is there stays as it is.
    """
    for name in sources:
        if is_partitioned(name):
            bring_forward(warehouse, name, within, query_of, tell)
        elif layer_of(name) != "facts" and not warehouse.exists(name):
            warehouse.replace(name, None, query_of(name, within))


@cache
def _filled_with(table: str) -> tuple[str, ...]:
    """The tables that are filled for a day that `table` lacks, in order, itself last."""
    found = {table}
    waiting = [table]
    while waiting:
        read = tables_read(statement(waiting.pop())) & set(built_tables())
        new = {name for name in read - found if _fills_no_day_by_itself(name)}
        found |= new
        waiting += new
    return tuple(name for name in built_tables() if name in found)


def _fills_no_day_by_itself(table: str) -> bool:
    return is_partitioned(table) and layer_of(table) != "facts" and table not in EVERY_DAY


def _by_month(windows: Iterable[Window]) -> list[tuple[date, list[Window]]]:
    days = [day for window in windows for day in window.days()]
    return [
        (month, windows_of(own)) for month, own in groupby(days, key=lambda day: day.replace(day=1))
    ]


def _days_of(source: Source, windows: Sequence[Window], place: int) -> str:
    """The query for the days within the windows on which there are such rows, with the number."""
    schema = table_schema(source.table)
    bounds = [(f"DATE '{window.start}'", f"DATE '{window.end}'") for window in windows]
    within = " OR ".join(f"({schema.days_from(*ends)})" for ends in bounds)
    return (
        f"SELECT DISTINCT {place} AS place, {schema.day_expression} AS day FROM {source.table} "
        f"WHERE ({within}) AND {source.rows}"
    )
