"""A contract's billing month: the calendar's, or from another day of the month on. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

LAST_BILLING_DAY = 28
"""The last day that every month has."""


class Cycle(NamedTuple):
    """One billing month, both days included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has: 28 to 31."""
        return (self.last - self.first).days + 1


def cycle_of(day: date, billing_day: int = 1) -> Cycle:
    """The billing month that holds the day; with `billing_day` 1 it is the calendar month."""
    first = _on(day.year, day.month, billing_day)
    if day < first:
        first = _month_on(first, -1)
    if first.year == date.max.year and first.month == 12:
        return Cycle(first, date.max)
    return Cycle(first, _month_on(first, 1) - timedelta(days=1))


def _month_on(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    return _on(at // 12, at % 12 + 1, day.day)


def _on(year: int, month: int, day: int) -> date:
    return date(year, month, day)
