"""`ai-usage import`: saved answers and bills into the archive, then the days they hold rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from ai_usage.archive.archive import AmountsIn, Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.progress import refuse_closed, run_with_progress
from ai_usage.days.windows import Window, windows_of
from ai_usage.errors import AiUsageError
from ai_usage.focus.files import FocusFile, is_focus_name
from ai_usage.focus.shelf import keep
from ai_usage.focus.taking import Taking, plan, told
from ai_usage.ledger.closing import history
from ai_usage.orchestration.assets.focus import known_of
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.text.words import counted, few, ranges
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.importing import Import, parts_of, plan_imports, take


def import_files(
    console: Console,
    settings: Settings,
    files: Sequence[Path],
    amount_unit: AmountsIn,
    *,
    replace: bool,
    closed: bool = False,
    stated: Window | None = None,
) -> None:
    """Examine all files before any is taken; then materialise the days that they bring.

    Says of each answer which days are taken, which are there already and which stay open, with
    the dollars that it bills for them. Raises `AiUsageError` where `plan_imports` does, and for
    days that are no partitions, or of closed months if `closed` is not set.
    """
    archive = Archive.of(settings)
    of_bills = [path for path in files if is_focus_name(path.name)]
    answers = [path for path in files if path not in of_bills]
    takings = _bills(settings, archive, of_bills, replace=replace, stated=stated)
    plans = plan_imports(
        answers,
        archive,
        now=settings.now,
        amount_unit=amount_unit,
        replace=replace,
        stated=stated.days() if stated else None,
    )
    for own in plans:
        if own.taken:
            window = Window(own.taken[0], own.taken[-1] + timedelta(days=1))
            _refuse(settings, own.answer.names, window, own.taken, closed=closed)
    for taking in takings:
        if not taking.is_held:
            period = taking.bill.key.period
            _refuse(settings, taking.bill.names, period, period.days(), closed=closed)
    keep(archive, [taking.bill for taking in takings if not taking.is_held], settings.now)
    for taking in takings:
        for line in told(taking):
            say(console, line)
    for own in plans:
        take(archive, own, now=settings.now, amount_unit=amount_unit)
        for line in _told(own, amount_unit):
            say(console, line)
    # Days that were there already too: a run that was broken off may not have built them.
    days = [day for own in plans for day in (*own.taken, *own.same)]
    days += [day for taking in takings for day in taking.bill.key.period.days()]
    days = [day for day in days if settings.first_day <= day <= settings.today]
    locked = {} if closed else history(archive).standing
    days = [day for day in days if day.replace(day=1) not in locked]
    if not days:
        return
    window = Window(min(days), max(days) + timedelta(days=1))
    build_without_vendors(console, settings, window, closed=closed, command="import")


def build_without_vendors(
    console: Console, settings: Settings, window: Window, *, closed: bool, command: str
) -> None:
    """Build the days from what the archive holds; exit with 1 if anything failed.

    Days of closed months stay as they are unless `closed`.
    """
    defs = build_defs(settings)
    sources = " or ".join(
        f'key:"{key.path[-1]}"'
        for key in defs.resolve_asset_graph().executable_asset_keys
        if key.path[-1].startswith("source_")
    )
    run_with_progress(
        console,
        defs,
        settings,
        f"not ({sources})",
        window,
        Refetch.nothing(),
        leave_closed=not closed,
        command=command,
    )


def _bills(
    settings: Settings,
    archive: Archive,
    paths: Sequence[Path],
    *,
    replace: bool,
    stated: Window | None,
) -> list[Taking]:
    """What bills in the FOCUS format the files bring; nothing is taken yet."""
    if not paths:
        return []
    known = known_of(settings, archive, discovered_vendors())
    files = [FocusFile(path, path.name) for path in paths]
    return plan(files, archive, settings.today, known, replace=replace, stated=stated)


def _refuse(
    settings: Settings, names: str, window: Window, days: Sequence[date], *, closed: bool
) -> None:
    if window.start < settings.first_day:
        raise AiUsageError(
            f"{names} holds {window.start}, before the first partition "
            f"{settings.first_day}: set AI_USAGE_START_DATE={window.start.replace(day=1)} or "
            "earlier."
        )
    if not closed:
        remedy = "import the file with --closed to build them anew; what changes is an adjustment."
        for part in windows_of(days):
            refuse_closed(settings, part, remedy)


def _told(plan: Import, amount_unit: AmountsIn) -> Iterator[str]:
    """The days that an answer brings and those that it does not, with dollars if it bills any."""
    answer = plan.answer
    bills = answer.endpoint.has_cost

    def days(found: Sequence[date]) -> str:
        dollars = f", ${plan.usd(found):,.2f}" if bills else ""
        return f"{counted(len(found), 'day')}{dollars}"

    files = few([path.name for path in dict.fromkeys(page.path for page in answer.pages)])
    of = ranges(plan.taken) if plan.taken else "nothing new"
    unit = f", amounts read as {amount_unit}" if bills else ""
    yield f"{files}: {answer.vendor.title} {answer.endpoint.name}, {of}{unit}"
    yield f"  taken: {days(plan.taken)}"
    if plan.same:
        yield f"  there already, and the same: {days(plan.same)} ({ranges(plan.same)})"
    if not plan.left_open:
        yield "  left open: 0 days"
        return
    backfill = f"ai-usage backfill --from {plan.left_open[0]} --to {plan.left_open[-1]}"
    cut = f", of which it has only {parts_of(answer)}" if answer.days.parts else ""
    known = " in the file" if bills else ""
    yield (
        f"  left open: {days(plan.left_open)}{known} ({ranges(plan.left_open)}{cut}); `{backfill}` "
        "asks the vendor for them"
    )
