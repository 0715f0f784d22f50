"""What directories and vendors' lists of people and keys leave out, and what stands meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ai_usage.archive.archive import Archive, span_of
from ai_usage.days.windows import Window
from ai_usage.identity.last_good import last_good
from ai_usage.identity.snapshots import by_source
from ai_usage.orchestration.assets.dimensions import Directory
from ai_usage.orchestration.lists import Listed, lists, snapshots_of
from ai_usage.orchestration.resources import Configured
from ai_usage.vendors.fetching import read_rows
from ai_usage.vendors.rows import LeftOut


@dataclass(frozen=True)
class LeftOutRecord:
    """A record of a directory, or of a vendor's list of people or keys, that is left out.

    `kept` rows of former answers stand in its place.
    """

    place: str
    """The endpoint with its vendor, as checks name it."""
    left: LeftOut
    kept: int

    @property
    def is_told(self) -> bool:
        """Whether somebody is to mend it.

        Not what follows of another record, and no account that never was a person's.
        """
        return self.left.why == "odd" or (self.left.why == "nobody" and self.kept > 0)

    @property
    def meanwhile(self) -> str:
        """What counts in its place."""
        if self.left.columns is not None:
            return "the rest of it counts"
        return "what was last read of it stands" if self.kept else "nothing of it is known"

    @property
    def says(self) -> str:
        """What is odd, and what counts meanwhile."""
        return f"{self.left.what}; {self.meanwhile}"


def left_out(directory: Directory, configured: Configured) -> list[LeftOutRecord]:
    """What the newest answers of what is configured leave out, each record once."""
    found: dict[tuple[str, LeftOut], int] = {}
    declared, archive = directory.declared, directory.archive
    for listed in lists(declared.directories, declared.vendors):
        if not configured(listed.name) or not _newest_lacks_something(archive, listed):
            continue
        for standing in last_good(
            by_source(snapshots_of(listed, archive, directory.kept))
        ).standing:
            key = (f"{listed.vendor.name}.{listed.endpoint.name}", standing.left)
            found[key] = found.get(key, 0) + standing.kept
    return [LeftOutRecord(place, left, kept) for (place, left), kept in found.items()]


def _newest_lacks_something(archive: Archive, listed: Listed) -> bool:
    """Whether it is worth the whole history: most answers lack nothing."""
    span = span_of(archive.fetches(listed.vendor.name, listed.endpoint.name))
    if span is None:
        return False
    newest = Window(span.end - timedelta(days=1), span.end)
    readings = read_rows(listed.vendor, listed.endpoint, newest, archive)
    return any(isinstance(row, LeftOut) for reading in readings for row in reading.rows)
