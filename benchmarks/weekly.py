"""A simulated company whose history is long and quick to make up."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from ai_usage.simulator.behaviour import NOON_MS, epoch_ms
from ai_usage.simulator.company import Company
from ai_usage.simulator.records import CursorEvent

_WEEK = 7


class WeeklyCompany(Company):
    """A company whose Cursor events are those of its last week in every week before.

    Only their timestamps differ, so that a year takes no longer to make up than a week.
    """

    def model(self, day: date) -> date:
        """The day of the last week that a day is like."""
        first = self.today - timedelta(days=_WEEK)
        return first + timedelta(days=(day - first).days % _WEEK)

    def cursor_events(self, day: date) -> list[CursorEvent]:
        """Every Cursor usage event of the day, in order of time."""
        if not self.history_start <= day <= self.today:
            return []
        kept: dict[date, list[CursorEvent]] = self.__dict__.setdefault("_weeks", {})
        model = self.model(day)
        if model not in kept:
            kept[model] = super().cursor_events(model)
        moved = epoch_ms(day) - epoch_ms(model)
        until = epoch_ms(day) + NOON_MS if day == self.today else None
        return [
            msgspec.structs.replace(event, day=day, timestamp_ms=event.timestamp_ms + moved)
            for event in kept[model]
            if until is None or event.timestamp_ms + moved < until
        ]
