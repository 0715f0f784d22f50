"""Calendar months of UTC days, each named by its first day."""

from __future__ import annotations

from datetime import date


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies so many months before the day's; negative: after it."""
    whole = day.year * 12 + day.month - 1 - months
    return date(whole // 12, whole % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """The months from that of the first day to that of the last, both included, in order."""
    found = [month_of(first)]
    while found[-1] < month_of(last):
        found.append(months_before(found[-1], -1))
    return found
