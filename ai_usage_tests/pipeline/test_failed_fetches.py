"""A fetch that fails leaves everything as it was, and one line that says what and where."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ai_usage.platforms import anthropic
from ai_usage.running import Refetch, RunResult
from ai_usage.simulator import FaultPlan, serve
from ai_usage_tests.support.pipeline import (
    Loaded,
    assert_equal_tables,
    copied,
    run_window,
    tables,
    warehouse_of,
    window,
)

FIRST, LAST = date(2026, 3, 15), date(2026, 3, 17)
SOURCES = "group:sources_cursor or group:sources_anthropic"
EVENTS = "/teams/filtered-usage-events"


def refetched(
    week: Loaded, home: Path, selection: str, *faults: str, **settings: str
) -> tuple[RunResult, Any]:
    """Ask again for three days of the copied week through faults; also the tables afterwards."""
    plan = FaultPlan()
    plan.set(*faults)
    with serve(week.company, faults=plan) as base_url:
        copy = copied(week, home, base_url, **settings)
        days = window(FIRST, LAST)
        result = run_window(copy, days, selection=selection, refetch=Refetch.since(FIRST))
    return result, tables(warehouse_of(copy))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "answered 500 (Internal server error). Try again later."),
        ("html", "answered 200 with a web page (text/html"),
        ("truncated", "bytes that are not complete JSON"),
    ],
)
def test_a_broken_answer_leaves_the_old_rows_and_fails_with_one_line(
    week: Loaded, tmp_path: Path, fault: str, said: str
) -> None:
    result, after = refetched(week, tmp_path, "source_cursor_usage_events+", f"{fault}@{EVENTS}")
    assert not result.success
    (line,) = result.errors
    assert line.startswith("cursor usage_events 2026-03-15..2026-03-17 page 1: ")
    assert said in line
    assert "\n" not in line
    assert result.materialized == ()
    assert_equal_tables(week.warehouse, after)


def test_a_page_that_fails_after_good_ones_is_no_half_answer(week: Loaded, tmp_path: Path) -> None:
    """The first day of three is answered, the second is not: none of the three is replaced."""
    fault = "500@/usage_report/claude_code#2-"
    result, after = refetched(week, tmp_path, "source_anthropic_claude_code+", fault)
    (line,) = result.errors
    assert line.startswith("anthropic claude_code 2026-03-16")
    assert_equal_tables(week.warehouse, after)


def test_a_wrong_key_names_the_setting_and_other_sources_go_on(
    week: Loaded, tmp_path: Path
) -> None:
    secret = "sk-ant-admin01-mistyped"
    result, after = refetched(week, tmp_path, SOURCES, ANTHROPIC_ADMIN_KEY=secret)
    assert not result.success
    for line in result.errors:
        assert "answered 401" in line
        assert line.endswith("Check ANTHROPIC_ADMIN_KEY.")
        assert secret not in line
    refused = {line.split()[1] for line in result.errors}
    assert refused == {endpoint.name for endpoint in anthropic.VENDOR.endpoints}
    assert not any(name.startswith("source_anthropic") for name in result.materialized)
    assert {"source_cursor_daily_usage", "source_cursor_usage_events"} <= set(result.materialized)
    assert_equal_tables(week.warehouse, after)


def test_after_the_outage_the_same_run_goes_through(week: Loaded, tmp_path: Path) -> None:
    """The incomplete fetch is in the archive, and nobody reads it."""
    selection = 'key:"source_cursor_usage_events" or key:"raw_ai_events"'
    result, _ = refetched(week, tmp_path, selection, f"truncated@{EVENTS}")
    assert not result.success
    result, after = refetched(week, tmp_path, selection)
    assert result.success, result.errors
    assert_equal_tables(week.warehouse, after)
