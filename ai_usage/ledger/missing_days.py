"""Days that the archive holds and the warehouse does not: what a rebuild brings back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.base import Warehouse


def archived_days(archive: Archive, vendors: Sequence[Vendor], window: Window) -> set[date]:
    """The days of the window of which any endpoint that reports events has a complete answer."""
    return {
        day
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is RawEvent
        for _, days in archive.coverage(vendor.name, endpoint.name, window)
        for day in days
    }


def first_archived_day(archive: Archive, vendors: Sequence[Vendor]) -> date | None:
    """The first day that a complete answer of any such endpoint covers; None without one."""
    starts = [
        fetch.window.start
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is RawEvent
        for fetch in archive.fetches(vendor.name, endpoint.name)
        if fetch.complete
    ]
    return min(starts, default=None)


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
