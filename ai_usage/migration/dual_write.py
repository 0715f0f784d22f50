"""Dual write: what each run says of its days, in the old tables too, in their old shape.

Nobody else may write an old table meanwhile. After each write the archive keeps the table's mark, a
digest of its rows; one that is there before the next write and is neither that nor the one before
it is somebody else's, and nothing is written over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.old_tables import LEGACY, MARKS
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.migration.description import Description, TableMapping, read_description
from ai_usage.migration.loading import after_what_is_known
from ai_usage.migration.log import entries
from ai_usage.migration.opening import open_target
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry, state_of
from ai_usage.migration.targets import Target
from ai_usage.migration.writing import query_of, writable_days
from ai_usage.warehouse.base import Warehouse

QUIET = timedelta(hours=26)
"""How long an old table must not have changed: a writer that comes daily is seen."""

Marks = Mapping[str, tuple[str, str]]
"""Of each table the marks before and after our last write."""


@dataclass(frozen=True)
class Written:
    """What became of a day of an old table."""

    table: str
    day: date
    outcome: str
    """written or failed."""
    rows: int | None
    """Rows that were written, of all days of the write; None where it failed."""
    error: str | None = None


@dataclass(frozen=True)
class SoFar:
    """How far an old table is written."""

    table: str
    newest: date | None
    failed: Sequence[date]
    error: str | None
    """Why the newest of them failed."""


_TRIED = """
SELECT table_name, written_day, outcome, error
FROM migration_writes
WHERE written_day >= DATE '1900-01-01'
ORDER BY written_day, table_name
"""


def tried_days(warehouse: Warehouse) -> list[Mapping[str, Any]]:
    """Each day and old table that runs tried to write, with what came of it last, in order."""
    return list(warehouse.rows(_TRIED)) if warehouse.exists("migration_writes") else []


def written_so_far(warehouse: Warehouse) -> list[SoFar]:
    """Each old table that runs tried to write, by name."""
    found: dict[str, SoFar] = {}
    for row in tried_days(warehouse):
        table, day = row["table_name"], row["written_day"]
        before = found.get(table, SoFar(table, None, (), None))
        if row["outcome"] == "written":
            found[table] = replace(before, newest=day)
        else:
            found[table] = replace(before, failed=[*before.failed, day], error=row["error"])
    return [found[table] for table in sorted(found)]


def is_on(kept: Sequence[Entry]) -> bool:
    """Whether runs write the old tables, too."""
    switches = [entry for entry in kept if entry.step == "dual_write"]
    on = bool(switches) and switches[-1].details.get("switch") == "on"
    return on and state_of(kept) != "retired"


def written_tables(description: Description) -> dict[str, TableMapping]:
    """The tables that have `write:`. Raises `MigrationError` where none has."""
    found = {name: mapping for name, mapping in description.tables.items() if mapping.write}
    if not found:
        raise MigrationError("no table of migration.yaml has `write:`, so none can be written.")
    return found


def refuse_other_writers(
    target: Target, archive: Archive, tables: Sequence[str], at: datetime | None = None
) -> None:
    """Raise `MigrationError` where the company's own writer still writes the old tables.

    `at` is the real time, whatever day is pretended: a real clock says when a table changed.
    """
    marks = last_marks(archive)
    foreign = [table for table in tables if target.mark(table) not in marks.get(table, ())]
    if not foreign:
        return
    changed = target.changed_at(foreign)
    if (at or datetime.now(UTC)) - changed < QUIET:
        raise MigrationError(
            f"{target.where} was changed at {changed:%Y-%m-%d %H:%M} UTC and not by us: stop what "
            f"writes {', '.join(foreign)}, and try again {QUIET / timedelta(hours=1):.0f} hours "
            "after its last change."
        )


def write_days(
    file: Path, archive: Archive, warehouse: Warehouse, window: Window, now: datetime
) -> Iterator[Written]:
    """Write the window's days into every old table that has `write:`, while dual write is on.

    Raises nothing that a person can cause: a table that cannot be written fails by itself.
    """
    if not is_on(entries(archive)):
        return
    try:
        description = read_description(file)
        target = open_target(description.source, warehouse)
        tables = written_tables(description)
    except AiUsageError as error:
        yield from _failed("migration.yaml", window.days(), error)
        return
    for table, mapping in tables.items():
        days = writable_days(archive, mapping, window)
        if not days:
            continue
        try:
            count = _replace(target, archive, table, mapping, warehouse, days, now)
        except AiUsageError as error:
            yield from _failed(table, days, error)
        else:
            for day in days:
                yield Written(table, day, "written", count)


def last_marks(archive: Archive) -> Marks:
    """The marks of our last writes. Raises `ArchiveError`."""
    fetches = [fetch for fetch in archive.fetches(LEGACY, MARKS) if fetch.complete]
    if not fetches:
        return {}
    newest = max(fetches, key=lambda fetch: fetch.fetched_at)
    (page,) = archive.pages(newest)
    return msgspec.json.decode(page, type=dict[str, tuple[str, str]])


def _replace(
    target: Target,
    archive: Archive,
    table: str,
    mapping: TableMapping,
    warehouse: Warehouse,
    days: Sequence[date],
    now: datetime,
) -> int:
    marks = dict(last_marks(archive))

    def told(before: str, after: str) -> None:
        if table in marks and before not in marks[table]:
            raise MigrationError(
                f"{table} was changed by somebody else since our last write, and nothing was "
                "written: stop them, then `ai-usage migrate dual-write on` again."
            )
        # Kept before the table has it: a kill in between leaves one of the two.
        _keep(archive, marks | {table: (before, after)}, now)

    return target.replace(table, mapping, query_of(mapping, days), warehouse, days, told)


def keep_marks(archive: Archive, target: Target, tables: Sequence[str], now: datetime) -> None:
    """Take the tables as they are for ours."""
    _keep(archive, {table: (mark, mark) for table in tables for mark in [target.mark(table)]}, now)


def _keep(archive: Archive, marks: Marks, now: datetime) -> None:
    at = after_what_is_known(archive, MARKS, now)
    with archive.recording(LEGACY, MARKS, Window.day(at.date()), fetched_at=at) as recorder:
        recorder.add(Page(msgspec.json.encode(marks), "ai-usage migrate dual-write"))


def _failed(table: str, days: Sequence[date], error: AiUsageError) -> Iterator[Written]:
    for day in days:
        yield Written(table, day, "failed", None, str(error))
