"""What time it is: asked of whoever runs something, so that a test or a demo can pretend a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    """The current UTC day and instant; the settings are one, and so is Dagster's resource."""

    @property
    def today(self) -> date:
        """The current UTC day."""

    @property
    def now(self) -> datetime:
        """The current instant, in UTC."""


def utc_today() -> date:
    """The current UTC date: the only place where the project asks what day it is."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock; with a pretended day it stands at that day's noon."""

    as_of: date | None = None

    @property
    def today(self) -> date:
        """The current UTC day, or the pretended one."""
        return self.as_of or utc_today()

    @property
    def now(self) -> datetime:
        """The current instant in UTC, or the pretended day's noon."""
        if self.as_of is None:
            return datetime.now(UTC)
        return datetime(self.as_of.year, self.as_of.month, self.as_of.day, 12, tzinfo=UTC)
