"""`ai-usage archive verify`: what the archive has lost, what is damaged, and what fixes each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.archive.old_tables import LEGACY, NO_TABLES
from ai_usage.archive.verifying import Fault, unanswered, verify
from ai_usage.cli.harmless import say
from ai_usage.cli.progress import SILENCE_SECONDS
from ai_usage.days.windows import Window, windows_of
from ai_usage.directories import DIRECTORIES
from ai_usage.errors import ArchiveError, WarehouseError
from ai_usage.ledger.closing import CLOSES, history
from ai_usage.migration.archived import stood_for
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.reference import VENDOR
from ai_usage.settings import Settings
from ai_usage.text.words import counted, ranges
from ai_usage.vendors.base import Endpoint, discovered_vendors

_SAID = {
    "lost": "page lost",
    "damaged": "page damaged",
    "manifest": "manifest damaged",
}


def verify_archive(console: Console, settings: Settings) -> bool:
    """Read every page and manifest; print what is wrong and what fixes it. True if nothing is.

    Raises `ArchiveError` where the archive cannot be listed.
    """
    archive = Archive.of(settings)
    found = verify(archive, _progress(console))
    for fault in found.faults:
        console.print(
            f"{_SAID[fault.kind]}: {fault.path}", style="red", markup=False, soft_wrap=True
        )
        for line in _described(archive, fault):
            say(console, f"    {line}")
    gone = unanswered(archive, _answered(archive, settings))
    for (vendor, endpoint), days in gone.items():
        line = f"answers lost: {vendor} {endpoint}, {counted(len(days), 'day')} ({ranges(days)})"
        console.print(line, style="red", markup=False, soft_wrap=True)
        say(console, "    the warehouse was built from answers that the archive has no more")
        for remedy in _ask_again(archive, vendor, endpoint, days):
            say(console, f"    {remedy}")
    if found.unnamed:
        say(
            console,
            f"note: {counted(found.unnamed, 'page')} that no fetch names: of fetches that were "
            "stopped, or whose manifest is lost. They harm nothing.",
        )
    wrong = len(found.faults) + len(gone)
    say(
        console,
        f"{counted(found.fetches, 'fetch', 'fetches')}, {counted(found.pages, 'page')}, "
        f"{found.bytes:,} bytes read: " + (f"{counted(wrong, 'fault')}" if wrong else "all sound"),
    )
    return not wrong


def _progress(console: Console) -> Callable[[str, int, int], None]:
    spoken = time.monotonic()

    def told(endpoint: str, done: int, pages: int) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= SILENCE_SECONDS:
            say(console, f"  {endpoint}: {done:,} of {counted(pages, 'page')}")
            spoken = time.monotonic()

    return told


def _described(archive: Archive, fault: Fault) -> Iterator[str]:
    newest = max(fetch.fetched_at for fetch in fault.fetches)
    needed = counted(len(fault.fetches), "fetch", "fetches")
    yield (f"of {fault.vendor} {fault.endpoint}, {needed}, the last of {newest:%Y-%m-%d %H:%M} UTC")
    yield "restore the file from a backup; if there is none:"
    if fault.vendor == CLOSES:
        month = f"{fault.fetches[-1].window.start:%Y-%m}"
        yield f"`ai-usage close {month} --reopen`, then close it again: its totals are gone"
    elif fault.vendor == VENDOR:
        yield (
            "`ai-usage run` keeps what the file says today; what closed months were built from "
            "may be gone"
        )
    elif fault.vendor == LEGACY and fault.endpoint in NO_TABLES:
        yield "what was done then in the migration is gone; `ai-usage migrate status` has the rest"
    elif fault.vendor == LEGACY and fault.days:
        for window in windows_of(fault.days):
            yield (
                f"`ai-usage migrate load --from {window.start} --to {max(window.days())} --again "
                f"--table {fault.endpoint}`, while the old table is there"
            )
    elif not fault.days:
        yield (
            "nothing needs it: later answers, or none, tell its days; `ai-usage changes` does not "
            "compare it"
        )
    elif fault.is_import:
        yield f"import the saved answers of {ranges(fault.days)} again: `ai-usage import FILE`"
        yield from _ask_again(archive, fault.vendor, fault.endpoint, fault.days)
    else:
        yield from _ask_again(archive, fault.vendor, fault.endpoint, fault.days)
    if fault.kind == "manifest" and fault.days:
        yield "then delete the file"


def _ask_again(
    archive: Archive, vendor: str, endpoint: str, days: list[date] | tuple[date, ...]
) -> Iterator[str]:
    """The commands that bring the days' answers again, as far as anybody can be asked for them."""
    known = _endpoint(vendor, endpoint)
    if known is None:
        if vendor in {directory.name for directory in DIRECTORIES}:
            yield "a directory can only be asked for today: `ai-usage run` does; the past is gone"
        return
    if known.kind == "snapshot":
        yield f"only today can be asked for: `ai-usage run` does; {ranges(list(days))} is gone"
        return
    locked = history(archive)
    for window in windows_of(days):
        last = max(window.days())
        closed = " --closed" if locked.locked(window) else ""
        yield (
            f"`ai-usage backfill --from {window.start} --to {last} --refetch{closed} "
            f'--select "source_{vendor}_{endpoint}"`'
        )
    yield "then `ai-usage rebuild` of the same days"


def _endpoint(vendor: str, endpoint: str) -> Endpoint | None:
    for known in discovered_vendors():
        if known.name == vendor:
            with suppress(KeyError):
                return known.endpoint(endpoint)
    return None


def _answered(archive: Archive, settings: Settings) -> Iterator[tuple[str, str, date]]:
    """What the warehouse was built from and a vendor has answered: old tables stand for the rest.

    Where their own rows are damaged, that is a fault by itself.
    """
    loaded = [*_loaded(settings)]
    if not loaded:
        return
    days = [day for _, _, day in loaded]
    old: set[tuple[str, str, date]] = set()
    with suppress(ArchiveError):
        old = stood_for(archive, Window(min(days), Window.day(max(days)).end))
    yield from (one for one in loaded if one not in old)


def _loaded(settings: Settings) -> Iterator[tuple[str, str, date]]:
    """What the warehouse was built from, if there is one that can be asked."""
    warehouse = warehouse_resource(settings).warehouse()
    with suppress(WarehouseError):
        if warehouse.exists("loaded_days"):
            for row in warehouse.rows(_LOADED):
                yield row["platform"], row["source_endpoint"], row["day"]


_LOADED = """
SELECT platform, source_endpoint, day
FROM loaded_days
WHERE day >= DATE '1900-01-01' AND platform != '*'
"""
