"""Which days a run may write: all of its own, or all but those of closed months.

Runs that start by themselves, and `ai-usage run`, leave closed months as they are: a tag of the run
says so. A run without it was asked for its days by a person, closed months included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import window_of
from ai_usage.ledger.closing import history
from ai_usage.orchestration.run_log import say

_CLOSED_TAG: Final = "ai_usage/closed_months"
_LEFT: Final = "left"

LEAVE_CLOSED: Mapping[str, str] = {_CLOSED_TAG: _LEFT}
"""The tags of a run that does not build closed months."""


def leaves_closed(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags leaves closed months as they are."""
    return tags.get(_CLOSED_TAG) == _LEFT


def windows_to_build(context: dg.AssetExecutionContext, archive: Archive) -> list[Window]:
    """The run's days of the asset that it may write, in order.

    Asked when the asset is built: a month that was closed while the run waited is left out, too.
    """
    window = window_of(context)
    if not leaves_closed(context.run.tags):
        return [window]
    known = history(archive)
    for closed in known.locked(window):
        say(context, f"{closed} is closed and stays as it was reported.")
    return known.open(window)
