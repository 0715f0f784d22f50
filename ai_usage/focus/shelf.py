"""Bills in the archive: kept whole, one fetch a bill, and the newest of each account and period.

A fetch's first page is the bill's `Head`, the others are its lines as they came. The fetch's window
is the billing period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from ai_usage.archive.archive import Archive, Fetch, Recorder
from ai_usage.archive.pages import Page
from ai_usage.errors import ArchiveError
from ai_usage.focus.bills import Bill, BillKey, Head, charges_of
from ai_usage.focus.charges import Record
from ai_usage.focus.files import FocusFile

VENDOR, BILLS = "focus", "bills"
"""The archive's name for bills of other vendors."""
LINES_A_PAGE = 2000


class Lines(msgspec.Struct, frozen=True):
    """Lines of one file of a bill, and their numbers in it."""

    file: str
    numbers: tuple[int, ...]
    records: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class HeldBill:
    """A bill that the archive holds."""

    head: Head
    fetch: Fetch

    @property
    def key(self) -> BillKey:
        """What it is the newest of."""
        return BillKey(self.head.account, self.fetch.window)


def keep(archive: Archive, bills: Sequence[Bill], now: datetime) -> list[Fetch]:
    """Archive bills as imports made `now` (UTC), each in the place of the one before it.

    Reads their files once, whatever bills are in them. Raises `ArchiveError`, and
    `ImportRefusedError` where a file cannot be read any more.
    """
    latest = max((fetch.fetched_at for fetch in archive.fetches(VENDOR, BILLS)), default=None)
    # The newest bill counts, and a pretended clock stands still.
    at = now if latest is None else max(now, latest + timedelta(microseconds=1))
    writers: dict[BillKey, _Writer] = {}
    with ExitStack() as stack:
        for bill in bills:
            recorder = stack.enter_context(
                archive.recording(VENDOR, BILLS, bill.key.period, fetched_at=at, origin="import")
            )
            at += timedelta(microseconds=1)
            recorder.add(Page(msgspec.json.encode(bill.head), f"import {bill.names}"))
            writers[bill.key] = _Writer(recorder)
        for file in dict.fromkeys(file for bill in bills for file in bill.files):
            for number, charge in charges_of(file):
                writer = writers.get(BillKey(charge.account, charge.period))
                if writer is not None:
                    writer.add(file, number, charge.record)
            for writer in writers.values():
                writer.flush()
    return [w.recorder.fetch for w in writers.values() if w.recorder.fetch is not None]


def newest_bills(archive: Archive) -> list[HeldBill]:
    """The newest bill of every account and period, by account and period. Raises `ArchiveError`."""
    found: dict[BillKey, HeldBill] = {}
    for fetch in archive.fetches(VENDOR, BILLS):
        if fetch.complete:
            bill = HeldBill(_head(archive, fetch), fetch)
            found[bill.key] = bill
    return [found[key] for key in sorted(found)]


def lines_of(archive: Archive, bill: HeldBill) -> Iterator[tuple[str, Record]]:
    """The bill's lines, each with its place as a person finds it: `march.csv#17`."""
    pages = archive.pages(bill.fetch)
    next(pages, None)
    for page in pages:
        lines = msgspec.json.decode(page, type=Lines)
        for number, record in zip(lines.numbers, lines.records, strict=True):
            yield f"{lines.file}#{number}", record


def _head(archive: Archive, fetch: Fetch) -> Head:
    page = next(archive.pages(fetch), b"")
    try:
        return msgspec.json.decode(page, type=Head)
    except msgspec.MsgspecError as error:
        raise ArchiveError(
            f"{fetch.path} names a bill that cannot be read ({error}): delete it and import the "
            "bill again."
        ) from error


@dataclass
class _Writer:
    """Collects a bill's lines to pages."""

    recorder: Recorder
    _file: str = ""
    _numbers: list[int] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)

    def add(self, file: FocusFile, number: int, record: Record) -> None:
        """Take a line; pages hold lines of one file."""
        self._file = file.shown
        self._numbers.append(number)
        self._records.append(record)
        if len(self._records) >= LINES_A_PAGE:
            self.flush()

    def flush(self) -> None:
        """Write what is collected."""
        if self._records:
            records = tuple(dict(record) for record in self._records)
            lines = Lines(self._file, tuple(self._numbers), records)
            self.recorder.add(Page(msgspec.json.encode(lines), self._file))
        self._numbers, self._records = [], []
