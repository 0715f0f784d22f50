"""What a directory module declares: how to ask it, and which snapshots its answers are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from ai_usage.errors import SettingsError
from ai_usage.identity import Snapshot
from ai_usage.identity.history import PEOPLE_SOURCES
from ai_usage.settings import PREFIX, Settings
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import DirectoryRow, LeftOut, Row


@dataclass(frozen=True)
class DirectorySource:
    """A directory of the company: one snapshot endpoint, asked once a run.

    `declare` gives the endpoint as the settings have it, for the name, the client and the reading
    alike. `needs` are the settings without which it is not configured. `sources` are the snapshot
    sources that its rows belong to: each has a snapshot a day, an empty one too.
    """

    name: str
    """As in its asset key."""
    title: str
    needs: tuple[str, ...]
    sources: tuple[str, ...]
    declare: Callable[[Settings], Vendor]
    connect: Callable[[Settings], VendorClient]

    def is_configured(self, settings: Settings) -> bool:
        """Whether it can be asked. Raises `SettingsError` where only a part of it is set."""
        missing = [n for n in self.needs if not getattr(settings, n.removeprefix(PREFIX).lower())]
        if missing and len(missing) < len(self.needs):
            given = next(name for name in self.needs if name not in missing)
            raise SettingsError(f"{given} is set, {missing[0]} is not: {self.title} needs both.")
        return not missing

    @property
    def lists_people(self) -> bool:
        """Whether it says who works at the company."""
        return bool(set(self.sources) & set(PEOPLE_SOURCES))

    @property
    def not_configured(self) -> str:
        """What to say where nothing of it is set."""
        return f"not configured; set {' and '.join(self.needs)} to read it"

    def endpoint(self, settings: Settings) -> tuple[Vendor, Endpoint]:
        """The one endpoint, and what stands for the vendor."""
        vendor = self.declare(settings)
        return vendor, vendor.endpoints[0]

    def snapshots(self, day: date, rows: Iterable[Row]) -> Iterator[Snapshot]:
        """A day's rows as one snapshot for each of `sources`, with what is left out of it."""
        listed = list(rows)
        for source in self.sources:
            own: list[Any] = []
            for row in listed:
                if isinstance(row, LeftOut) and row.source in (None, source):
                    own.append(row)
                elif isinstance(row, DirectoryRow) and row.source == source:
                    own.append(row.values)
            yield Snapshot(day, source, own)
