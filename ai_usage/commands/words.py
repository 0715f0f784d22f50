"""Counts and days as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ai_usage.platforms.base import Window


def counted(number: int, thing: str) -> str:
    """`1 day`, `2,000 days`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def few(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def ranges(days: Sequence[date], most: int = 4) -> str:
    """Days as ranges, `2026-01-01..2026-01-03, 2026-01-07`; at most so many, then their number."""
    windows: list[Window] = []
    for day in sorted(set(days)):
        if windows and windows[-1].end == day:
            windows[-1] = Window(windows[-1].start, day + timedelta(days=1))
        else:
            windows.append(Window.day(day))
    shown = [str(window) for window in windows[:most]]
    left = sum(len(window.days()) for window in windows[most:])
    return ", ".join([*shown, *([f"{left} more"] if left else [])])
