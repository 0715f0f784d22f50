"""Windows of UTC days: a start that is included and an end that is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True, order=True)
class Window:
    """A range of UTC days: `start` included, `end` not."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"window {self.start}..{self.end} holds no day")

    @classmethod
    def day(cls, day: date) -> Window:
        """The window of one day."""
        return cls(day, day + timedelta(days=1))

    @property
    def start_at(self) -> datetime:
        """Midnight UTC at which the window begins."""
        return datetime.combine(self.start, time(), UTC)

    @property
    def end_at(self) -> datetime:
        """Midnight UTC at which the window ends (not part of it)."""
        return datetime.combine(self.end, time(), UTC)

    def days(self) -> list[date]:
        """Every day of the window, in order."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    def since(self, day: date) -> Window | None:
        """The part of it from that day on; None where there is none."""
        return Window(max(self.start, day), self.end) if day < self.end else None

    def settled(self, now: datetime, lag: timedelta) -> list[date]:
        """Its days that ended `lag` ago or earlier."""
        return [day for day in self.days() if Window.day(day).end_at + lag <= now]

    def chunks(self, max_days: int) -> list[Window]:
        """Cut into consecutive windows of at most `max_days` days."""
        starts = range(0, (self.end - self.start).days, max_days)
        return [
            Window(
                self.start + timedelta(days=n),
                min(self.start + timedelta(days=n + max_days), self.end),
            )
            for n in starts
        ]

    def months(self) -> list[Window]:
        """Cut at the first of each month."""
        starts = [self.start, *(day for day in self.days()[1:] if day.day == 1)]
        ends = [*starts[1:], self.end]
        return [Window(start, end) for start, end in zip(starts, ends, strict=True)]

    def __str__(self) -> str:
        last = self.end - timedelta(days=1)
        return f"{self.start}" if last == self.start else f"{self.start}..{last}"


def windows_of(days: Iterable[date]) -> list[Window]:
    """The days as windows, in order, as few as there can be."""
    found: list[Window] = []
    for day in sorted(set(days)):
        if found and found[-1].end == day:
            found[-1] = Window(found[-1].start, day + timedelta(days=1))
        else:
            found.append(Window.day(day))
    return found
