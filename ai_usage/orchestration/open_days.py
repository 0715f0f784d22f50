"""Which days a run may write: all of its own, or all but those of closed months.

Runs that start by themselves, and `ai-usage run`, leave closed months as they are: a tag of the run
says so. A run without it was asked for its days by a person, closed months included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.months import month_of
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import window_of
from ai_usage.ledger.closing import history
from ai_usage.orchestration.run_log import say

_CLOSED_TAG: Final = "ai_usage/closed_months"
_LEFT: Final = "left"

_REBUILT_TAG: Final = "ai_usage/rebuilt_months"

LEAVE_CLOSED: Mapping[str, str] = {_CLOSED_TAG: _LEFT}
"""The tags of a run that does not build closed months."""


def leaves_closed(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags leaves closed months as they are."""
    return tags.get(_CLOSED_TAG) == _LEFT


def rebuilds(months: Iterable[date]) -> Mapping[str, str]:
    """The tags of a run that builds these closed months as they were reported, and no others.

    For months whose rows the warehouse has lost.
    """
    named = ",".join(f"{month:%Y-%m}" for month in sorted(months))
    return {**LEAVE_CLOSED, **({_REBUILT_TAG: named} if named else {})}


def _rebuilt(tags: Mapping[str, str]) -> frozenset[date]:
    named = filter(None, tags.get(_REBUILT_TAG, "").split(","))
    return frozenset(date.fromisoformat(f"{month}-01") for month in named)


def windows_to_build(context: dg.AssetExecutionContext, archive: Archive) -> list[Window]:
    """The run's days of the asset that it may write, in order.

    Asked when the asset is built: a month that was closed while the run waited is left out, too.
    """
    return _open(context, archive, window_of(context), _rebuilt(context.run.tags))


def windows_of_today(context: dg.AssetExecutionContext, archive: Archive) -> list[Window]:
    """Those that are built from what is known today: without closed months that are rebuilt."""
    return _open(context, archive, window_of(context), frozenset())


def windows_as_known(
    context: dg.AssetExecutionContext, archive: Archive, window: Window | None = None
) -> list[tuple[Window, Archive]]:
    """`windows_to_build`, each with the archive that it is built from; or those of the window.

    A closed month that is rebuilt is built from what was known when it was closed: it stays as it
    was reported, and what was said later is held back as before.
    """
    rebuilt = _rebuilt(context.run.tags)
    windows = _open(context, archive, window or window_of(context), rebuilt)
    if not rebuilt:
        return [(open_, archive) for open_ in windows]
    standing = history(archive).standing
    found: list[tuple[Window, Archive]] = []
    for open_ in windows:
        for part in open_.months():
            month = month_of(part.start)
            closed = standing.get(month) if month in rebuilt else None
            if closed is not None:
                found.append((part, archive.as_of(closed.fetched_at)))
            elif found and found[-1][1] is archive and found[-1][0].end == part.start:
                found[-1] = Window(found[-1][0].start, part.end), archive
            else:
                found.append((part, archive))
    return found


def _open(
    context: dg.AssetExecutionContext, archive: Archive, window: Window, rebuilt: Collection[date]
) -> list[Window]:
    if not leaves_closed(context.run.tags):
        return [window]
    known = history(archive).without(rebuilt)
    for closed in known.locked(window):
        say(context, f"{closed} is closed and stays as it was reported.")
    return known.open(window)
