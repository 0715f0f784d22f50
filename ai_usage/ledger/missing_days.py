"""Days that the archive holds and the warehouse does not: what a rebuild brings back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.old_tables import LEGACY, old_tables
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Warehouse


def archived_days(archive: Archive, vendors: Sequence[Vendor], window: Window) -> set[date]:
    """The days of the window of which any endpoint that reports events has a complete answer.

    Days that were taken from old tables are among them.
    """
    answered = [(v.name, endpoint.name) for v in vendors for endpoint in v.event_endpoints]
    migrated = [(LEGACY, table) for table in old_tables(archive)]
    return {
        day
        for vendor, endpoint in answered + migrated
        for _, days in archive.coverage(vendor, endpoint, window)
        for day in days
    }


def complete_fetches(archive: Archive, vendors: Sequence[Vendor]) -> Iterator[Fetch]:
    """Every complete answer of any such endpoint, oldest first within an endpoint."""
    for vendor in vendors:
        for endpoint in vendor.event_endpoints:
            yield from (f for f in archive.fetches(vendor.name, endpoint.name) if f.complete)


def first_archived_day(archive: Archive, vendors: Sequence[Vendor]) -> date | None:
    """The first day that a complete answer or a load of an old table covers; None without one."""
    loads = (
        fetch
        for table in old_tables(archive)
        for fetch in archive.fetches(LEGACY, table)
        if fetch.complete
    )
    known = chain(complete_fetches(archive, vendors), loads)
    return min((fetch.window.start for fetch in known), default=None)


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
