"""From vendor to archive, and from archive to rows: what every endpoint has in common.

Which days to ask for and which to normalise is decided here; what to ask and what an answer means
is the vendor module's. Nothing here knows a warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import cast

import msgspec

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError, VendorError
from ai_usage.text.words import counted, ranges
from ai_usage.vendors.base import Endpoint, ReadContext, Vendor
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.event_columns import EventColumns, gathered
from ai_usage.vendors.event_ids import EventIds, with_event_ids
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.promises import PagesShiftedError, Paging
from ai_usage.vendors.line_files import LineFolder
from ai_usage.vendors.pace import FetchProgress
from ai_usage.vendors.rows import LeftOut, RawEvent, Row

PASSES = 3
"""How often a window is read from its start when its pages shift meanwhile."""


@dataclass
class DaySaid:
    """What an answer says of a day: records, and the US dollars that they bill."""

    records: int = 0
    usd: Decimal = Decimal(0)


@dataclass
class FetchReport:
    """What `fetch_window` did: UTC days, counts of pages, and their bytes as JSON."""

    vendor: str
    endpoint: str
    window: Window
    fetched_days: list[date] = field(default_factory=list)
    held_days: list[date] = field(default_factory=list)
    """Not asked: a complete answer from after they settled is in the archive."""
    skipped_days: list[date] = field(default_factory=list)
    """Not askable: after today, or (snapshots) any day but today."""
    pages: int = 0
    new_pages: int = 0
    bytes: int = 0
    records: int = 0
    """Events, people, keys … that the pages hold of the days asked for, as far as they are read."""
    usd: Decimal = Decimal(0)
    """What the events bill, US dollars; what a vendor says twice counts twice."""
    by_day: dict[date, DaySaid] = field(default_factory=dict)
    """The same of each day that events were fetched of."""
    fetches: list[Fetch] = field(default_factory=list)

    def __str__(self) -> str:
        """What was fetched, as one line for a person; what was not, stands in `skipped`."""
        if not self.fetched_days:
            return "nothing to ask for"
        new = "" if self.new_pages == self.pages else f" ({self.new_pages} new)"
        dollars = f", {self.usd:,.2f} US dollars" if self.usd else ""
        return (
            f"{counted(len(self.fetched_days), 'day')} ({ranges(self.fetched_days)}), "
            f"{counted(self.pages, 'page')}{new}, {counted(self.records, 'record')}{dollars}"
        )

    def skipped(self) -> Iterator[str]:
        """Which days were not asked for, and why; a line each."""
        if self.held_days:
            yield (
                f"{counted(len(self.held_days), 'day')} ({ranges(self.held_days)}) not asked for: "
                "the archive holds the final answer"
            )
        if self.skipped_days:
            yield (
                f"{counted(len(self.skipped_days), 'day')} ({ranges(self.skipped_days)}) not asked "
                "for: only today can be, and no day to come"
            )


@dataclass
class _Tally:
    """What the pages of one attempt hold of the days asked for."""

    window: Window
    records: int = 0
    usd: Decimal = Decimal(0)
    by_day: dict[date, DaySaid] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one row; what is left out is none."""
        if isinstance(row, LeftOut):
            return
        if isinstance(row, RawEvent):
            if not self.window.start <= row.event_date < self.window.end:
                return
            self.usd += row.cost_usd or 0
            of_day = self.by_day.setdefault(row.event_date, DaySaid())
            of_day.records += 1
            of_day.usd += row.cost_usd or 0
        self.records += 1


def fetch_window(
    vendor: Vendor,
    endpoint: Endpoint,
    window: Window,
    *,
    client: VendorClient | LineFolder,
    archive: Archive,
    now: datetime,
    refetch: bool = False,
    progress: Callable[[FetchProgress], None] = lambda progress: None,
) -> FetchReport:
    """Bring the window's days into the archive, in as few requests as the vendor's limits allow.

    Days that are held are not asked again unless `refetch`. `now` is the current UTC instant: no
    day after it is asked, and a snapshot only for its day. Every chunk is a fetch of its own in
    the archive; when one fails, the earlier ones stay, the error goes on. `progress` is told after
    each of them.
    Raises `VendorError`, `ArchiveError`.
    """
    now = now.astimezone(UTC)
    today = now.date()
    report = FetchReport(vendor.name, endpoint.name, window)
    held: set[date] = set()
    if not refetch:
        held = archive.held(vendor.name, endpoint.name, window, endpoint.finalization_lag)
    for day in window.days():
        if day > today or (endpoint.kind == "snapshot" and day != today):
            report.skipped_days.append(day)
        elif day in held:
            report.held_days.append(day)
        else:
            report.fetched_days.append(day)
    started, done = time.monotonic(), 0
    for chunk in _chunks(report.fetched_days, endpoint.max_days):
        _fetch_chunk(vendor, endpoint, chunk, client, archive, now, report)
        done += len(chunk.days())
        progress(
            FetchProgress(
                days_done=done,
                days=len(report.fetched_days),
                requests=report.pages,
                seconds=time.monotonic() - started,
                per_minute=client.requests_per_minute(endpoint.name),
            )
        )
    return report


def _fetch_chunk(
    vendor: Vendor,
    endpoint: Endpoint,
    chunk: Window,
    client: VendorClient | LineFolder,
    archive: Archive,
    now: datetime,
    report: FetchReport,
) -> None:
    """One chunk, from its start again when its pages shift; each attempt leaves its manifest."""
    for last_pass in (False,) * (PASSES - 1) + (True,):
        try:
            tally = _Tally(chunk)
            with archive.recording(vendor.name, endpoint.name, chunk, fetched_at=now) as recorder:
                said = DayDigests(endpoint, ReadContext(chunk), tally.add)
                if isinstance(client, LineFolder):
                    asked = client.gathered(vendor, endpoint, chunk, archive)
                else:
                    asked = endpoint.fetch(client, chunk, now)
                for page in _readable(vendor, endpoint, chunk, asked, tally.add):
                    said.add(recorder.add(page), is_clean=page.text is page.body)
                recorder.days = said.days
        except PagesShiftedError:
            if last_pass:
                raise
            continue
        report.pages += len(recorder.pages)
        report.new_pages += recorder.new_pages
        report.bytes += recorder.bytes
        report.records += tally.records
        report.usd += tally.usd
        report.by_day.update(tally.by_day)
        if recorder.fetch is not None:
            report.fetches.append(recorder.fetch)
        return


def _readable(
    vendor: Vendor,
    endpoint: Endpoint,
    chunk: Window,
    pages: Iterator[Page],
    seen: Callable[[Row], None],
) -> Iterator[Page]:
    """The pages; a snapshot's must prove readable before they count as its day's answer.

    A report's records are flagged one by one where they cannot be read, and asked for again. So
    are a directory's, but an answer without one that can be read is of another shape altogether. A
    snapshot is of its day alone, and every later run folds it: it would fail them all for ever.
    """
    bodies: list[bytes] = []
    try:
        for page in pages:
            if endpoint.kind == "snapshot":
                bodies.append(page.body)
            yield page
    except UNREADABLE as error:
        raise Paging(vendor.name, endpoint.name, f"{chunk}").unreadable(error) from None
    if endpoint.kind == "range":
        return
    try:
        for row in _something(endpoint.read(bodies, ReadContext(chunk))):
            seen(row)
    except UNREADABLE as error:
        raise VendorError(
            f"{vendor.name} {endpoint.name} {chunk}: a record has another shape than documented "
            f"({error}). Nothing of it is used; the last good answer stays."
        ) from None


def _something(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows; raises `msgspec.ValidationError` where a list has records and none can be read."""
    odd: LeftOut | None = None
    read = False
    for row in rows:
        if not isinstance(row, LeftOut):
            read = True
        elif row.why == "odd" and row.columns is None:
            odd = odd or row
        yield row
    if odd is not None and not read:
        raise msgspec.ValidationError(f"{odd.who}: {odd.what}")


class DayDigests:
    """Of each day that an answer has events of, a digest of its records in any order.

    Two answers that give a day one digest say the same of it, however their pages were cut: the
    vendors' windows move on by a day every day.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        context: ReadContext,
        seen: Callable[[RawEvent], None] = lambda event: None,
    ) -> None:
        """`seen` is told of every event."""
        self._endpoint = endpoint
        self._seen = seen
        self._context = context
        self._unit = f"{context.amount_unit}:".encode()
        self._sums: dict[date, int] | None = {} if endpoint.yields is RawEvent else None

    def add(self, page: bytes, *, is_clean: bool = False) -> None:
        """Count a page's records; `is_clean` where its text is known to be decodable."""
        if self._sums is None:
            return
        read = self._endpoint.read_clean if is_clean else self._endpoint.read
        sums = self._sums
        try:
            for event in cast(Iterator[RawEvent], read([page], self._context)):
                self._seen(event)
                record = (event.raw_response or repr(event)).encode()
                number = int.from_bytes(sha256(self._unit + record).digest(), "big")
                sums[event.event_date] = (sums.get(event.event_date, 0) + number) % 2**256
        except Exception:
            self._sums = None

    @property
    def days(self) -> dict[date, str] | None:
        """By day. None where the pages cannot be read, or hold no events.

        What an answer means must not fail its fetch.
        """
        if self._sums is None:
            return None
        return {day: f"{total:064x}" for day, total in sorted(self._sums.items())}


def digests_by_day(
    endpoint: Endpoint, pages: Iterable[bytes], context: ReadContext
) -> dict[date, str] | None:
    """The digests of an archived answer. See `DayDigests`."""
    said = DayDigests(endpoint, context)
    for page in pages:
        said.add(page)
    return said.days


def _chunks(days: list[date], most: int) -> list[Window]:
    """Runs of consecutive days, cut to the vendor's longest window."""
    runs: list[Window] = []
    for day in days:
        if runs and runs[-1].end == day:
            runs[-1] = Window(runs[-1].start, day + timedelta(days=1))
        else:
            runs.append(Window.day(day))
    return [chunk for run in runs for chunk in run.chunks(most)]


@dataclass
class Reading:
    """One fetch's part of a window: the days it serves and their rows, read as they are taken.

    `rows` can be taken once. `outside` counts, once they are taken, the rows that the answer holds
    for days that the fetch did not ask for: they are left aside, another fetch is asked for them.
    """

    fetch: Fetch
    days: list[date]
    finalization_lag: timedelta
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    outside: int = 0

    def is_provisional(self, day: date) -> bool:
        """Whether the vendor may still have changed `day` after this fetch."""
        return not self.fetch.settled(day, self.finalization_lag)


def read_rows(
    vendor: Vendor, endpoint: Endpoint, window: Window, archive: Archive
) -> Iterator[Reading]:
    """The window's rows from the newest complete fetch of every day, a page in memory at a time.

    Events carry their `event_id`, and only events of the days that their fetch serves are given.
    A day that no complete fetch covers is in no `Reading`: the caller must not take it for empty.
    Raises `ArchiveError` where a page is missing or damaged.
    """
    for fetch, days in archive.coverage(vendor.name, endpoint.name, window):
        yield reading_of(vendor, endpoint, archive, fetch, days)


def reading_of(
    vendor: Vendor, endpoint: Endpoint, archive: Archive, fetch: Fetch, days: list[date]
) -> Reading:
    """A fetch's rows of these days of its window. See `read_rows`."""
    reading = Reading(fetch, days, endpoint.finalization_lag)
    reading.rows = _rows(vendor, endpoint, archive, reading)
    return reading


def read_fetch(vendor: Vendor, endpoint: Endpoint, archive: Archive, fetch: Fetch) -> Iterator[Row]:
    """All that a fetch's pages hold, a page in memory at a time; events have no id yet.

    Raises `ArchiveError` where a page is missing, damaged or of an unknown shape.
    """
    manifest = archive.manifest(fetch)
    name = ""

    def pages() -> Iterator[bytes]:
        nonlocal name
        for stored, page in zip(manifest.pages, archive.pages(fetch), strict=True):
            name = stored.sha256
            yield page

    with _of_known_shape(vendor, endpoint, fetch):
        context = ReadContext(fetch.window, manifest.amount_unit)
        for row in _something(endpoint.read(pages(), context)):
            # Readers of events take a page when they have given all rows of the one before.
            if isinstance(row, RawEvent) and row.record is not None:
                row.archive_page = f"{name}#{row.record}"
            yield row


def event_columns(
    vendor: Vendor, endpoint: Endpoint, archive: Archive, reading: Reading
) -> Iterator[EventColumns]:
    """What a reading's `rows` are, of an endpoint of events, by column; taken in their place.

    Raises `ArchiveError` as `read_fetch`.
    """
    if endpoint.columns is None:
        yield from gathered(cast(Iterator[RawEvent], reading.rows))
        return
    fetch, served = reading.fetch, set(reading.days)
    manifest = archive.manifest(fetch)
    context = ReadContext(fetch.window, manifest.amount_unit)
    ids = EventIds(vendor.name, endpoint.name)
    with _of_known_shape(vendor, endpoint, fetch):
        for stored, page in zip(manifest.pages, archive.pages(fetch), strict=True):
            found = endpoint.columns(page, context)
            where = [f"{stored.sha256}#{record}" for record in found.values("record")]
            named = {"event_id": list(ids.of(found.values("identity"))), "archive_page": where}
            yield EventColumns({**found.each, **named}, found.shared).of_days(served)


@contextmanager
def _of_known_shape(vendor: Vendor, endpoint: Endpoint, fetch: Fetch) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise ArchiveError(
            f"{vendor.name} {endpoint.name} {fetch.window}: the archived answer of "
            f"{fetch.fetched_at:%Y-%m-%d %H:%M} UTC has a shape that cannot be read ({error}). "
            "Fetch it again."
        ) from error


def _rows(vendor: Vendor, endpoint: Endpoint, archive: Archive, reading: Reading) -> Iterator[Row]:
    rows = read_fetch(vendor, endpoint, archive, reading.fetch)
    if endpoint.yields is RawEvent:
        return _events(vendor, endpoint, cast(Iterator[RawEvent], rows), reading)
    return rows


def _events(
    vendor: Vendor, endpoint: Endpoint, events: Iterator[RawEvent], reading: Reading
) -> Iterator[RawEvent]:
    served = set(reading.days)
    asked = set(reading.fetch.window.days())
    # Ids first: an ordinal counts among all equals of a day, whichever days are served.
    for event in with_event_ids(vendor.name, endpoint.name, events):
        if event.event_date in served:
            yield event
        elif event.event_date not in asked:
            reading.outside += 1
