"""`ai-usage import`: saved vendor answers into the archive, then the days they hold rebuilt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from rich.console import Console

from ai_usage.commands.progress import run_with_progress
from ai_usage.definitions import build_defs
from ai_usage.errors import AiUsageError
from ai_usage.platforms.archive import AmountsIn, Archive
from ai_usage.platforms.base import Window
from ai_usage.platforms.importing import import_file, recognise
from ai_usage.running import Refetch
from ai_usage.settings import Settings


def import_files(
    console: Console,
    settings: Settings,
    files: list[Path],
    amounts_in: AmountsIn,
    *,
    replace: bool,
) -> None:
    """Recognise every file before any is taken; then materialise the days they cover.

    Raises `AiUsageError` if one is not recognised, holds days before the first partition, or days
    that the archive holds from the vendor and `replace` is not set.
    """
    windows = [recognise(path).window for path in files]
    first, last = min(w.start for w in windows), max(w.end for w in windows)
    if first < settings.first_day:
        raise AiUsageError(
            f"the files hold {first}, before the first partition {settings.first_day}: set "
            f"AI_USAGE_START_DATE={first.replace(day=1)} or earlier."
        )
    archive = Archive(settings.archive_root)
    for path in files:
        report = import_file(
            path, archive, now=settings.now, amounts_in=amounts_in, replace=replace
        )
        console.print(
            f"{path.name}: {report.vendor} {report.endpoint}, {report.window}, "
            f"amounts read as {report.amounts_in}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    window = Window(first, min(last, settings.today + timedelta(days=1)))
    defs = build_defs(settings)
    sources = " or ".join(
        f'key:"{key.path[-1]}"'
        for key in defs.resolve_asset_graph().executable_asset_keys
        if key.path[-1].startswith("source_")
    )
    run_with_progress(console, defs, settings, f"not ({sources})", window, Refetch.nothing())
