"""`dim_dates`: the calendar, one row a UTC day."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Any


def dim_dates(first: date, today: date) -> list[dict[str, Any]]:
    """Rows of `dim_dates` from the first partition to the end of today's year."""
    last = date(max(first, today).year, 12, 31)
    return [_row(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def _row(day: date) -> dict[str, Any]:
    iso = day.isocalendar()
    days_in_month = calendar.monthrange(day.year, day.month)[1]
    return {
        "date_sk": day.year * 10_000 + day.month * 100 + day.day,
        "date": day,
        "year": day.year,
        "quarter": (day.month + 2) // 3,
        "month": day.replace(day=1),
        "month_number": day.month,
        "iso_week": f"{iso.year}-W{iso.week:02d}",
        "day_of_month": day.day,
        "day_of_week": day.weekday(),
        "is_weekday": day.weekday() < 5,
        "is_month_end": day.day == days_in_month,
        "days_in_month": days_in_month,
    }
