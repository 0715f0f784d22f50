"""Days of another statement are stale in Dagster; the next run rebuilds them or says it will not.

Asked day by day through the GraphQL that the UI itself asks: without a day Dagster calls every
partitioned asset fresh.
"""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster_graphql.schema import create_schema
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.progress import window_of_run
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import lookback_window
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration import code_versions
from ai_usage.orchestration.assets import sql_tables
from ai_usage.orchestration.runs import dagster_home
from ai_usage.settings import Settings
from ai_usage.warehouse.layers import statement
from ai_usage_tests.support.dagster_private import (
    InProcessCodeLocationOrigin,
    InProcessWorkspaceLoadTarget,
    LoadableTargetOrigin,
    WorkspaceProcessContext,
)
from ai_usage_tests.support.pipeline import NO_SERVER, run_window, simulated_environment

pytestmark = pytest.mark.slow

TODAY = date(2026, 3, 2)
FEBRUARY, MARCH = ["2026-02-27", "2026-02-28"], ["2026-03-01", "2026-03-02"]
CHANGED = "fact_ai_costs"
QUERY = """query ($key: AssetKeyInput!, $days: [String!]!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode { staleStatus staleStatusByPartition(partitions: $days) }
  }
}"""
DOOR = InProcessWorkspaceLoadTarget(
    InProcessCodeLocationOrigin(
        LoadableTargetOrigin(module_name="ai_usage.definitions", attribute="defs"),
        location_name="ai_usage",
    )
)


def stale(settings: Settings, *assets: str) -> dict[str, dict[str, str]]:
    """What Dagster says of each day of the assets."""
    found = {}
    days = [*FEBRUARY, *MARCH]
    dagster_home(settings)
    schema = create_schema()
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, DOOR) as process,
    ):
        for asset in assets:
            done = asyncio.run(
                schema.execute_async(
                    QUERY,
                    context_value=process.create_request_context(),
                    variable_values={"key": {"path": [asset]}, "days": days},
                )
            )
            assert not done.errors, done.errors
            node = done.data["assetNodeOrError"]
            assert node["staleStatus"] == "FRESH", "asked without a day it says nothing"
            found[asset] = dict(zip(days, node["staleStatusByPartition"], strict=True))
    return found


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation without a vendor, with a cost in February and one in March, all built."""
    environment = simulated_environment(tmp_path, NO_SERVER, TODAY, date(2026, 2, 27))
    environment |= {"CURSOR_API_KEY": "", "ANTHROPIC_ADMIN_KEY": ""}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # A run sets it for its process: the test's own is put back.
    monkeypatch.setenv("DAGSTER_HOME", "")
    made = Settings.load(environment)
    made.reference_path.mkdir()
    (made.reference_path / "other_costs.csv").write_text(
        "cost_id,platform,line_kind,amount,date_from\n"
        "a,cursor,one_time,1,2026-02-27\nb,cursor,one_time,1,2026-03-01\n"
    )
    built = run_window(made, Window(date(2026, 2, 27), date(2026, 3, 3)), checks=False)
    assert built.success, built.errors
    return made


def another_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an upgrade brings it: the same rows, told otherwise."""

    def changed(table: str) -> str:
        sql = statement(table)
        return f"SELECT * FROM ({sql}) AS same" if table == CHANGED else sql

    for module in (code_versions, sql_tables):
        monkeypatch.setattr(module, "statement", changed)
    code_versions.statement_versions.cache_clear()


def test_days_of_another_statement_are_stale_until_they_are_rebuilt_and_closed_ones_stay_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = dict.fromkeys([*FEBRUARY, *MARCH], "FRESH")
    every = ("raw_ai_events", CHANGED, "vw_executive_dashboard")
    assert stale(settings, *every) == dict.fromkeys(every, fresh)
    archive = Archive(settings.archive_root)
    record_close(archive, date(2026, 2, 1), [], datetime(2026, 3, 1, tzinfo=UTC))

    another_statement(monkeypatch)
    assert stale(settings, *every) == {
        every[0]: fresh,
        CHANGED: dict.fromkeys(fresh, "STALE"),
        every[2]: fresh,
    }

    said = io.StringIO()
    asked = window_of_run(Console(file=said, width=500), settings, lookback_window(settings))
    assert said.getvalue().splitlines() == [
        "1 day (2026-03-01) is rebuilt from the archive, once, because this version builds days by "
        "other rules:",
        f"  - SQL has changed: {CHANGED}",
        "Days up to 2026-02-28 are closed and stay as reported.",
    ]
    rebuilt = run_window(settings, asked, selection=CHANGED, checks=False, leave_closed=True)
    assert rebuilt.success, rebuilt.errors
    assert stale(settings, CHANGED)[CHANGED] == {
        **dict.fromkeys(FEBRUARY, "STALE"),
        **dict.fromkeys(MARCH, "FRESH"),
    }
    code_versions.statement_versions.cache_clear()
