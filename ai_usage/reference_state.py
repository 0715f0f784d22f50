"""Which states of the reference files are accepted, and which the warehouse has taken in.

Both are kept in the archive, where every machine that runs the graph finds them. What changed
between the two must be rebuilt from its earliest affected day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ai_usage.errors import AiUsageError
from ai_usage.finance import affected_from, read_contracts
from ai_usage.platforms.archive import Archive, Fetch
from ai_usage.platforms.base import Page, Window
from ai_usage.reference import (
    VENDOR,
    ReferenceFile,
    Row,
    decode,
    earliest_change,
    encode,
    read_path,
    reference_file,
    reference_files,
)
from ai_usage.settings import Settings

_TAKEN_IN = "_taken_in"
"""Endpoint suffix of the states that the facts were built from."""


@dataclass(frozen=True)
class ReferenceChange:
    """A file differs from what the facts were built from; `day` is the first one affected."""

    file: ReferenceFile
    day: date


def accept(archive: Archive, settings: Settings, file: ReferenceFile, rows: Sequence[Row]) -> bool:
    """Keep an accepted state as today's snapshot; True if it differs from the last one."""
    before = newest_rows(archive, file)
    _keep(archive, settings, file.stem, file, rows)
    return before is None or encode(file, before) != encode(file, rows)


def newest_rows(archive: Archive, file: ReferenceFile) -> list[Row] | None:
    """The rows of the last accepted state; None where none was ever accepted."""
    return _newest(archive, file.stem, file)


def pending_changes(archive: Archive, settings: Settings) -> list[ReferenceChange]:
    """What the files say today that the facts do not know yet.

    A file that is refused, absent or never taken in is no change: the run says what is wrong with
    it, and a first run takes everything in.
    """
    changes = []
    for file in reference_files():
        taken_in = _newest(archive, f"{file.stem}{_TAKEN_IN}", file)
        if taken_in is None:
            continue
        try:
            reading = read_path(file, settings.reference_path)
        except AiUsageError:
            continue
        if reading.present:
            day = earliest_change(file, taken_in, reading.rows, settings.today)
            if day is not None:
                changes.append(ReferenceChange(file, day))
    return changes


def take_in(archive: Archive, settings: Settings, built: Window, loaded: Window) -> None:
    """Remember, after a run of the whole graph, which accepted states are in the facts.

    `built` are the days that the run rebuilt, `loaded` all days that the facts hold: a state is
    taken in only if no day that it affects was left out.
    """
    for file in reference_files():
        accepted = newest_rows(archive, file)
        if accepted is None:
            continue
        taken_in = _newest(archive, f"{file.stem}{_TAKEN_IN}", file)
        first: date | None = loaded.start
        if taken_in is not None:
            first = earliest_change(file, taken_in, accepted, settings.today)
        if first is None:
            continue
        if built.start <= max(first, loaded.start) and built.end >= loaded.end:
            _keep(archive, settings, f"{file.stem}{_TAKEN_IN}", file, accepted)


def widened(window: Window, changes: Sequence[ReferenceChange], settings: Settings) -> Window:
    """The window, reaching back to the first partition that a change affects.

    Also to the first day of a running seat month that is paid as a whole: who joins within it
    takes over the seat's cost of days that have passed.
    """
    first = min([window.start, *(change.day for change in changes)])
    seats = newest_rows(Archive(settings.archive_root), reference_file("seats.csv")) or []
    first = affected_from(read_contracts(seats), first)
    return Window(max(first, settings.first_day), window.end)


def _keep(
    archive: Archive, settings: Settings, endpoint: str, file: ReferenceFile, rows: Sequence[Row]
) -> None:
    today = Window.day(settings.today)
    with archive.recording(VENDOR, endpoint, today, fetched_at=settings.now) as recorder:
        recorder.add(Page(encode(file, rows), file.name))


def _newest(archive: Archive, endpoint: str, file: ReferenceFile) -> list[Row] | None:
    complete: list[Fetch] = [f for f in archive.fetches(VENDOR, endpoint) if f.complete]
    if not complete:
        return None
    return [row for page in archive.pages(complete[-1]) for row in decode(file, page)]
