"""How many final days in a row are green, day by day. Pure: verdicts in, days out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ai_usage.migration.classes import Class

State = Literal["green", "red", "open"]


@dataclass(frozen=True)
class Verdict:
    """A day: whether it is green, and why not."""

    day: date
    final: bool
    """Whether no vendor can change it any more."""
    reasons: Sequence[str]
    over: frozenset[Class] = field(default_factory=frozenset)
    """The classes that make it so."""

    @property
    def green(self) -> bool:
        """Nothing unexplained, every class within its limit."""
        return not self.reasons


@dataclass(frozen=True)
class TrendDay:
    """A day of one or several tables, and how many green final days in a row end with it."""

    day: date
    state: State
    """open: some table's day may still change; else red where any of them is."""
    run: int
    """0 where the day itself does not count."""


def trend(tables: Iterable[Sequence[Verdict]]) -> list[TrendDay]:
    """The tables' days together, in order. A day counts where each table that has it agrees."""
    by_day: dict[date, list[Verdict]] = {}
    for verdicts in tables:
        for verdict in verdicts:
            by_day.setdefault(verdict.day, []).append(verdict)
    found: list[TrendDay] = []
    for day, own in sorted(by_day.items()):
        state: State = "green"
        if not all(one.final for one in own):
            state = "open"
        elif not all(one.green for one in own):
            state = "red"
        follows = bool(found) and day - found[-1].day == timedelta(days=1)
        before = found[-1].run if follows else 0
        found.append(TrendDay(day, state, before + 1 if state == "green" else 0))
    return found


def green_run(tables: Iterable[Sequence[Verdict]]) -> list[date]:
    """The final days up to the newest that are green in every table, without a break, in order."""
    days = trend(tables)
    while days and days[-1].state == "open":
        days.pop()
    if not days or not days[-1].run:
        return []
    return [one.day for one in days[-days[-1].run :]]
