"""Telemetry through the whole graph: it shows whom no report shows, and tells no use twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.simulator import Telemetry
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage_tests.support.pipeline import Loaded, copied, run_window, warehouse_of

pytestmark = pytest.mark.slow

SETTING = "AI_USAGE_CLAUDE_CODE_OTEL_PATH"
BUILT = (
    'key:"source_anthropic_claude_code_otel" or key:"raw_ai_events" or key:"int_usage_prices" '
    'or key:"fact_ai_usage" or key:"loaded_days"'
)
_SHOWN = """
SELECT
  DATE(f.event_timestamp) AS day, u.user_email, p.platform_subtype AS product,
  CAST(SUM(COALESCE(f.total_tokens, 0)) AS INT64) AS tokens,
  CAST(SUM(COALESCE(f.session_count, 0)) AS INT64) AS sessions,
  CAST(SUM(COALESCE(f.lines_accepted, 0)) AS INT64) AS lines_added,
  CAST(SUM(COALESCE(f.commits, 0)) AS INT64) AS commits,
  CAST(SUM(COALESCE(f.suggestions_accepted, 0)) AS INT64) AS accepted,
  CAST(SUM(COALESCE(f.suggestions_shown, 0)) AS INT64) AS shown,
  CAST(SUM(COALESCE(r.estimated_cost_usd, 0)) AS NUMERIC) AS estimate,
  COUNTIF(r.cost_usd IS NOT NULL) AS billed
FROM raw_ai_events AS r
JOIN fact_ai_usage AS f ON f.event_id = r.event_id
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE r.event_date >= @start AND r.event_date < @end AND r.source_endpoint = 'claude_code_otel'
  AND DATE(f.event_timestamp) >= @start AND DATE(f.event_timestamp) < @end
GROUP BY 1, 2, 3
"""
_OTHERS = """
SELECT event_id FROM raw_ai_events
WHERE event_date >= @start AND event_date < @end AND source_endpoint <> 'claude_code_otel'
"""


@dataclass(frozen=True)
class Told:
    """A loaded week to which the telemetry's files were added."""

    week: Loaded
    settings: Settings
    folder: Path

    @property
    def warehouse(self) -> Warehouse:
        return warehouse_of(self.settings)

    def rows(self, sql: str, warehouse: Warehouse | None = None) -> list[dict[str, Any]]:
        bounds = {"start": self.week.days.start, "end": self.week.days.end}
        return list((warehouse or self.warehouse).rows(Query(sql, bounds)))


@pytest.fixture(scope="module")
def told(week: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("telemetry")
    folder = home / "otel"
    Telemetry(week.company).write(folder, week.days.start, week.last)
    settings = copied(week, home / "state", **{SETTING: str(folder)})
    result = run_window(settings, week.days, selection=BUILT, checks=False)
    assert result.success, result.errors
    return Told(week, settings, folder)


def test_it_shows_exactly_those_whom_no_report_shows(told: Told) -> None:
    books = Telemetry(told.week.company)
    expected = books.shown(told.week.days.start, told.week.last)
    sent = {(use.day, use.email) for day in told.week.days.days() for use in books.uses(day)}
    assert 0 < len(expected) < len(sent)
    found: dict[tuple[date, str], tuple[Any, ...]] = {}
    for row in told.rows(_SHOWN):
        assert (row["product"], row["billed"]) == ("claude_code", 0)
        sums = ("tokens", "sessions", "lines_added", "commits", "accepted", "shown", "estimate")
        found[row["day"], row["user_email"]] = tuple(row[name] for name in sums)
    assert found == {
        key: (
            one.tokens,
            one.sessions,
            one.lines_added,
            one.commits,
            one.accepted,
            one.shown,
            one.estimate,
        )
        for key, one in expected.items()
    }
    assert sum((one.estimate for one in expected.values()), Decimal(0)) > 0


def test_it_changes_no_other_event(told: Told) -> None:
    before = {row["event_id"] for row in told.rows(_OTHERS, told.week.warehouse)}
    assert {row["event_id"] for row in told.rows(_OTHERS)} == before != set()


def test_its_days_are_loaded_like_any_vendors(told: Told) -> None:
    days = told.rows(
        "SELECT day FROM loaded_days WHERE day >= @start AND day < @end "
        "AND source_endpoint = 'claude_code_otel'"
    )
    assert sorted(row["day"] for row in days) == told.week.days.days()


def test_what_was_rotated_away_is_told_as_before(told: Told) -> None:
    before = sorted(told.rows(_SHOWN), key=str)
    for path in told.folder.rglob("*.*"):
        if path.is_file():
            path.unlink()
    asked = Refetch.since(told.week.days.start)
    result = run_window(told.settings, told.week.days, selection=BUILT, refetch=asked, checks=False)
    assert result.success, result.errors
    assert sorted(told.rows(_SHOWN), key=str) == before


def test_cumulative_points_stop_this_source_alone_with_one_line(told: Told) -> None:
    sums = '{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1773570000000000000"}]}'
    bad = '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"claude_code.cost.usage","sum":'
    (told.folder / "bad.json").write_text(f"{bad}{sums}}}]}}]}}]}}\n")
    before = sorted(told.rows(_SHOWN), key=str)
    asked = Refetch.since(told.week.days.start)
    result = run_window(told.settings, told.week.days, selection=BUILT, refetch=asked, checks=False)
    (line,) = result.errors
    assert f"{told.folder}/bad.json line 1: claude_code.cost.usage is not delta" in line
    assert sorted(told.rows(_SHOWN), key=str) == before
