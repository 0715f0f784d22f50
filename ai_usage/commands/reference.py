"""`ai-usage reference check` and `init`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ai_usage.assets.dimensions import Directory
from ai_usage.assets.finance import Books
from ai_usage.commands.words import counted
from ai_usage.errors import AiUsageError
from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import discovered_vendors
from ai_usage.reference import (
    Beyond,
    Checked,
    Row,
    check,
    products_of,
    reference_files,
    write_samples,
)
from ai_usage.settings import Settings


def checked_files(settings: Settings) -> tuple[list[Checked], str | None]:
    """What a check of the files finds, and why it cannot tell whether people are known, if so.

    Whatever is wrong with a directory or the archive is not the files' fault: they are checked.
    """
    why = None
    people: Sequence[Row] | None = None
    books = Books(Directory(settings, discovered_vendors(), Archive(settings.archive_root)))
    directory, beyond = books.directory, Beyond(products_of(discovered_vendors()))
    try:
        people, unread = directory.known_people(), directory.unread()
        beyond = books.beyond()
        if unread:
            have = "have" if len(unread) > 1 else "has"
            why = f"{' and '.join(unread)} {have} not been read yet. See: ai-usage run"
    except AiUsageError as error:
        why = f"{error}"
    return check(reference_files(), settings.reference_path, people, beyond), why


def check_files(console: Console, settings: Settings) -> bool:
    """Print every file's state, each problem and warning on its own line; True if all are good."""
    found, why = checked_files(settings)
    for file in found:
        if not file.ok:
            state = "[red]refused[/red]"
        elif not file.present:
            state = "none   "
        else:
            state = "[green]ok     [/green]"
        console.print(
            f"{state} {file.name}" + (f", {counted(file.rows, 'row')}" if file.present else "")
        )
        for line in (*file.problems, *file.warnings):
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if why and any(file.present for file in found):
        told = f"Whether people are known is not checked: {why}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    return all(file.ok for file in found)


def write_sample_files(console: Console, settings: Settings) -> None:
    """Write the samples that are missing and say which."""
    written = write_samples(reference_files(), settings.reference_path)
    for path in written:
        console.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    if not written:
        console.print(f"{settings.reference_path} has every file already; nothing was written.")
