"""`ai-usage attribution`: records for people to confirm, and what they confirmed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.migration.accuracy import Accuracy, confirmed, sheet
from ai_usage.migration.log import note
from ai_usage.migration.sampling import draw
from ai_usage.migration.states import Entry
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings, acting_user
from ai_usage.text.figures import share
from ai_usage.text.words import counted


def write_sample(
    console: Console, settings: Settings, window: Window, count: int, path: Path, seed: str | None
) -> None:
    """Write records into a sheet. Raises `AiUsageError` where there is nothing to confirm."""
    if path.exists():
        raise AiUsageError(f"{path} is there already, and may hold answers: name another --out.")
    warehouse = warehouse_resource(settings).warehouse()
    rows = draw(warehouse, window, count, seed) if warehouse.exists("fact_ai_costs") else []
    if not rows:
        raise AiUsageError(
            f"no record of {window} belongs to a person: load days first, or see "
            "`ai-usage keys gaps`."
        )
    path.write_text(sheet(rows), encoding="utf-8")
    say(
        console,
        f"wrote {counted(len(rows), 'record')} to {path}: let people fill in is_right with yes or "
        f"no, then: ai-usage attribution confirm {path}",
    )


def note_confirmed(console: Console, settings: Settings, path: Path) -> None:
    """Note what people filled in, and print the accuracy. Raises `MigrationError`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AiUsageError(
            f"{path}: there is no such file; `ai-usage attribution sample` writes one."
        ) from None
    found = confirmed(text, str(path))
    if not found.answered:
        raise AiUsageError(f"{path}: nobody has answered yet; fill in is_right with yes or no.")
    note(
        Archive.of(settings),
        Entry(
            at=settings.now,
            step="confirm",
            outcome="done",
            by=acting_user(settings),
            details={
                "right": str(found.right),
                "answered": str(found.answered),
                "shown": str(found.shown),
            },
        ),
    )
    say(console, told(found))


def told(found: Accuracy) -> str:
    """The accuracy with its interval, for a person."""
    low, high = found.interval
    return (
        f"{found.right} of {counted(found.answered, 'answer')} say right: {share(found.share)}, "
        f"between {share(low)} and {share(high)} with 95 % confidence; "
        f"{found.shown - found.answered} without an answer"
    )
