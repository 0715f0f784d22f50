"""Which bills of the archive are in the facts: a bill that came later rebuilds its own days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.focus.shelf import VENDOR, HeldBill, newest_bills
from ai_usage.ledger.closing import history

_BUILT = "bill_days_built"


@dataclass(frozen=True)
class BillChange:
    """A bill that the facts do not know, or not on all its days; `day` is the first of these."""

    bill: HeldBill
    day: date

    def __str__(self) -> str:
        return f"the bill of {self.bill.head.name} came in since its days were built"


def pending_bills(archive: Archive, first_day: date) -> list[BillChange]:
    """The newest bills of which no run of the whole graph has built each open day.

    `first_day` is the first partition: what lies before it is never built. Days of closed months
    are as they were reported.
    """
    built, known = _built(archive), history(archive)
    found = []
    for bill in newest_bills(archive):
        done = set(built.get(bill.fetch.path, ()))
        for day in bill.key.period.days():
            if day >= first_day and day not in done and known.first_open(day) == day:
                found.append(BillChange(bill, day))
                break
    return found


def note_bills_built(
    archive: Archive, clock: Clock, built: Window, *, leaves_closed: bool = False
) -> None:
    """Remember, after a run of the whole graph, which days of which bills are in the facts.

    `built` are the run's days, but for those of closed months if it `leaves_closed`.
    """
    before = _built(archive)
    parts = history(archive).open(built) if leaves_closed else [built]
    days = {day for part in parts for day in part.days()}
    now = {}
    for bill in newest_bills(archive):
        path = bill.fetch.path
        own = {*before.get(path, ()), *days.intersection(bill.key.period.days())}
        if own:
            now[path] = sorted(own)
    if now != before:
        today = Window.day(clock.today)
        with archive.recording(VENDOR, _BUILT, today, fetched_at=clock.now) as recorder:
            recorder.add(Page(msgspec.json.encode(now), "days of bills that are in the facts"))


def _built(archive: Archive) -> dict[str, list[date]]:
    complete = [fetch for fetch in archive.fetches(VENDOR, _BUILT) if fetch.complete]
    if not complete:
        return {}
    (page,) = archive.pages(complete[-1])
    return msgspec.json.decode(page, type=dict[str, list[date]])
