"""The one daily partitions definition that all assets share, and windows of it. UTC days.

Today exists and is provisional (`end_offset=1`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.errors import ArgumentError
from ai_usage.instance.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from ai_usage.settings import Settings

ONE_RUN = dg.BackfillPolicy.single_run()
"""A range of days is one run: SQL and fetches work on ranges, not on single days."""


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Every UTC day from the first partition to today."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.first_day.isoformat(), end_offset=1, timezone="UTC"
    )


def window_of(context: dg.AssetExecutionContext | dg.OutputContext | dg.InputContext) -> Window:
    """The range of days that this run covers of the asset."""
    keys = (
        context.partition_key_range
        if isinstance(context, dg.AssetExecutionContext)
        else context.asset_partition_key_range
    )
    return Window(date.fromisoformat(keys.start), date.fromisoformat(keys.end) + timedelta(days=1))


def range_tags(window: Window) -> dict[str, str]:
    """The tags of a run over a range of days."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: window.start.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: (window.end - timedelta(days=1)).isoformat(),
    }


_DAYS_TAG = "ai_usage/days"
"""Tag of a run that is of more days than the partitions that it writes: the first and the last."""


def newest_day(window: Window) -> Window:
    """The last day: what a run that starts by itself writes of inputs, and at the least."""
    return Window.day(window.end - timedelta(days=1))


def tags_of_part(window: Window, written: Window) -> dict[str, str]:
    """The tags of a run that is of the window, and writes only these partitions of it."""
    last = window.end - timedelta(days=1)
    return {**range_tags(written), _DAYS_TAG: f"{window.start} {last}"}


def days_of(context: dg.AssetExecutionContext) -> Window:
    """The days that the run is of, of which it may write but some of an asset's partitions."""
    written = window_of(context)
    return (_DAYS_TAG in context.run.tags and window_of_run(context.run.tags)) or written


def written_by_run(tags: Mapping[str, str]) -> Window | None:
    """The partitions that a run writes, from its tags; None for a run without partitions."""
    return window_of_run({name: value for name, value in tags.items() if name != _DAYS_TAG})


def window_of_run(tags: Mapping[str, str]) -> Window | None:
    """The days that a run is of, from its tags; None for a run without partitions."""
    one = tags.get(PARTITION_NAME_TAG)
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG, one)
    last = tags.get(ASSET_PARTITION_RANGE_END_TAG, one)
    if _DAYS_TAG in tags:
        first, _, last = tags[_DAYS_TAG].partition(" ")
    if first is None or last is None:
        return None
    try:
        return Window(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))
    except ValueError:
        return None


def checked_window(settings: Settings, start: date, last: date) -> Window:
    """The window from `start` to `last`, both included.

    Raises `AiUsageError` if it is empty, begins before the first partition or ends after today.
    """
    if last < start:
        raise ArgumentError(f"--from {start} is after --to {last}: give the earlier day first.")
    if start < settings.first_day:
        raise ArgumentError(
            f"--from {start} is before the first partition {settings.first_day}: set "
            "AI_USAGE_START_DATE to an earlier day to reach further back."
        )
    if last > settings.today:
        raise ArgumentError(f"--to {last} is in the future: today (UTC) is {settings.today}.")
    return Window(start, last + timedelta(days=1))


def lookback_window(settings: Settings, today: date | None = None) -> Window:
    """Today and the longest look-back: what every scheduled run reads again."""
    today = today or settings.today
    longest = max(settings.lookback_usage_days, settings.lookback_cost_days)
    first = max(today - timedelta(days=longest), settings.first_day)
    return Window(first, today + timedelta(days=1))
