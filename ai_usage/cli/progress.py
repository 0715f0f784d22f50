"""A run with its progress on screen, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta

import dagster as dg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ai_usage.archive.archive import Archive
from ai_usage.cli.findings import described
from ai_usage.cli.harmless import say
from ai_usage.days.windows import Window
from ai_usage.errors import ArgumentError, SettingsError
from ai_usage.instance.progress import Step
from ai_usage.ledger.adopted import Change, deferred_changes, pending_changes, widened
from ai_usage.ledger.bills import pending_bills
from ai_usage.ledger.closing import History, history
from ai_usage.ledger.deferred import deferred_in_open_months, open_whole_months
from ai_usage.ledger.rule_changes import OutdatedDays
from ai_usage.ledger.totals import first_deferred_day
from ai_usage.orchestration.adopting import outdated
from ai_usage.orchestration.resources import Resources, resources_of
from ai_usage.orchestration.runs import (
    Refetch,
    RunResult,
    plan_size,
    run_assets,
    selected,
)
from ai_usage.settings import Settings
from ai_usage.text.words import counted
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.configured import not_asked

SILENCE_SECONDS = 20.0
"""How long a fetch says nothing where every word is a line."""

_SAID = ("retrying", "resuming", "standing")
"""States whose notes are told, whatever else is."""
_UNDER_WAY = ("started", "fetching", "reading", "filling", "waiting")

STOPPED = 130
"""The exit code of a command that a person stopped, as shells have it (128 + SIGINT)."""


def run_with_progress(
    console: Console,
    defs: dg.Definitions,
    settings: Settings,
    selection: str,
    window: Window,
    refetch: Refetch,
    *,
    leave_closed: bool = False,
    rebuilt: Collection[date] = (),
    spare: bool = False,
    command: str = "run",
) -> RunResult:
    """Run the selection over the window; print what failed, and exit with 1 if anything did.

    A warning is no failure; an error is one, also where nothing waits for it. Raises
    `SettingsError` after a run that should have asked vendors and could ask none.
    """
    result = follow(
        console,
        defs,
        settings,
        selection,
        window,
        refetch,
        leave_closed=leave_closed,
        rebuilt=rebuilt,
        spare=spare,
        command=command,
    )
    print_outcome(console, result, window)
    vendors = discovered_vendors()
    graph = defs.resolve_asset_graph()
    asked = {graph.get(key).tags.get("vendor") for key in selected(defs, selection)}
    if asked & {vendor.name for vendor in vendors} and (why := not_asked(settings, vendors)):
        raise SettingsError(why)
    if not result.sound:
        raise typer.Exit(1)
    return result


def window_of_run(
    console: Console, settings: Settings, window: Window, *, closed: bool = False
) -> Window:
    """The window, reaching back to what changed files or rules affect; says so if it does.

    Closed months are left out, and it is said what they are left out of; with `closed` the window
    reaches back to all that was held back from them, what vendors restated included. An open month
    before a closed one is as open as any: what it lacks is built, and its name is told.
    """
    given = Resources.named(resources_of(settings))
    archive, warehouse = given.archive, given.warehouse
    known = history(archive)
    changes = pending_changes(archive, settings.reference_path, settings)
    deferred_files = deferred_changes(archive, settings.reference_path, settings)
    older = outdated(given, settings.first_day)
    first = window.start
    if closed:
        changes = [*changes, *deferred_files]
        first = first_deferred_day(warehouse) or first
    else:
        for month in open_whole_months(settings, archive, warehouse):
            say(
                console,
                f"{month:%Y-%m} is open though {max(known.standing):%Y-%m} is closed: it changes "
                f"by itself until `ai-usage close {month:%Y-%m}`.",
            )
        deferred = deferred_in_open_months(settings, archive, warehouse)
        if deferred is not None:
            first = deferred.day
            say(console, f"{deferred}: days from {first} on are rebuilt.")
    window = Window(min(window.start, first), window.end)
    bills = pending_bills(archive, settings.first_day)
    asked: list[Change] = [*changes, *bills, *([older] if older else [])]
    found = widened(window, asked, archive, settings.first_day, closed=closed)
    if older is not None:
        _say_why(console, settings, known, older)
    for change in changes:
        if found.start < window.start and change.day < window.start:
            first = max(change.day, found.start)
            say(console, f"{change.file.name} has changed: days from {first} on are rebuilt.")
    for bill in bills:
        if found.start < window.start and bill.day < window.start:
            first = max(bill.day, found.start)
            say(console, f"{bill}: days from {first} on are rebuilt.")
    for change in [] if closed else deferred_files:
        first = known.first_locked(max(change.day, settings.first_day)) or change.day
        say(
            console,
            f"{change.file.name} has changed from {first} on. {_closed_days(settings, known)} as "
            "reported; `ai-usage run --closed` takes the change in as an adjustment.",
        )
    return found


def _say_why(console: Console, settings: Settings, known: History, older: OutdatedDays) -> None:
    """That days of an older version's rules are rebuilt, and what has changed in the rules."""
    days = sum(len(window.days()) for window in older.open)
    spans = ", ".join(map(str, older.open))
    say(
        console,
        f"{counted(days, 'day')} ({spans}) {'is' if days == 1 else 'are'} rebuilt from the "
        "archive, once, because this version builds days by other rules:",
    )
    for reason in older.reasons:
        say(console, f"  - {reason}")
    if known.standing:
        say(console, f"{_closed_days(settings, known)} as reported.")


ADD_CLOSED = "add --closed to build them anew; what changes is an adjustment."
"""What a person does who wants closed days built."""


def refuse_closed(settings: Settings, window: Window, remedy: str | None = None) -> None:
    """Raise `AiUsageError` if the window reaches into a closed month.

    `remedy` says what to do; by default which days to ask for instead.
    """
    known = history(Archive.of(settings))
    if known.locked(window):
        raise ArgumentError(
            f"{window} reaches into closed books. {_closed_days(settings, known)} as reported: "
            f"{remedy or _without(window, known.open(window))}"
        )


def _without(window: Window, open_days: Sequence[Window]) -> str:
    """Which days of a command's window are open, as its arguments."""
    if not open_days:
        return ADD_CLOSED
    if len(open_days) > 1:
        return f"ask for {' and '.join(map(str, open_days))} one by one, or {ADD_CLOSED}"
    (only,) = open_days
    start = f"begin with --from {only.start}" if only.start > window.start else ""
    end = f"end with --to {only.end - timedelta(days=1)}" if only.end < window.end else ""
    return f"{' and '.join(filter(None, (start, end)))}, or {ADD_CLOSED}"


def _closed_days(settings: Settings, known: History) -> str:
    """Which days are closed, as the beginning of a sentence on what becomes of them."""
    if known.locked_until is None:
        return "No days are closed and all stay"
    if not known.open_before(settings.first_day):
        return f"Days up to {known.locked_until - timedelta(days=1)} are closed and stay"
    months = [f"{month:%Y-%m}" for month in known.standing]
    verb = "is closed and stays" if len(months) == 1 else "are closed and stay"
    return f"{', '.join(months)} {verb}"


def follow(
    console: Console,
    defs: dg.Definitions,
    settings: Settings,
    selection: str,
    window: Window,
    refetch: Refetch,
    *,
    leave_closed: bool = False,
    rebuilt: Collection[date] = (),
    spare: bool = False,
    command: str = "run",
) -> RunResult:
    """Run the selection over the window and show how far it is; exit with 130 if it is stopped.

    On a terminal there is a bar, a step being an asset or a check; elsewhere a line an asset. A
    source that takes long says how many days it has and how long the others will take.
    """
    started = time.monotonic()

    def run(progress: Callable[[Step], None]) -> RunResult:
        return run_assets(
            defs,
            settings,
            selection,
            window,
            refetch=refetch,
            leave_closed=leave_closed,
            rebuilt=rebuilt,
            spare=spare,
            command=command,
            progress=progress,
        )

    if console.is_terminal:
        result = _with_a_bar(console, f"{window}", plan_size(defs, selection), run)
    else:
        assets = [key.path[-1] for key in selected(defs, selection)]
        result = _with_lines(console, assets, run)
    seconds = time.monotonic() - started
    if result.interrupted:
        console.print(
            f"stopped after {seconds:.0f} s. Nothing is lost: what was fetched is kept, no day is "
            "half-written, and the same command goes on from there.",
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(STOPPED)
    console.print(
        f"{counted(len(result.materialized), 'asset')}, {counted(len(window.days()), 'day')} "
        f"({window}) in {seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    if result.since is not None:
        say(
            console,
            f"Nothing has changed since run {result.since[:8]}: "
            f"{counted(len(result.standing), 'asset')} "
            f"of the warehouse {'stands' if len(result.standing) == 1 else 'stand'} as they are. "
            f"`ai-usage backfill --from {window.start}` builds them all the same.",
        )
    return result


def _with_a_bar(
    console: Console, title: str, steps: int, run: Callable[[Callable[[Step], None]], RunResult]
) -> RunResult:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=steps)

        def show(step: Step) -> None:
            if step.state in _SAID:
                progress.console.print(step.note, style="yellow", markup=False, soft_wrap=True)
            elif step.state in (*_UNDER_WAY, "fetched"):
                note = f"  {step.note}" if step.note else ""
                progress.update(task, description=f"{title}  {step.name}{note}")
            else:
                progress.advance(task)
                if step.state == "failed":
                    progress.console.print(f"[red]failed[/red]  {step.name}")

        return run(show)


def _with_lines(
    console: Console, assets: list[str], run: Callable[[Callable[[Step], None]], RunResult]
) -> RunResult:
    done = 0
    spoken = time.monotonic()
    notes: dict[str, str] = {}

    def show(step: Step) -> None:
        nonlocal done, spoken
        if step.state == "fetched":
            # Several parts of a window are fetched one after another: the line says all of them.
            notes[step.name] = "; ".join(filter(None, (notes.get(step.name), step.note)))
            return
        if step.state in _SAID:
            say(console, f"        {step.note}")
        if step.state in ("fetching", "reading") and time.monotonic() - spoken < SILENCE_SECONDS:
            return
        if step.state in ("fetching", "reading", "filling"):
            console.print(
                f"        {step.state} {step.name}: {step.note}", highlight=False, soft_wrap=True
            )
        if step.state == "waiting":
            console.print(
                f"        waiting for the {step.name}: {step.note}",
                highlight=False,
                soft_wrap=True,
            )
        spoken = time.monotonic()
        if step.state in (*_UNDER_WAY, *_SAID) or (
            step.name not in assets and step.state != "failed"
        ):
            return
        done += step.name in assets
        note = f": {notes[step.name]}" if step.name in notes else ""
        say(console, f"  {done:>2}/{len(assets)} {step.state:<7} {step.name}{note}")

    return run(show)


def print_outcome(console: Console, result: RunResult, window: Window) -> None:
    """Errors, a line a cause, what was not built because of them, and checks that did not pass."""
    for error in result.causes:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    failed = [check for check in result.checks if not check.passed]
    passed = len(result.checks) - len(failed)
    console.print(f"{passed} of {counted(len(result.checks), 'check')} passed", highlight=False)
    for check in sorted(failed, key=lambda check: not check.is_error):
        style = "red" if check.is_error else "yellow"
        for line in described(check, window):
            console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
    for is_error, style in ((True, "red"), (False, "yellow")):
        names = [f"{c.asset}.{c.name}" for c in result.still_failing if c.is_error is is_error]
        if names:
            said = f"{'error' if is_error else 'warning'}  as before: {', '.join(names)}"
            console.print(said, style=style, markup=False, highlight=False, soft_wrap=True)
    if result.not_built:
        say(
            console,
            f"Not built, because of the above: {', '.join(result.not_built)}. Their last good "
            "state stays; fix the cause and run the same command again.",
        )
