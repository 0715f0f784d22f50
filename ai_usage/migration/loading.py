"""`migrate load`: old rows into the archive, a month at a time, once.

A range that is there already, from the same table by the same description, is not read again; so a
load that was killed goes on with the range that it was at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import islice

import msgspec

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.old_tables import LEGACY
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.migration.archived import LegacyPage, vendor_days
from ai_usage.migration.description import TableMapping
from ai_usage.migration.reading import ENDPOINT_PREFIX, folded, old_rows
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.vendors.event_ids import with_event_ids
from ai_usage.vendors.rows import RawEvent

PAGE_ROWS = 5_000
"""Rows of a page: what is in memory at once, beside a range's texts."""


@dataclass(frozen=True)
class LoadedRange:
    """A range of an old table that is in the archive now."""

    table: str
    window: Window
    read: int
    """Old rows of its days; 0 where nothing had to be read."""
    repeated: int
    """Of these, rows that are another row again: each counts once."""
    usd: Decimal
    """What the events bill on the days that no vendor has."""
    vendor_days: Sequence[date]
    """Days on which a vendor's own answer wins."""
    there_already: bool
    kept_at: datetime
    """When the archive took it in: no two loads of a table have the same."""

    @property
    def written(self) -> int:
        """Events that are kept."""
        return self.read - self.repeated


def load_table(
    source: Source,
    table: str,
    mapping: TableMapping,
    archive: Archive,
    window: Window,
    now: datetime,
    *,
    again: bool = False,
) -> Iterator[LoadedRange]:
    """Load the days of the window that the description takes, by months; each is kept as it ends.

    `again` reads ranges that are there already. Raises `MigrationError`; the ranges before stay.
    """
    for part in taken(mapping, window).months():
        yield _load(source, table, mapping, archive, part, now, again=again)


def taken(mapping: TableMapping, window: Window) -> Window:
    """The days of the window that the description takes. Raises `MigrationError` for none."""
    first = max(window.start, mapping.days.first or date.min)
    end = window.end
    if mapping.days.last is not None:
        end = min(end, mapping.days.last + timedelta(days=1))
    if end <= first:
        raise MigrationError(f"`days:` takes no day of {window}; put `from:` and `to:` right.")
    return Window(first, end)


def unload(
    table: str, mapping: TableMapping, archive: Archive, window: Window, now: datetime
) -> None:
    """Take the old table's days out again: they are kept, but nothing reads them any more."""
    empty = LegacyPage(mapping.platform, tuple(mapping.replaces), mapping.has_cost, [])
    at = after_what_is_known(archive, table, now)
    with archive.recording(LEGACY, table, window, fetched_at=at) as recorder:
        recorder.add(Page(msgspec.json.encode(empty), f"ai-usage migrate unload {table}"))


def after_what_is_known(archive: Archive, endpoint: str, now: datetime) -> datetime:
    """The instant, later than every record of the old system's endpoint.

    Under a pretended clock two commands share an instant, and which came first must be told.
    """
    known = [fetch.fetched_at for fetch in archive.fetches(LEGACY, endpoint)]
    return max([now, *(at + timedelta(microseconds=1) for at in known)])


def _load(
    source: Source,
    table: str,
    mapping: TableMapping,
    archive: Archive,
    window: Window,
    now: datetime,
    *,
    again: bool,
) -> LoadedRange:
    answered = vendor_days(archive, mapping.replaces, window)
    vendors = [day for day in window.days() if day in answered]
    request = _request(source, table, mapping)
    if not again and (there := _there(archive, table, window, request)):
        return LoadedRange(
            table, window, 0, 0, Decimal(0), vendors, there_already=True, kept_at=there
        )
    told = _Told(answered)
    at = after_what_is_known(archive, table, now)
    with archive.recording(LEGACY, table, window, fetched_at=at) as recorder:
        events = iter(
            with_event_ids(
                mapping.platform,
                f"{ENDPOINT_PREFIX}{table}",
                told.once(source, table, mapping, window),
            )
        )
        some = list(islice(events, PAGE_ROWS))
        while True:
            page = LegacyPage(mapping.platform, tuple(mapping.replaces), mapping.has_cost, some)
            recorder.add(Page(msgspec.json.encode(page), request))
            some = list(islice(events, PAGE_ROWS))
            # A range without rows has a page all the same: it says whose days are empty.
            if not some:
                break
    return LoadedRange(
        table,
        window,
        told.read,
        told.repeated,
        told.usd,
        vendors,
        there_already=False,
        kept_at=at,
    )


class _Told:
    """The events of a range, counted as they pass."""

    def __init__(self, answered: set[date]) -> None:
        self._answered = answered
        self.read = 0
        self.repeated = 0
        self.usd = Decimal(0)

    def once(
        self, source: Source, table: str, mapping: TableMapping, window: Window
    ) -> Iterator[RawEvent]:
        for row in old_rows(source, table, mapping, window):
            self.read += 1
            if row.repeats:
                self.repeated += 1
                continue
            if row.event.event_date not in self._answered:
                self.usd += row.event.cost_usd or Decimal(0)
            yield folded(row.event)


def _request(source: Source, table: str, mapping: TableMapping) -> str:
    """What a load asked: the same table in the same state, by the same description."""
    meaning = sha256(msgspec.json.encode(mapping, order="deterministic")).hexdigest()[:16]
    state = sha256(source.version(table).encode()).hexdigest()[:16]
    return f"ai-usage migrate load {table} of {source.where}, description {meaning}, state {state}"


def _there(archive: Archive, table: str, window: Window, request: str) -> datetime | None:
    """When the window's days were loaded last; None where not all are there, as asked now."""
    serving = archive.coverage(LEGACY, table, window)
    days = sum(len(own) for _, own in serving)
    if days != len(window.days()) or any(_asked(archive, f) != request for f, _ in serving):
        return None
    return max(fetch.fetched_at for fetch, _ in serving)


def _asked(archive: Archive, fetch: Fetch) -> str:
    pages = archive.manifest(fetch).pages
    return pages[0].request if pages else ""
