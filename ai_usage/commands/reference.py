"""`ai-usage reference check` and `init`."""

from __future__ import annotations

from rich.console import Console

from ai_usage.assets.dimensions import Directory
from ai_usage.commands.words import counted
from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import discovered_vendors
from ai_usage.reference import check, reference_files, write_samples
from ai_usage.settings import Settings


def check_files(console: Console, settings: Settings) -> bool:
    """Print every file's state, each problem and warning on its own line; True if all are good."""
    directory = Directory(settings, discovered_vendors(), Archive(settings.archive_root))
    found = check(reference_files(), settings.reference_path, directory.known_people())
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
    unread = directory.unread()
    if unread and any(file.present for file in found):
        console.print(
            f"Whether people are known is not checked: {' and '.join(unread)} "
            f"{'have' if len(unread) > 1 else 'has'} not been read yet. See: ai-usage run",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return all(file.ok for file in found)


def write_sample_files(console: Console, settings: Settings) -> None:
    """Write the samples that are missing and say which."""
    written = write_samples(reference_files(), settings.reference_path)
    for path in written:
        console.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    if not written:
        console.print(f"{settings.reference_path} has every file already; nothing was written.")
