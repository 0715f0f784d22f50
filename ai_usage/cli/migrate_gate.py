"""`ai-usage migrate validate` and `reopen`: what the gate asks for, and whether it is met."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.acceptance import approval
from ai_usage.cli.harmless import say
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import checked_window
from ai_usage.migration.description import FILE_NAME, read_description
from ai_usage.migration.gate import Approval, Condition, conditions
from ai_usage.migration.log import entries, step
from ai_usage.migration.measuring import measure
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import check_step
from ai_usage.orchestration.checks.metrics import PROMISED_FRESH
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings, acting_user
from ai_usage.text.words import counted


def validate(
    console: Console,
    settings: Settings,
    first: date | None,
    last: date | None,
    file: Path | None,
    *,
    why: str,
    dry_run: bool,
) -> None:
    """Print each condition with its figure; note that they are met unless `dry_run`.

    Raises `MigrationError` where one is not.
    """
    archive = Archive.of(settings)
    if not dry_run:
        check_step(entries(archive), "validate", settings.now)
    found = gate(settings, gate_window(settings, first, last), file)
    for one in found:
        say(console, f"{'met' if one.met else 'NOT met'}: {one.name} ({one.found})")
    refuse_unmet(found)
    if not dry_run:
        with step(archive, "validate", by=acting_user(settings), why=why, now=settings.now):
            pass
        say(console, "the migration is validated; next: ai-usage migrate cutover --dry-run")


def reopen(console: Console, settings: Settings, why: str, *, dry_run: bool) -> None:
    """Go back from validated to parallel."""
    archive = Archive.of(settings)
    if dry_run:
        check_step(entries(archive), "reopen", settings.now)
        say(console, "the migration would be parallel again; people would be asked anew")
        return
    with step(archive, "reopen", by=acting_user(settings), why=why, now=settings.now):
        pass
    say(console, "the migration is parallel again; answers of people are asked anew")


def gate(settings: Settings, window: Window, file: Path | None) -> list[Condition]:
    """Every condition of the gate, measured over the window."""
    voted = approval(settings)
    evidence = measure(
        read_description(file or settings.home / FILE_NAME),
        Archive.of(settings),
        warehouse_resource(settings).warehouse(),
        window,
        PROMISED_FRESH,
        settings.now,
        Approval(voted.votes, voted.approving),
    )
    return conditions(evidence)


def refuse_unmet(found: list[Condition]) -> None:
    """Raise `MigrationError` where a condition is not met."""
    unmet = [one.name for one in found if not one.met]
    if unmet:
        raise MigrationError(
            f"{counted(len(unmet), 'condition')} not met: {'; '.join(unmet)}. See "
            "docs/migration.md."
        )


def gate_window(settings: Settings, first: date | None = None, last: date | None = None) -> Window:
    """By default from the first of the month before: seven final days with a month end need it."""
    yesterday = settings.today - timedelta(days=1)
    month_before = (yesterday.replace(day=1) - timedelta(days=1)).replace(day=1)
    start = first or max(month_before, settings.first_day)
    return checked_window(settings, start, last or yesterday)
