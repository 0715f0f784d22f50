"""Which bills of the archive are in the facts: a bill that came later rebuilds its own days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.focus.shelf import VENDOR, HeldBill, newest_bills

_BUILT = "bills_built"


@dataclass(frozen=True)
class BillChange:
    """A bill that the facts do not know; `day` is the first one that it affects."""

    bill: HeldBill

    @property
    def day(self) -> date:
        """The first day of its period."""
        return self.bill.head.start

    def __str__(self) -> str:
        return f"the bill of {self.bill.head.name} came in since its days were built"


def pending_bills(archive: Archive) -> list[BillChange]:
    """The newest bills that no run of the whole graph has built since they came."""
    built = _built(archive)
    return [BillChange(bill) for bill in newest_bills(archive) if bill.fetch.path not in built]


def note_bills_built(archive: Archive, clock: Clock, built: Window, loaded: Window) -> None:
    """Remember, after a run of the whole graph, which bills are in the facts.

    `built` are the run's days, `loaded` all that the facts hold. A bill is in them once the run
    built all days of it that are loaded.
    """
    bills = newest_bills(archive)
    known = _built(archive)
    now = {
        bill.fetch.path
        for bill in bills
        if bill.fetch.path in known or _covers(built, bill.key.period, loaded)
    }
    if now != known:
        _keep(archive, clock, now)


def _covers(built: Window, period: Window, loaded: Window) -> bool:
    return built.start <= max(period.start, loaded.start) and built.end >= min(
        period.end, loaded.end
    )


def _built(archive: Archive) -> set[str]:
    complete = [fetch for fetch in archive.fetches(VENDOR, _BUILT) if fetch.complete]
    if not complete:
        return set()
    (page,) = archive.pages(complete[-1])
    return set(msgspec.json.decode(page, type=list[str]))


def _keep(archive: Archive, clock: Clock, paths: Iterable[str]) -> None:
    today = Window.day(clock.today)
    with archive.recording(VENDOR, _BUILT, today, fetched_at=clock.now) as recorder:
        recorder.add(Page(msgspec.json.encode(sorted(paths)), "bills that are in the facts"))
