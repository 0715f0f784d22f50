"""`ai-usage migrate dual-write`: whether runs write the old tables, too."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.migration.description import FILE_NAME, read_description
from ai_usage.migration.dual_write import (
    is_on,
    keep_marks,
    old_file,
    refuse_other_writers,
    written_tables,
)
from ai_usage.migration.log import entries, note
from ai_usage.migration.states import Entry
from ai_usage.settings import Settings, acting_user
from ai_usage.text.printable import one_line


def dual_write(
    console: Console, settings: Settings, file: Path | None, *, on: bool, why: str, dry_run: bool
) -> None:
    """Switch dual write on or off, and note it.

    Raises `MigrationError` where there is nothing to write, or somebody else still writes it.
    """
    archive = Archive(settings.archive_root)
    if on:
        description = read_description(file or settings.home / FILE_NAME)
        target, tables = old_file(description.source), list(written_tables(description))
        refuse_other_writers(target, archive, tables)
        say(console, f"each run writes {', '.join(tables)} in {target.path}, too")
        if dry_run:
            return
        keep_marks(archive, target, tables, settings.now)
    else:
        was = "was on" if is_on(entries(archive)) else "was off already"
        say(console, f"dual write {was}; the old tables stay as they are")
        if dry_run:
            return
    said = {"switch": "on" if on else "off"}
    note(
        archive,
        Entry(
            at=settings.now,
            step="dual_write",
            outcome="done",
            by=acting_user(settings),
            why=one_line(why),
            details=said,
        ),
    )
