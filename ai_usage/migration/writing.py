"""Events as old rows, by `write:`: for dual write, and for the view that takes an old name.

An expression with an aggregate makes one old row of several events: the others are its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlglot import exp

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.migration.archived import vendor_days
from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.endpoints import of_endpoints
from ai_usage.migration.reading import ENDPOINT_PREFIX
from ai_usage.warehouse.base import Parameters, Query
from ai_usage.warehouse.schema import table_schema

_DAY = timedelta(days=1)
EVENTS = "raw_ai_events"


def query_of(mapping: TableMapping, days: Sequence[date]) -> Query:
    """The vendors' events of the days, and of those beside them, as old rows.

    A local day has events of two UTC days: whoever writes the rows keeps those of the days asked.
    """
    slack = _DAY if mapping.zone != "UTC" else timedelta()
    of_vendor, given = of_endpoints(mapping.platform, mapping.endpoints)
    bound: Parameters = {
        "start": min(days) - slack,
        "end": max(days) + _DAY + slack,
        **given,
    }
    select = _select(mapping, "event_date >= @start AND event_date < @end", of_vendor)
    return Query(select.sql("bigquery"), bound)


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


def view_of(table: str, mapping: TableMapping, columns: Sequence[str]) -> exp.Select:
    """The SELECT over `raw_ai_events` of the view that takes an old table's name.

    Days that no vendor has answered come from what was loaded of the old table itself. Columns that
    are not written are NULL. It reads all days: the table must not be read without saying which.
    """
    endpoints = [*mapping.endpoints, f"{ENDPOINT_PREFIX}{table}"]
    listed = ", ".join(exp.Literal.string(name).sql("bigquery") for name in endpoints)
    platform = exp.Literal.string(mapping.platform).sql("bigquery")
    return _select(
        mapping,
        table_schema(EVENTS).days_from("DATE '1900-01-01'"),
        f"platform = {platform}",
        f"source_endpoint IN ({listed})",
        columns=columns,
    )


def _select(mapping: TableMapping, *conditions: str, columns: Sequence[str] = ()) -> exp.Select:
    """Old rows from events; with `columns` those that are not written are NULL."""
    written = {name: expression(sql) for name, sql in mapping.write.items()}
    chosen = {name: written.get(name, exp.null()) for name in columns or written}
    return old_rows_of(chosen).from_(EVENTS).where(*conditions, dialect="bigquery")


def old_rows_of(written: Mapping[str, exp.Expr], *key: str) -> exp.Select:
    """A SELECT of the expressions by their names; with aggregates by all others and the `key`."""
    selected = [exp.alias_(e.copy(), name, quoted=True) for name, e in written.items()]
    select = exp.select(*key, *selected)
    plain = [e.copy() for e in written.values() if not e.find(exp.AggFunc)]
    if len(plain) == len(written):
        return select
    return select.group_by(*key, *(one for one in plain if one.find(exp.Column)))
