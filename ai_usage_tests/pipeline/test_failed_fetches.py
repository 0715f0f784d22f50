"""A fetch that fails leaves everything as it was, and one line that says what and where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.orchestration.runs import Refetch, RunResult
from ai_usage.simulator import FaultPlan, serve
from ai_usage.vendors import anthropic, cursor
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import layer_of
from ai_usage_tests.support.pipeline import (
    Loaded,
    assert_equal_tables,
    copied,
    run_window,
    tables,
    warehouse_of,
    window,
)

pytestmark = pytest.mark.slow

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
    assert "source_cursor_usage_events" not in result.materialized
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
    assert not {f"source_anthropic_{name}" for name in refused} & set(result.materialized)
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


def test_a_run_through_faults_that_pass_ends_in_the_undisturbed_tables(
    week: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals, a cut connection, half an answer, a page that shifts."""
    monkeypatch.setattr(cursor.usage_events, "EVENTS_PER_PAGE", 200)
    plan = FaultPlan()
    with serve(week.company, faults=plan) as base_url:
        copy = copied(week, tmp_path, base_url, AI_USAGE_HTTP_ATTEMPTS="3")
        plan.set(
            "429:0@/cost_report#1",
            "503:0@/claude_code#1-2",
            "cut@/daily-usage-data#1",
            "truncated@/usage_report/messages#1",
            f"shifting-page@{EVENTS}#1",
            "500:0@/api_keys#1",
        )
        result = run_window(
            copy,
            week.days,
            selection="not group:views and not group:dashboard",
            refetch=Refetch.since(week.days.start),
            checks=False,
        )
    assert result.success, result.errors
    assert plan.struck == 7
    assert_equal_tables(week.warehouse, warehouse_of(copy))


def test_a_record_that_cannot_be_read_is_kept_and_only_its_own_cost_is_missing(
    week: Loaded, tmp_path: Path
) -> None:
    """One of the cost lines is of another shape: what it bills is not known, and that is said."""
    selection = (
        'key:"source_anthropic_cost_report" or key:"raw_ai_events" or group:staging '
        "or group:intermediate or group:facts"
    )
    result, after = refetched(week, tmp_path, selection, "wrong-type@/cost_report")
    assert result.success, "nobody's costs wait for it"
    assert result.not_built == ()
    (failed,) = [check for check in result.checks if check.is_error and not check.passed]
    assert (failed.asset, failed.name) == ("fact_ai_costs", "charges_known")
    assert failed.failures == {"anthropic.cost_report": 1}
    assert not failed.blocking
    unknown = [row for row in after["raw_ai_events"].to_pylist() if row["is_charge_unknown"]]
    assert [row["validation_errors"][0] for row in unknown] == ["undecodable_record"]
    before = tables(week.warehouse)
    assert after["raw_ai_events"].num_rows == before["raw_ai_events"].num_rows
    costs, left = cost_by_event(before), cost_by_event(after)
    (lost,) = costs.keys() - left.keys()
    assert left == {event: usd for event, usd in costs.items() if event != lost}
    chain = [name for name in built_tables() if layer_of(name) == "intermediate"]
    assert_equal_tables(before, after, besides=["raw_ai_events", "fact_ai_costs", *chain])


def cost_by_event(of: Any) -> dict[str, Decimal]:
    """What the facts have of each event, in dollars."""
    found: dict[str, Decimal] = {}
    for row in of["fact_ai_costs"].to_pylist():
        event = row["event_id"]
        found[event] = found.get(event, Decimal(0)) + row["total_cost_usd"]
    return found
