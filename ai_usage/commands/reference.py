"""`ai-usage reference check` and `init`."""

from __future__ import annotations

from rich.console import Console

from ai_usage.commands.words import counted
from ai_usage.reference import check, reference_files, write_samples
from ai_usage.settings import Settings


def check_files(console: Console, settings: Settings) -> bool:
    """Print every file's state, each problem and warning on its own line; True if all are good."""
    found = check(reference_files(), settings.reference_path)
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
    return all(file.ok for file in found)


def write_sample_files(console: Console, settings: Settings) -> None:
    """Write the samples that are missing and say which."""
    written = write_samples(reference_files(), settings.reference_path)
    for path in written:
        console.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    if not written:
        console.print(f"{settings.reference_path} has every file already; nothing was written.")
