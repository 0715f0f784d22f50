"""What a saved page tells by itself: which UTC days it is about, and which answer it is a page of.

A vendor declares it as a `SavedReport`; how pages are put together again is `answers`'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.vendors.kit.paginate import Listing
from ai_usage.vendors.kit.values import instant_of

Body = Mapping[str, Any]

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_EARLIEST, _LATEST = 2000, 2200


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of time, UTC: `start` included, `end` not."""

    start: datetime
    end: datetime

    @property
    def first(self) -> date:
        """The day it begins on."""
        return self.start.date()

    @property
    def last(self) -> date:
        """The day it ends on."""
        return (self.end - _INSTANT).date()

    def by_day(self) -> Iterator[Span]:
        """Cut at every midnight: for a list of instants, of which each day has its own."""
        start = self.start
        while start < self.end:
            end = min(Window.day(start.date()).end_at, self.end)
            yield Span(start, end)
            start = end


@dataclass(frozen=True)
class PageTells:
    """What a page says of itself and of its answer; None where it does not say."""

    records: int = 0
    more: bool | None = None
    """Whether another page follows."""
    total: int | None = None
    """Records of the whole answer."""
    number: int | None = None
    """Which page it is, counted from 1."""
    of: int | None = None
    """How many pages the answer has."""
    asked: Hashable | None = None
    """What the answer's request was, the same on all its pages."""
    covers: tuple[Span, ...] = ()
    """What its answer is about, the days of it that its records name if it does not say more."""
    buckets: tuple[Span, ...] = ()
    """Stretches of time that the page itself holds the figures of."""
    seen: Span | None = None
    """From its first to its last record, where nothing says more: its answer has all between."""
    states_period: bool = True
    """Whether it says which time its answer is about; if not, a person may."""


@dataclass(frozen=True)
class SavedReport:
    """How an endpoint's saved pages are known and read.

    `recognise` is None for a page without any record, which does not show whose it is. `listing`
    holds its pages to what an answer promises, as when it is fetched.
    """

    recognise: Callable[[Body], bool | None]
    tell: Callable[[Body], PageTells]
    listing: Listing


@dataclass(frozen=True)
class Days:
    """The UTC days that an answer touches: `whole` ones, and what it has of the others."""

    whole: frozenset[date] = frozenset()
    parts: Mapping[date, Span] = field(default_factory=dict)
    """From the first to the last instant of a day that is not whole."""

    @property
    def touched(self) -> list[date]:
        """All of them, in order."""
        return sorted({*self.whole, *self.parts})


def days_of(spans: Iterable[Span]) -> Days:
    """Which days the stretches fill from midnight to midnight, UTC; nothing is rounded.

    Figures of a stretch that crosses midnight cannot be told apart by day: none of its days is
    whole.
    """
    own: dict[date, list[Span]] = {}
    broken: set[date] = set()
    for span in set(spans):
        pieces = list(span.by_day())
        for piece in pieces:
            own.setdefault(piece.first, []).append(piece)
        if len(pieces) > 1:
            broken.update(piece.first for piece in pieces)
    whole = {day for day, found in own.items() if day not in broken and _fill(day, found)}
    parts = {
        day: Span(min(s.start for s in found), max(s.end for s in found))
        for day, found in own.items()
        if day not in whole
    }
    return Days(frozenset(whole), parts)


def _fill(day: date, spans: Iterable[Span]) -> bool:
    window = Window.day(day)
    until = window.start_at
    for span in sorted(spans):
        if span.start > until:
            return False
        until = max(until, span.end)
    return until >= window.end_at


def day_from(start: datetime) -> Span:
    """The day that begins then, which need not be a UTC day."""
    return Span(start, start + _DAY)


def period(start: object, end: object) -> Span | None:
    """The time between two instants that an answer names, as epoch milliseconds or RFC 3339.

    The end belongs to it, but at midnight it is exclusive. None where it is none.
    """
    first, last = moment(start), moment(end)
    if first is None or last is None or last < first:
        return None
    if last != Window.day(last.date()).start_at:
        last += timedelta(milliseconds=1)
    return Span(first, last) if first < last else None


def moment(value: object) -> datetime | None:
    """An instant that a page names, as epoch milliseconds or RFC 3339; None if it is none."""
    found: datetime | None = None
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(value, str):
            text = value.strip()
            return moment(int(text)) if text.isdecimal() else _known(instant_of(text))
        if isinstance(value, int) and not isinstance(value, bool):
            # Not through a float: a millisecond decides whether a day is whole.
            found = _known(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value))
    return found


def _known(at: datetime) -> datetime | None:
    """No vendor of today reports of a time far from ours: a number of something else."""
    return at if _EARLIEST <= at.year <= _LATEST else None


def records_of(body: Body, name: str) -> list[dict[str, Any]]:
    """The objects of a list of the page; what is none is the reader's to flag."""
    found = body.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def flag(value: object) -> bool | None:
    """A truth value that a page states; None where it is none."""
    return value if isinstance(value, bool) else None


def whole_number(value: object) -> int | None:
    """A number that a page states; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
