"""A contract's billing month: the calendar's, or from another day of the month on. Pure."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import NamedTuple

LAST_BILLING_DAY = 31
"""The latest day on which a billing month can begin; a shorter month's begins on its last day."""


class Cycle(NamedTuple):
    """One billing month, both days included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has: 28 to 31."""
        return (self.last - self.first).days + 1


def cycle_of(day: date, billing_day: int = 1) -> Cycle:
    """The billing month that holds the day; with `billing_day` 1 it is the calendar month.

    A billing day above a month's length means the month's last day: with 31 the cycles of 2026
    begin on 31 January, 28 February, 31 March, 30 April.
    """
    month = day.year * 12 + day.month - 1
    if day < _begins(month, billing_day):
        month -= 1
    first = _begins(month, billing_day)
    if first.year == date.max.year and first.month == 12:
        return Cycle(first, date.max)
    return Cycle(first, _begins(month + 1, billing_day) - timedelta(days=1))


def _begins(month: int, billing_day: int) -> date:
    """The first day of the cycle that begins in the month, counted from the year 0."""
    year, number = month // 12, month % 12 + 1
    return date(year, number, min(billing_day, calendar.monthrange(year, number)[1]))
