"""Running again, in parts, in another order, in another time zone: equal tables every time."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.runs import Refetch
from ai_usage.simulator import serve, write_directory_files
from ai_usage.warehouse.compare import compare
from ai_usage.warehouse.views import view_names
from ai_usage_tests.support.child import finish, start_backfill
from ai_usage_tests.support.pipeline import (
    Loaded,
    assert_equal_tables,
    copied,
    run_window,
    simulated_environment,
    simulated_settings,
    warehouse_of,
    window,
)

pytestmark = pytest.mark.slow

SEED = 20260318
TABLES = "not group:views and not group:dashboard"
"""A view has no rows of its own, and takes as long to make as a table."""


def test_running_a_range_again_changes_nothing_though_every_vendor_is_asked_again(
    week: Loaded, tmp_path: Path
) -> None:
    with serve(week.company) as base_url:
        settings = copied(week, tmp_path, base_url)
        inner = window(date(2026, 3, 15), date(2026, 3, 17))
        again = run_window(settings, inner, refetch=Refetch.since(inner.start), checks=False)
    assert again.success, again.errors
    assert_equal_tables(week.warehouse, warehouse_of(settings))


def test_days_run_one_by_one_in_any_order_leave_the_tables_of_one_run(
    week: Loaded, tmp_path: Path
) -> None:
    days = week.days.days()
    random.Random(SEED).shuffle(days)  # noqa: S311
    assert days != sorted(days)
    with serve(week.company) as base_url:
        settings = simulated_settings(tmp_path, base_url, week.company.today, week.days.start)
        write_directory_files(week.company, settings.reference_path)
        for day in days:
            result = run_window(settings, Window.day(day), selection=TABLES, checks=False)
            assert result.success, result.errors
    assert_equal_tables(week.warehouse, warehouse_of(settings))


def test_a_machine_in_another_time_zone_leaves_equal_tables_and_views(
    week: Loaded, tmp_path: Path
) -> None:
    """Also read by it: the run's own checks and views are evaluated under its clock."""
    with serve(week.company) as base_url:
        environment = simulated_environment(tmp_path, base_url, week.company.today, week.days.start)
        settings = simulated_settings(tmp_path, base_url, week.company.today, week.days.start)
        write_directory_files(week.company, settings.reference_path)
        finish(start_backfill(environment, week.days, TZ="America/Los_Angeles"))
    here, there = week.warehouse, warehouse_of(settings)
    assert_equal_tables(here, there)
    rows = 0
    for view in view_names():
        one, other = (side.query(f"SELECT * FROM {view}") for side in (here, there))
        rows += one.num_rows
        assert list(compare(view, one, other)) == []
    assert rows > 0
