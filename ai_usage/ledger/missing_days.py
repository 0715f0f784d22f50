"""Days that the archive holds and the warehouse does not: what a rebuild brings back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.old_tables import LEGACY, old_tables
from ai_usage.days.months import month_of
from ai_usage.days.windows import Window
from ai_usage.focus.shelf import BILLS
from ai_usage.focus.shelf import VENDOR as BILLS_OF
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.filling import Source, days_with_rows


def archived_days(archive: Archive, vendors: Sequence[Vendor], window: Window) -> set[date]:
    """The days of the window of which any report of events, or a bill, is held whole.

    Days that were taken from old tables are among them.
    """
    return {
        day
        for vendor, endpoint in [*_of_vendors(vendors), *_of_others(archive)]
        for _, days in archive.coverage(vendor, endpoint, window)
        for day in days
    }


def complete_fetches(archive: Archive, vendors: Sequence[Vendor]) -> Iterator[Fetch]:
    """Every complete answer of any endpoint that reports events, oldest first within one."""
    return _complete(archive, _of_vendors(vendors))


def first_archived_day(archive: Archive, vendors: Sequence[Vendor]) -> date | None:
    """The first day that a report, a bill or a load of an old table covers; None without one."""
    found = _complete(archive, [*_of_vendors(vendors), *_of_others(archive)])
    return min((fetch.window.start for fetch in found), default=None)


def _of_vendors(vendors: Sequence[Vendor]) -> list[tuple[str, str]]:
    return [(vendor.name, e.name) for vendor in vendors for e in vendor.event_endpoints]


def _of_others(archive: Archive) -> list[tuple[str, str]]:
    """What else the archive has events of: other vendors' bills, and old tables."""
    return [(BILLS_OF, BILLS), *((LEGACY, table) for table in old_tables(archive))]


def _complete(archive: Archive, reports: Sequence[tuple[str, str]]) -> Iterator[Fetch]:
    for vendor, endpoint in reports:
        yield from (fetch for fetch in archive.fetches(vendor, endpoint) if fetch.complete)


def loaded_in(warehouse: Warehouse) -> set[date]:
    """The days that were built from answers; none in an empty warehouse."""
    for table, day in (("loaded_days", "day"), ("raw_ai_events", "event_date")):
        # A warehouse of an older version knows days by their events alone.
        if warehouse.exists(table):
            sql = f"SELECT DISTINCT {day} AS day FROM {table} WHERE {day} >= DATE '1900-01-01'"
            return {row["day"] for row in warehouse.rows(sql)}
    return set()


def missing_days(
    archive: Archive, vendors: Sequence[Vendor], warehouse: Warehouse, window: Window
) -> list[date]:
    """The days of the window that the archive holds and the warehouse was never built for."""
    held = archived_days(archive, vendors, window)
    return sorted(held - loaded_in(warehouse)) if held else []


_EVENTS = "raw_ai_events"
_FACTS = {
    "fact_ai_costs": "cost_usd IS NOT NULL",
    "fact_ai_usage": "event_type IN ('usage', 'session')",
}
"""Tables of facts, and the raw events of which each has something on every day."""


def lost_months(warehouse: Warehouse, closed: Sequence[Window]) -> list[date]:
    """The closed months that the warehouse does not hold, by their first days.

    Nothing of them is loaded, or of events and facts there are not both: a build was killed in
    between, or a table was dropped. `closed` are days of a month each.
    """
    if not closed:
        return []
    loaded = loaded_in(warehouse)
    there = all(warehouse.exists(table) for table in (_EVENTS, *_FACTS))
    pairs = [(Source(_EVENTS, events), Source(table)) for table, events in _FACTS.items()]
    found = days_with_rows(warehouse, {source: closed for pair in pairs for source in pair})

    def agree(days: Sequence[date]) -> bool:
        """Whether there are facts where there are events of which they are made, and only there."""
        return all(
            found[events].isdisjoint(days) == found[facts].isdisjoint(days)
            for events, facts in pairs
        )

    return [
        month_of(part.start)
        for part in closed
        if not there or loaded.isdisjoint(part.days()) or not agree(part.days())
    ]
