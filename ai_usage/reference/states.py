"""Accepted states of the reference files, kept in the archive for all machines."""

from __future__ import annotations

from collections.abc import Sequence

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.reference import VENDOR, ReferenceFile, Row, decode, encode


def accept(archive: Archive, clock: Clock, file: ReferenceFile, rows: Sequence[Row]) -> bool:
    """Keep an accepted state as today's snapshot; True if it differs from the last one."""
    before = newest_rows(archive, file)
    keep_state(archive, clock, file.stem, file, rows)
    return before is None or encode(file, before) != encode(file, rows)


def newest_rows(archive: Archive, file: ReferenceFile) -> list[Row] | None:
    """The rows of the last accepted state; None where none was ever accepted."""
    return newest_state(archive, file.stem, file)


def keep_state(
    archive: Archive, clock: Clock, endpoint: str, file: ReferenceFile, rows: Sequence[Row]
) -> None:
    """Keep a state of the file under the endpoint's name, as of today."""
    today = Window.day(clock.today)
    with archive.recording(VENDOR, endpoint, today, fetched_at=clock.now) as recorder:
        recorder.add(Page(encode(file, rows), file.name))


def newest_state(archive: Archive, endpoint: str, file: ReferenceFile) -> list[Row] | None:
    """The rows that were last kept under the endpoint's name; None where none were."""
    complete = [fetch for fetch in archive.fetches(VENDOR, endpoint) if fetch.complete]
    if not complete:
        return None
    return [row for page in archive.pages(complete[-1]) for row in decode(file, page)]
