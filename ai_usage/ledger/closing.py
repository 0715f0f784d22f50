"""Closed months: what finance reported, kept in the archive, and which days are locked by it.

A closed month is recorded with its totals, a person, product and cost centre a row, and with who
closed it. It is opened again by another record; nothing is overwritten, so every close that ever
was can be read. A close locks the days of its own month and no others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError

CLOSES = "books"
"""The archive's name for what finance has reported, beside the vendors'."""
_CLOSED, _REOPENED = "closed_months", "reopened_months"
"""Two endpoints, so that names alone tell which months are closed."""
RECORDS = ((CLOSES, _CLOSED), (CLOSES, _REOPENED))
"""Where the archive keeps them, each with its vendor's name first."""


class ClosedTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of a person cost, by product and cost centre: columns of `closed_months`."""

    platform_code: str
    platform_name: str
    user_sk: int
    user_email: str
    full_name: str | None
    department: str
    team: str
    cost_center: str
    total_cost_usd: Decimal


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who closed or opened a month; of a close, what was open then and why it was accepted.

    All of it is unknown in records that were made before it was asked for.
    """

    by: str | None = None
    reason: str | None = None
    accepted: tuple[str, ...] = ()
    """One line for each thing that was open."""


UNSIGNED = Signature()
"""Of records that name nobody."""


class _Body(msgspec.Struct):
    month: date
    totals: list[ClosedTotal]
    signature: Signature = UNSIGNED


@dataclass(frozen=True)
class Closing:
    """A month that is closed: since when, by whom, and its totals as they were then."""

    month: date
    closed_at: datetime
    totals: tuple[ClosedTotal, ...]
    signature: Signature = UNSIGNED


@dataclass(frozen=True)
class History:
    """When months were closed and opened again; from names in the archive alone."""

    closed: Sequence[Fetch] = ()
    reopened: Sequence[Fetch] = ()

    @property
    def standing(self) -> dict[date, Fetch]:
        """The months that are closed, in order, each with the record of its close."""
        return self._as_of(None)

    @property
    def locked_until(self) -> date | None:
        """The first day after the last closed month; None where none is closed.

        Days before it may be open all the same: a month that was opened again, or was loaded later.
        """
        return max((fetch.window.end for fetch in self.standing.values()), default=None)

    def locked(self, window: Window) -> list[Window]:
        """The days of the window that lie in closed months, in order."""
        return [
            Window(max(own.window.start, window.start), min(own.window.end, window.end))
            for own in self.standing.values()
            if own.window.start < window.end and window.start < own.window.end
        ]

    def open(self, window: Window) -> list[Window]:
        """The days of the window that lie in no closed month, in order."""
        found, start = [], window.start
        for closed in self.locked(window):
            if start < closed.start:
                found.append(Window(start, closed.start))
            start = closed.end
        if start < window.end:
            found.append(Window(start, window.end))
        return found

    def first_open(self, day: date) -> date:
        """The first day from this one on that is not locked."""
        standing = self.standing
        while (month := day.replace(day=1)) in standing:
            day = standing[month].window.end
        return day

    def first_locked(self, day: date) -> date | None:
        """The first day from this one on that is locked; None where no later one is."""
        ends = [own for own in self.standing.values() if own.window.end > day]
        return max(ends[0].window.start, day) if ends else None

    def open_before(self, first: date, month: date | None = None) -> list[date]:
        """The open months before the month, by default the last closed one; from `first`'s on."""
        found, at = [], first.replace(day=1)
        last = month or max(self.standing, default=at)
        while at < last:
            if at not in self.standing:
                found.append(at)
            at = month_window(at).end
        return found

    def without(self, months: Collection[date]) -> History:
        """The same, as if these months, by their first days, had never been closed."""
        return History([r for r in self.closed if r.window.start not in months], self.reopened)

    def was_closed(self, day: date, at: datetime) -> bool:
        """Whether the month of the day had been closed before that instant."""
        return day.replace(day=1) in self._as_of(at)

    def _as_of(self, at: datetime | None) -> dict[date, Fetch]:
        def newest(records: Sequence[Fetch]) -> dict[date, Fetch]:
            known = [r for r in records if at is None or r.fetched_at < at]
            return {r.window.start: r for r in known}

        closed, reopened = newest(self.closed), newest(self.reopened)
        return {
            month: record
            for month, record in sorted(closed.items())
            if month not in reopened or reopened[month].fetched_at < record.fetched_at
        }


def history(archive: Archive) -> History:
    """Every close and every opening again, oldest first."""
    return History(
        [f for f in archive.fetches(CLOSES, _CLOSED) if f.complete],
        [f for f in archive.fetches(CLOSES, _REOPENED) if f.complete],
    )


def closings(archive: Archive) -> list[Closing]:
    """The months that are closed, in order, with their totals. Raises `ArchiveError`."""
    found = []
    for month, record in history(archive).standing.items():
        try:
            bodies = [msgspec.json.decode(page, type=_Body) for page in archive.pages(record)]
        except msgspec.MsgspecError as error:
            raise ArchiveError(
                f"the close of {month:%Y-%m} in the archive cannot be read ({error}): open the "
                f"month with `ai-usage close {month:%Y-%m} --reopen` and close it again."
            ) from error
        totals = tuple(total for body in bodies for total in body.totals)
        signature = bodies[0].signature if bodies else UNSIGNED
        found.append(Closing(month, record.fetched_at, totals, signature))
    return found


def record_close(
    archive: Archive,
    month: date,
    totals: Sequence[ClosedTotal],
    now: datetime,
    signature: Signature = UNSIGNED,
) -> None:
    """Keep the month's totals: from now on it is locked. `month` is its first day."""
    _record(archive, _CLOSED, _Body(month, list(totals), signature), now)


def record_reopening(
    archive: Archive, month: date, now: datetime, signature: Signature = UNSIGNED
) -> None:
    """Let the month change again; the record of its close stays."""
    _record(archive, _REOPENED, _Body(month, [], signature), now)


def month_window(month: date) -> Window:
    """The days of the month that begins on this day."""
    return Window(month, (month + timedelta(days=32)).replace(day=1))


def _record(archive: Archive, endpoint: str, body: _Body, now: datetime) -> None:
    window, known = month_window(body.month), history(archive)
    # Later than what is known of the month: under a pretended clock two commands share an instant,
    # and which came first must be told.
    others = [f.fetched_at for f in (*known.closed, *known.reopened) if f.window == window]
    at = max([now, *(other + timedelta(microseconds=1) for other in others)])
    with archive.recording(CLOSES, endpoint, window, fetched_at=at) as recorder:
        recorder.add(Page(msgspec.json.encode(body), f"ai-usage close {body.month:%Y-%m}"))
