"""`ai-usage looker`: write the files of a Looker project from the SQL."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ai_usage.errors import AiUsageError
from ai_usage.looker.files import looker_files


def write_looker(console: Console, folder: Path) -> None:
    """Write every file anew below the folder, and remove generated ones that are no more.

    Raises `AiUsageError` where the folder cannot be written.
    """
    files = looker_files()
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for path in _generated(folder):
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()
    except OSError as error:
        raise AiUsageError(f"{folder} cannot be written: {error.strerror}.") from error
    console.print(f"{folder}: {len(files)} files of views, explores and dashboards.", markup=False)


def _generated(folder: Path) -> list[Path]:
    return [*folder.glob("views/*.view.lkml"), *folder.glob("dashboards/*.dashboard.lookml")]
