"""What was done in a migration, kept in the archive: who, when, why. `migration_log` is its table.

Nothing is overwritten. An entry of a step that is begun comes before what it does, that of its end
after it, so that a process that is ended in between leaves a step that can be resumed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.old_tables import LEGACY, LOG
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import (
    AnyStep,
    Entry,
    Outcome,
    State,
    check_step,
    state_of,
)


def entries(archive: Archive) -> list[Entry]:
    """Everything that was done, oldest first. Raises `ArchiveError`."""
    found = []
    for fetch in sorted(archive.fetches(LEGACY, LOG), key=lambda one: one.fetched_at):
        if not fetch.complete:
            continue
        try:
            found += [msgspec.json.decode(page, type=Entry) for page in archive.pages(fetch)]
        except msgspec.MsgspecError as error:
            raise ArchiveError(
                f"{fetch.path}: the migration's log cannot be read ({error}); restore the archive "
                "from its backup."
            ) from error
    return found


def note(archive: Archive, entry: Entry) -> Entry:
    """Keep the entry, after every one that is kept; as it was kept."""
    known = [fetch.fetched_at for fetch in archive.fetches(LEGACY, LOG)]
    # Under a pretended clock two commands share an instant, and which came first must be told.
    at = max([entry.at, *(one + timedelta(microseconds=1) for one in known)])
    kept = msgspec.structs.replace(entry, at=at)
    day = Window.day(at.date())
    with archive.recording(LEGACY, LOG, day, fetched_at=at) as recorder:
        recorder.add(Page(msgspec.json.encode(kept), f"ai-usage migrate {entry.step}"))
    return kept


@contextmanager
def step(
    archive: Archive,
    name: AnyStep,
    *,
    by: str,
    why: str,
    now: datetime,
    details: dict[str, str] | None = None,
) -> Iterator[bool]:
    """A step that changes the state: begun, and done where the body ends; gives whether it resumes.

    Raises `MigrationError` before anything is begun where it does not lead on from here. One in the
    body is noted as failed: the body has then changed nothing. A process that is ended leaves the
    step begun. So does any other error, or one of a step that resumes: nobody knows what it left.
    """
    resumes = check_step(entries(archive), name, now)

    def told(outcome: Outcome, **more: str) -> None:
        said = {**(details or {}), **more}
        note(archive, Entry(at=now, step=name, outcome=outcome, by=by, why=why, details=said))

    if not resumes:
        told("begun")
    try:
        yield resumes
    except MigrationError as error:
        if not resumes:
            told("failed", error=str(error))
        raise
    told("done")


def log_rows(kept: Sequence[Entry], run_id: str | None = None) -> Iterator[dict[str, Any]]:
    """Entries as rows of `migration_log`: each with the state that it left."""
    for n, entry in enumerate(kept):
        left: State = state_of(kept[: n + 1])
        yield {
            "noted_at": entry.at,
            "step": entry.step,
            "outcome": entry.outcome,
            "state": left,
            "table_name": entry.table,
            "first_day": entry.first_day,
            "last_day": entry.last_day,
            "done_by": entry.by,
            "reason": entry.why or None,
            "details": json.dumps(entry.details, sort_keys=True),
            "pipeline_run_id": run_id,
        }
