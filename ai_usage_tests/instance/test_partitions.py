"""Days: the partitions that all assets share, and windows of them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.instance.partitions import (
    checked_window,
    daily_partitions,
    lookback_window,
    window_of,
)
from ai_usage.settings import Settings

TODAY = date(2026, 3, 15)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return made(tmp_path)


def made(home: Path, **more: str) -> Settings:
    return Settings.load(
        {
            "AI_USAGE_HOME": str(home),
            "AI_USAGE_ENV_FILE": str(home / "no.env"),
            "AI_USAGE_AS_OF": TODAY.isoformat(),
            "AI_USAGE_START_DATE": "2026-03-01",
        }
        | more
    )


# -- the definition -----------------------------------------------------------------------------


def test_every_utc_day_from_the_first_to_today_is_a_partition(settings: Settings) -> None:
    partitions = daily_partitions(settings)
    # Half an hour after midnight UTC the new day exists; a minute before it did not.
    keys = partitions.get_partition_keys(datetime(2026, 3, 15, 0, 30, tzinfo=UTC))
    assert (keys[0], keys[-1], len(keys)) == ("2026-03-01", "2026-03-15", 15)
    keys = partitions.get_partition_keys(datetime(2026, 3, 14, 23, 59, tzinfo=UTC))
    assert keys[-1] == "2026-03-14"


# -- the window of a run ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-03-03", "2026-03-03", Window(date(2026, 3, 3), date(2026, 3, 4))),
        ("2026-03-03", "2026-03-05", Window(date(2026, 3, 3), date(2026, 3, 6))),
    ],
)
def test_a_runs_window_holds_its_days_and_its_end_not(
    settings: Settings, first: str, last: str, expected: Window
) -> None:
    seen: list[Window] = []

    @dg.asset(
        partitions_def=daily_partitions(settings), backfill_policy=dg.BackfillPolicy.single_run()
    )
    def anything(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        seen.append(window_of(context))
        return dg.MaterializeResult()

    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    dg.materialize([anything], tags=tags)
    if first == last:
        dg.materialize([anything], partition_key=first)
    assert set(seen) == {expected}


# -- windows ------------------------------------------------------------------------------------

day = st.dates(date(2020, 1, 1), date(2030, 12, 31))
length = st.integers(1, 800)


@given(day, length, st.integers(1, 400))
def test_chunks_are_in_order_bounded_and_hold_every_day_once(
    start: date, days: int, most: int
) -> None:
    window = Window(start, start + timedelta(days=days))
    chunks = window.chunks(most)
    assert [d for chunk in chunks for d in chunk.days()] == window.days()
    assert all(1 <= len(chunk.days()) <= most for chunk in chunks)
    assert len(chunks) == -(-days // most)


def test_a_window_knows_its_days_and_instants() -> None:
    window = Window(date(2024, 2, 28), date(2024, 3, 2))
    assert window.days() == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert window.start_at == datetime(2024, 2, 28, tzinfo=UTC)
    assert window.end_at == datetime(2024, 3, 2, tzinfo=UTC)
    assert str(window) == "2024-02-28..2024-03-01"
    assert str(Window.day(date(2024, 2, 29))) == "2024-02-29"


@pytest.mark.parametrize("end", [date(2026, 3, 1), date(2026, 2, 28)])
def test_a_window_without_a_day_cannot_be_made(end: date) -> None:
    with pytest.raises(ValueError, match="holds no day"):
        Window(date(2026, 3, 1), end)


# -- what a person asks for ---------------------------------------------------------------------


def test_both_days_that_a_person_names_are_included(settings: Settings) -> None:
    window = checked_window(settings, date(2026, 3, 1), TODAY)
    assert window == Window(date(2026, 3, 1), date(2026, 3, 16))
    assert checked_window(settings, TODAY, TODAY).days() == [TODAY]


@pytest.mark.parametrize(
    ("start", "last", "said"),
    [
        (
            date(2026, 3, 5),
            date(2026, 3, 4),
            "--from 2026-03-05 is after --to 2026-03-04: give the earlier day first.",
        ),
        (
            date(2026, 2, 28),
            date(2026, 3, 4),
            "--from 2026-02-28 is before the first partition 2026-03-01: set AI_USAGE_START_DATE "
            "to an earlier day to reach further back.",
        ),
        (
            date(2026, 3, 5),
            date(2026, 3, 16),
            "--to 2026-03-16 is in the future: today (UTC) is 2026-03-15.",
        ),
    ],
)
def test_a_range_that_cannot_be_is_one_line(
    settings: Settings, start: date, last: date, said: str
) -> None:
    with pytest.raises(AiUsageError) as raised:
        checked_window(settings, start, last)
    assert str(raised.value) == said


# -- look-back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "cost", "first"),
    [
        ("3", "7", date(2026, 3, 8)),
        ("9", "7", date(2026, 3, 6)),
        ("0", "0", TODAY),
        # Not beyond the first partition.
        ("3", "60", date(2026, 3, 1)),
    ],
)
def test_a_scheduled_run_reads_today_and_the_longest_lookback(
    tmp_path: Path, usage: str, cost: str, first: date
) -> None:
    settings = made(tmp_path, AI_USAGE_LOOKBACK_USAGE_DAYS=usage, AI_USAGE_LOOKBACK_COST_DAYS=cost)
    assert lookback_window(settings) == Window(first, TODAY + timedelta(days=1))
