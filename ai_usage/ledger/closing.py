"""Closed months: what finance reported, kept in the archive, and what stands still because of it.

A closed month is recorded with its totals, a person, product and cost centre a row. It is opened
again by another record; nothing is overwritten, so every close that ever was can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from ai_usage.errors import ArchiveError
from ai_usage.platforms.archive import Archive, Fetch
from ai_usage.platforms.base import Page, Window

BOOKS = "books"
"""The archive's name for what finance has reported, beside the vendors'."""
_CLOSED, _REOPENED = "closed_months", "reopened_months"
"""Two endpoints, so that names alone tell which months are closed."""


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


class _Body(msgspec.Struct):
    month: date
    totals: list[ClosedTotal]


@dataclass(frozen=True)
class Closing:
    """A month that is closed: since when, and its totals as they were then."""

    month: date
    closed_at: datetime
    totals: tuple[ClosedTotal, ...]


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
    def open_from(self) -> date | None:
        """The first day after the last closed month; None where none is closed.

        All days before it stand still: who closes March has done with February.
        """
        return max((fetch.window.end for fetch in self.standing.values()), default=None)

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
        [f for f in archive.fetches(BOOKS, _CLOSED) if f.complete],
        [f for f in archive.fetches(BOOKS, _REOPENED) if f.complete],
    )


def open_from(archive: Archive) -> date | None:
    """The first day that may change by itself; None where no month is closed."""
    return history(archive).open_from


def closings(archive: Archive) -> list[Closing]:
    """The months that are closed, in order, with their totals. Raises `ArchiveError`."""
    found = []
    for month, record in history(archive).standing.items():
        try:
            totals = [
                total
                for page in archive.pages(record)
                for total in msgspec.json.decode(page, type=_Body).totals
            ]
        except msgspec.MsgspecError as error:
            raise ArchiveError(
                f"the close of {month:%Y-%m} in the archive cannot be read ({error}): open the "
                f"month with `ai-usage close {month:%Y-%m} --reopen` and close it again."
            ) from error
        found.append(Closing(month, record.fetched_at, tuple(totals)))
    return found


def record_close(
    archive: Archive, month: date, totals: Sequence[ClosedTotal], now: datetime
) -> None:
    """Keep the month's totals: from now on it stands still. `month` is its first day."""
    _record(archive, _CLOSED, _Body(month, list(totals)), now)


def record_reopening(archive: Archive, month: date, now: datetime) -> None:
    """Let the month change again; the record of its close stays."""
    _record(archive, _REOPENED, _Body(month, []), now)


def month_window(month: date) -> Window:
    """The days of the month that begins on this day."""
    return Window(month, (month + timedelta(days=32)).replace(day=1))


def _record(archive: Archive, endpoint: str, body: _Body, now: datetime) -> None:
    window = month_window(body.month)
    with archive.recording(BOOKS, endpoint, window, fetched_at=now) as recorder:
        recorder.add(Page(msgspec.json.encode(body), f"ai-usage close {body.month:%Y-%m}"))
