"""What assets, checks, sensors and schedules ask of the world, as Dagster resources.

None of it reaches them in another way, so that a test can give each its own:
`dg.materialize([source], resources={"archive": …, "clock": …, "anthropic": …})`.

| resource | what it is |
|---|---|
| `archive` | the archive of answers |
| `clock` | what time it is |
| `warehouse` | the warehouse (`warehouse_resource.py`) |
| a vendor's or directory's name | its client, and whether it is configured |
"""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg
from pydantic import Field

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import SystemClock
from ai_usage.settings import Settings


class ArchiveResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The archive of vendors' answers."""

    root: str = Field(description="Folder or fsspec URL (`gs://…`, `memory://…`).")

    def archive(self) -> Archive:
        """The archive; cheap, nothing is read yet."""
        return Archive(self.root)


class ClockResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What time it is: a `Clock`."""

    as_of: str | None = Field(
        default=None, description="Pretend that it is noon of this UTC date (YYYY-MM-DD)."
    )

    @property
    def today(self) -> date:
        """The current UTC day."""
        return self._clock.today

    @property
    def now(self) -> datetime:
        """The current instant, in UTC."""
        return self._clock.now

    @property
    def _clock(self) -> SystemClock:
        return SystemClock(date.fromisoformat(self.as_of) if self.as_of else None)


def archive_resource(settings: Settings) -> ArchiveResource:
    """The archive that the settings name."""
    return ArchiveResource(root=settings.archive_root)


def clock_resource(settings: Settings) -> ClockResource:
    """The machine's clock, or the day that the settings pretend."""
    return ClockResource(as_of=settings.as_of.isoformat() if settings.as_of else None)
