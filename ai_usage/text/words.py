"""Counts and days as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ai_usage.days.windows import windows_of


def counted(number: int, thing: str, things: str | None = None) -> str:
    """`1 day`, `2,000 days`; `things` where an s does not make the plural."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def enumerated(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def few(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def ranges(days: Sequence[date], most: int = 4) -> str:
    """Days as ranges, `2026-01-01..2026-01-03, 2026-01-07`; at most so many, then their number."""
    windows = windows_of(days)
    shown = [str(window) for window in windows[:most]]
    left = sum(len(window.days()) for window in windows[most:])
    return ", ".join([*shown, *([f"{left} more"] if left else [])])
