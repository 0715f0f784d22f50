"""`ai-usage rebuild`: the warehouse from the archive, and the note that one is needed."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.progress import run_with_progress
from ai_usage.days.months import month_of
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.instance.partitions import checked_window
from ai_usage.ledger.closing import history
from ai_usage.ledger.missing_days import first_archived_day, lost_months, missing_days
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.text.words import counted, ranges
from ai_usage.vendors.base import discovered_vendors

TABLES_AND_VIEWS = "kind:table or kind:view"
"""All that the warehouse holds, and nothing that asks anybody."""


def rebuild(console: Console, settings: Settings, first: date | None, last: date | None) -> None:
    """Make the warehouse's days from the archive; no vendor, directory or file is asked.

    Without `first` from the first archived day that is a partition, without `last` to today. Closed
    months that the warehouse holds stay as they are; those that it lacks are built from what was
    known when they were closed. Raises `AiUsageError` where the archive holds no answer.
    """
    archive = Archive.of(settings)
    window = _window(settings, archive, first, last)
    warehouse = warehouse_resource(settings).warehouse()
    locked = history(archive).locked(window)
    lost = lost_months(warehouse, locked)
    say(console, f"Rebuilding {counted(len(window.days()), 'day')} ({window}) from the archive.")
    for part in locked:
        month = month_of(part.start)
        what = (
            "is built as it was known when it was closed"
            if month in lost
            else "stays: the warehouse has it"
        )
        say(console, f"{month:%Y-%m} is closed and {what}.")
    run_with_progress(
        console,
        build_defs(settings),
        settings,
        TABLES_AND_VIEWS,
        window,
        Refetch.nothing(),
        leave_closed=True,
        rebuilt=lost,
        command="rebuild",
    )


def _window(settings: Settings, archive: Archive, first: date | None, last: date | None) -> Window:
    held = first_archived_day(archive, discovered_vendors())
    if held is None:
        raise AiUsageError(
            f"{archive.root} holds no vendor's answer, so there is nothing to rebuild from: see "
            "that AI_USAGE_ARCHIVE names the right place, or restore it from a backup; "
            "`ai-usage backfill` asks the vendors."
        )
    if first is None and held < settings.first_day and settings.start_date is None:
        raise AiUsageError(
            f"the archive holds answers from {held} on, before the first partition "
            f"{settings.first_day}: set AI_USAGE_START_DATE to {held:%Y-%m}-01 to rebuild all, or "
            f"begin with --from {settings.first_day}."
        )
    start = first or min(max(held, settings.first_day), last or settings.today)
    return checked_window(settings, start, last or settings.today)


def note_missing_history(console: Console, settings: Settings, window: Window) -> None:
    """Say, before a run of the window, which archived days the warehouse lacks besides.

    A warehouse that cannot be asked now is left to the run, which says why.
    """
    archive, warehouse = Archive.of(settings), warehouse_resource(settings).warehouse()
    vendors, end = discovered_vendors(), settings.today + timedelta(days=1)
    first = settings.first_day
    if settings.start_date is None:
        # Nobody chose the first partition: a new state folder may have forgotten an earlier one.
        first = min(first, first_archived_day(archive, vendors) or first)
    with suppress(WarehouseError):
        missing = missing_days(archive, vendors, warehouse, Window(first, end))
        missing = [day for day in missing if not window.start <= day < window.end]
        if missing:
            say(console, _history_is_missing(missing, settings.first_day))


def _history_is_missing(days: list[date], first_day: date) -> str:
    before = days[0] < first_day
    reach = f"set AI_USAGE_START_DATE to {days[0]:%Y-%m}-01, then " if before else ""
    command = f"`ai-usage rebuild --from {days[0]} --to {days[-1]}`"
    return (
        f"History is missing: the archive holds {counted(len(days), 'day')} ({ranges(days)}) that "
        f"the warehouse does not: {reach}{command} brings them back; no vendor is asked."
    )
