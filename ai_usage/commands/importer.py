"""`ai-usage import`: saved vendor answers into the archive, then the days they hold rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from ai_usage.commands.progress import refuse_closed, run_with_progress
from ai_usage.definitions import build_defs
from ai_usage.errors import AiUsageError
from ai_usage.platforms.archive import AmountsIn, Archive
from ai_usage.platforms.base import Window
from ai_usage.platforms.importing import (
    SavedAnswer,
    import_file,
    recognise,
    refuse_held_days,
)
from ai_usage.running import Refetch
from ai_usage.settings import Settings


def import_files(
    console: Console,
    settings: Settings,
    files: Sequence[Path],
    amounts_in: AmountsIn,
    *,
    replace: bool,
    closed: bool = False,
) -> None:
    """Examine every file before any is taken; then materialise the days they cover.

    Raises `AiUsageError` if one is not recognised, two hold the same days of one endpoint, one
    holds days that are no partitions, days that the archive holds from the vendor and `replace` is
    not set, or days of closed months and `closed` is not set.
    """
    archive = Archive(settings.archive_root)
    found = [(path, recognise(path)) for path in files]
    for path, saved in found:
        _refuse_outside(settings, path, saved.window)
        if not closed:
            mend = (
                "import the file with --closed to build them anew; what changes is an adjustment."
            )
            refuse_closed(settings, saved.window, mend)
        if not replace:
            refuse_held_days(archive, path, saved)
    _refuse_twice(found)
    for path, saved in found:
        report = import_file(
            path, archive, now=settings.now, amounts_in=amounts_in, replace=replace
        )
        unit = f", amounts read as {report.amounts_in}" if saved.endpoint.lookback == "cost" else ""
        console.print(
            f"{path.name}: {saved.vendor.title} {report.endpoint}, {report.window}{unit}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    last = max(saved.window.end for _, saved in found)
    window = Window(
        min(saved.window.start for _, saved in found),
        min(last, settings.today + timedelta(days=1)),
    )
    defs = build_defs(settings)
    sources = " or ".join(
        f'key:"{key.path[-1]}"'
        for key in defs.resolve_asset_graph().executable_asset_keys
        if key.path[-1].startswith("source_")
    )
    run_with_progress(console, defs, settings, f"not ({sources})", window, Refetch.nothing())


def _refuse_outside(settings: Settings, path: Path, window: Window) -> None:
    if window.start < settings.first_day:
        raise AiUsageError(
            f"{path} holds {window.start}, before the first partition {settings.first_day}: set "
            f"AI_USAGE_START_DATE={window.start.replace(day=1)} or earlier."
        )
    if window.start > settings.today:
        raise AiUsageError(f"{path} holds {window.start}, but today (UTC) is {settings.today}.")


def _refuse_twice(found: Sequence[tuple[Path, SavedAnswer]]) -> None:
    """The second of two answers for one day would silently take the first one's place."""
    for number, (path, saved) in enumerate(found):
        for earlier, other in found[:number]:
            if saved.endpoint is not other.endpoint:
                continue
            if saved.window.start < other.window.end and other.window.start < saved.window.end:
                raise AiUsageError(
                    f"{earlier} and {path} both hold {saved.vendor.name} {saved.endpoint.name} of "
                    f"{max(saved.window.start, other.window.start)}: put the pages of one answer "
                    "into one file, one after another, or import the files one by one, the last "
                    "word last."
                )
