"""A run with its progress on screen, and how it ended."""

from __future__ import annotations

import time

import dagster as dg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import Window
from ai_usage.reference_state import pending_changes, widened
from ai_usage.running import Refetch, RunResult, Step, plan_size, run_assets
from ai_usage.settings import Settings


def run_with_progress(
    console: Console,
    defs: dg.Definitions,
    settings: Settings,
    selection: str,
    window: Window,
    refetch: Refetch,
) -> RunResult:
    """Run the selection over the window; print what failed, and exit with 1 if anything did."""
    result = follow(console, defs, settings, selection, window, refetch)
    print_outcome(console, result)
    if not result.success:
        raise typer.Exit(1)
    return result


def with_reference_changes(console: Console, settings: Settings, window: Window) -> Window:
    """The window, reaching back to what changed reference files affect; says so if it does."""
    changes = pending_changes(Archive(settings.archive_root), settings)
    for change in changes:
        if change.day < window.start:
            first = max(change.day, settings.first_day)
            console.print(
                f"{change.file.name} has changed: days from {first} on are rebuilt.",
                markup=False,
                highlight=False,
            )
    return widened(window, changes, settings)


def follow(
    console: Console,
    defs: dg.Definitions,
    settings: Settings,
    selection: str,
    window: Window,
    refetch: Refetch,
) -> RunResult:
    """Run the selection over the window with a progress bar, a step being an asset or a check."""
    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{window}", total=plan_size(defs, selection))

        def show(step: Step) -> None:
            if step.state == "started":
                progress.update(task, description=f"{window}  {step.name}")
            else:
                progress.advance(task)
                if step.state == "failed":
                    progress.console.print(f"[red]failed[/red]  {step.name}")

        result = run_assets(defs, settings, selection, window, refetch=refetch, progress=show)
    console.print(
        f"{len(result.materialized)} assets, {len(window.days())} days ({window}) "
        f"in {time.monotonic() - started:.0f} s",
        highlight=False,
    )
    return result


def print_outcome(console: Console, result: RunResult) -> None:
    """Errors as lines, and the checks that did not pass."""
    for error in result.errors:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    failed = [check for check in result.checks if not check.passed]
    passed = len(result.checks) - len(failed)
    console.print(f"{passed} of {len(result.checks)} checks passed", highlight=False)
    for check in failed:
        what = "; ".join(f"{name}: {count}" for name, count in check.failures.items())
        word, style = ("FAILED", "red") if check.blocking else ("warning", "yellow")
        console.print(
            f"{word}  {check.asset}.{check.name}  {what}",
            style=style,
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
