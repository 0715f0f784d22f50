"""`loaded_days` says which days were asked for and answered, whatever happened on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.archive.archive import Archive, Origin
from ai_usage.days.windows import Window
from ai_usage.settings import Settings
from ai_usage_tests.support.pipeline import (
    NO_SERVER,
    run_window,
    simulated_settings,
    warehouse_of,
    window,
)
from ai_usage_tests.warehouse.rows import arrow, raw

TODAY = date(2026, 3, 18)
FIRST = date(2026, 2, 1)
BUILT = "key:raw_ai_events or key:loaded_days"
Rows = list[dict[str, Any]]


def day(number: int) -> date:
    return date(2026, 3, number)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation that asks nobody: what it has of the vendors is in its archive."""
    without = {"CURSOR_API_KEY": "", "ANTHROPIC_ADMIN_KEY": ""}
    return simulated_settings(tmp_path, NO_SERVER, TODAY, FIRST, **without)


def answered(
    settings: Settings,
    vendor: str,
    endpoint: str,
    days: Window,
    *,
    after: timedelta = timedelta(days=3),
    origin: Origin = "api",
) -> None:
    """The vendor has said, so long after the days' end, that nothing happened on them."""
    asked_at = datetime.combine(days.end, datetime.min.time(), UTC) + after
    with Archive(settings.archive_root).recording(
        vendor, endpoint, days, fetched_at=asked_at, origin=origin
    ):
        pass


def built(settings: Settings, days: Window) -> Rows:
    """The rows of `loaded_days` after a run over the days."""
    result = run_window(settings, days, selection=BUILT)
    assert result.success, result.errors
    assert [c.name for c in result.checks if c.asset == "loaded_days" and not c.passed] == []
    rows: Rows = warehouse_of(settings).read("loaded_days").to_pylist()
    return rows


def days_of(rows: Rows, platform: str, kind: str | None = "usage") -> list[date]:
    return sorted(
        row["day"] for row in rows if (row["platform"], row["cost_kind"]) == (platform, kind)
    )


def test_a_day_without_events_is_loaded_and_one_without_an_answer_is_not(
    settings: Settings,
) -> None:
    answered(settings, "cursor", "usage_events", window(day(2), day(4)))
    with (
        pytest.raises(RuntimeError),
        Archive(settings.archive_root).recording(
            "cursor", "usage_events", window(day(5), day(6)), fetched_at=settings.now
        ),
    ):
        raise RuntimeError("half an answer")
    answered(settings, "cursor", "usage_events", window(day(7), day(7)), origin="import")
    rows = built(settings, window(day(1), day(8)))
    assert days_of(rows, "cursor") == [day(2), day(3), day(4), day(7)]


def test_every_platform_has_its_own_days_and_finances_files_hold_for_all(
    settings: Settings,
) -> None:
    """A vendor that was connected later has no days from before."""
    answered(settings, "cursor", "usage_events", window(day(1), day(4)))
    answered(settings, "anthropic", "cost_report", window(day(3), day(4)))
    answered(settings, "anthropic", "claude_code", window(day(1), day(4)))
    rows = built(settings, window(day(1), day(4)))
    assert days_of(rows, "cursor") == [day(n) for n in (1, 2, 3, 4)]
    assert days_of(rows, "anthropic") == [day(3), day(4)]
    assert days_of(rows, "anthropic", None) == [day(n) for n in (1, 2, 3, 4)]
    assert days_of(rows, "*", "seat") == days_of(rows, "*", "other") == days_of(rows, "cursor")


def test_a_day_that_was_answered_before_it_had_settled_is_provisional(settings: Settings) -> None:
    """Cursor recomputes its charges for a day."""
    answered(settings, "cursor", "usage_events", window(day(1), day(2)), after=timedelta(hours=23))
    rows = built(settings, window(day(1), TODAY))
    provisional = {row["day"]: row["is_provisional"] for row in rows if row["platform"] == "cursor"}
    assert provisional == {day(1): False, day(2): True}
    assert {r["day"] for r in rows if r["platform"] == "*" and r["is_provisional"]} == {TODAY}


def test_the_first_run_fills_all_history_and_every_other_one_its_own_days(
    settings: Settings,
) -> None:
    """An upgrade: months are loaded, the run asks for the look-back."""
    february = window(FIRST, date(2026, 2, 28))
    answered(settings, "cursor", "usage_events", february)
    warehouse_of(settings).replace(
        "raw_ai_events", Window.day(FIRST), arrow("raw_ai_events", [raw(FIRST, "older")])
    )
    rows = built(settings, window(day(10), day(11)))
    assert days_of(rows, "cursor") == february.days()
    assert days_of(rows, "*", "seat") == window(FIRST, day(11)).days()

    answered(settings, "cursor", "usage_events", window(day(9), day(11)))
    rows = built(settings, window(day(10), day(11)))
    assert days_of(rows, "cursor") == [*february.days(), day(10), day(11)]
    again = built(settings, window(day(10), day(11)))
    told = ("day", "platform", "source_endpoint", "cost_kind", "is_provisional")
    assert [[row[name] for name in told] for row in again] == [
        [row[name] for name in told] for row in rows
    ]


def test_beside_a_full_archive_an_empty_warehouse_has_loaded_its_own_days_alone(
    settings: Settings,
) -> None:
    """The archive's other days are in no fact until they are rebuilt: they are not loaded."""
    answered(settings, "cursor", "usage_events", window(FIRST, date(2026, 2, 28)))
    answered(settings, "cursor", "usage_events", window(day(10), day(11)))
    rows = built(settings, window(day(10), day(11)))
    assert days_of(rows, "cursor") == [day(10), day(11)]
