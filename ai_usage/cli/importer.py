"""`ai-usage import`: saved vendor answers into the archive, then the days they hold rebuilt."""

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
from ai_usage.ledger.closing import history
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.text.words import counted, few, ranges
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
    archive = Archive(settings.archive_root)
    plans = plan_imports(
        files,
        archive,
        now=settings.now,
        amount_unit=amount_unit,
        replace=replace,
        stated=stated.days() if stated else None,
    )
    for plan in plans:
        _refuse(settings, plan, closed=closed)
    for plan in plans:
        take(archive, plan, now=settings.now, amount_unit=amount_unit)
        for line in _told(plan, amount_unit):
            say(console, line)
    # Days that were there already too: a run that was broken off may not have built them.
    days = [day for plan in plans for day in (*plan.taken, *plan.same)]
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


def _refuse(settings: Settings, plan: Import, *, closed: bool) -> None:
    if not plan.taken:
        return
    window = Window(plan.taken[0], plan.taken[-1] + timedelta(days=1))
    if window.start < settings.first_day:
        raise AiUsageError(
            f"{plan.answer.names} holds {window.start}, before the first partition "
            f"{settings.first_day}: set AI_USAGE_START_DATE={window.start.replace(day=1)} or "
            "earlier."
        )
    if not closed:
        remedy = "import the file with --closed to build them anew; what changes is an adjustment."
        for part in windows_of(plan.taken):
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
