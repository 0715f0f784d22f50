"""Events as old rows, by `write:`: for dual write.

An expression with an aggregate makes one old row of several events: the others are its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa
from sqlglot import exp

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.migration.archived import vendor_days
from ai_usage.migration.description import TableMapping, expression
from ai_usage.warehouse.base import Query, Warehouse

_DAY = timedelta(days=1)
EVENTS = "raw_ai_events"


def rows_of(warehouse: Warehouse, mapping: TableMapping, days: Sequence[date]) -> pa.Table:
    """The vendors' events of the days, and of those beside them, as old rows.

    A local day has events of two UTC days: whoever writes the rows keeps those of the days asked.
    Raises `WarehouseError` where an expression is refused.
    """
    slack = _DAY if mapping.zone != "UTC" else timedelta()
    endpoints = {f"endpoint{n}": name for n, name in enumerate(mapping.endpoints)}
    select = _select(mapping, [f"@{name}" for name in endpoints]).sql("bigquery")
    start, end = min(days) - slack, max(days) + _DAY + slack
    return warehouse.query(
        Query(select, {"start": start, "end": end, "platform_": mapping.platform, **endpoints})
    )


def writable_days(archive: Archive, mapping: TableMapping, window: Window) -> list[date]:
    """The window's days that vendors have answered: for others the old table is what is known.

    A local day needs the UTC days beside it.
    """
    around = Window(window.start - _DAY, window.end + _DAY)
    answered = vendor_days(archive, mapping.replaces, around)
    beside = (-_DAY, _DAY) if mapping.zone != "UTC" else ()
    first, last = mapping.days.first or date.min, mapping.days.last or date.max
    return [
        day
        for day in window.days()
        if first <= day <= last and day in answered and all(day + n in answered for n in beside)
    ]


def _select(
    mapping: TableMapping, endpoints: Sequence[str], columns: Sequence[str] = ()
) -> exp.Select:
    """Old rows from events; with `columns` those that are not written are NULL."""
    written = {name: expression(sql) for name, sql in mapping.write.items()}
    chosen = {name: written.get(name, exp.null()) for name in columns or written}
    select = exp.select(*(exp.alias_(e.copy(), n, quoted=True) for n, e in chosen.items()))
    select = (
        select.from_(EVENTS)
        .where("event_date >= @start AND event_date < @end", dialect="bigquery")
        .where("platform = @platform_", dialect="bigquery")
        .where(f"source_endpoint IN ({', '.join(endpoints)})", dialect="bigquery")
    )
    key = [e.copy() for e in chosen.values() if not e.find(exp.AggFunc)]
    if len(key) < len(chosen):
        select = select.group_by(*(one for one in key if one.find(exp.Column)))
    return select
