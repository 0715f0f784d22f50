"""Ranges of days, both ends included, and what is done to them. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

FIRST_DAY = date(1900, 1, 1)
"""Start of history: a person's first version reaches back to it, NULL starts mean it."""
LAST_DAY = date(9999, 12, 31)
"""End of history: the current version's expiration_date, NULL ends mean it."""

_DAY = timedelta(days=1)


def day_before(day: date) -> date:
    """The day before; `FIRST_DAY` has none."""
    return day - _DAY


def day_after(day: date) -> date:
    """The day after; nothing comes after `LAST_DAY`, which stays."""
    return day if day == LAST_DAY else day + _DAY


class Span(NamedTuple):
    """The days from `first` to `last`, both included; empty where `last` lies before `first`."""

    first: date
    last: date

    def __bool__(self) -> bool:
        return self.first <= self.last

    def __and__(self, other: Span) -> Span:
        """The days that both hold."""
        return Span(max(self.first, other.first), min(self.last, other.last))

    def days(self) -> list[date]:
        """Every day, in order; none where it is empty."""
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]

    def holds(self, other: Span) -> bool:
        """True where every day of the other is one of these."""
        return self.first <= other.first and other.last <= self.last

    def minus(self, others: Iterable[Span]) -> list[Span]:
        """The days that none of the others holds, as ranges in order."""
        rest = [self] if self else []
        for other in others:
            rest = [piece for span in rest for piece in span._without(other)]
        return rest

    def _without(self, other: Span) -> Iterator[Span]:
        if not self & other:
            yield self
            return
        if self.first < other.first:
            yield Span(self.first, day_before(other.first))
        if other.last < self.last:
            yield Span(day_after(other.last), self.last)


def days_text(span: Span) -> str:
    """`on 2026-01-03`, `on 2026-01-03..2026-01-09` or `from 2026-01-03 on`."""
    if span.last == LAST_DAY:
        return f"from {span.first} on"
    return f"on {span.first}" if span.first == span.last else f"on {span.first}..{span.last}"


EVER = Span(FIRST_DAY, LAST_DAY)


def span_of(first: date | None, last: date | None) -> Span:
    """The range of a nullable start and end: NULL is since ever, until further notice."""
    return Span(first or FIRST_DAY, last or LAST_DAY)


def atoms(spans: Iterable[Span]) -> list[Span]:
    """The ranges between all starts and ends: within one, no given range starts or ends.

    Days that no given range holds are in no atom.
    """
    held = [span for span in spans if span]
    # Ordinals, because the day after LAST_DAY does not exist as a date.
    cuts = sorted({n for s in held for n in (s.first.toordinal(), s.last.toordinal() + 1)})
    pieces = [Span(date.fromordinal(a), date.fromordinal(b - 1)) for a, b in pairwise(cuts)]
    return [piece for piece in pieces if any(span.holds(piece) for span in held)]
