"""A build of everything that SIGKILL ends: the same command builds what is left, and no more.

What it leaves is what a build that nobody disturbed leaves. Each build is a fork of this process,
and a statement of a table's replacement is where it is killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.outcome import RunResult
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.ledger.small import ADA, NOBODY, Small
from ai_usage_tests.support.kills import Moment, Tick, killed
from ai_usage_tests.support.pipeline import (
    Tables,
    assert_equal_tables,
    run_window,
    tables,
    warehouse_of,
)

pytestmark = pytest.mark.slow

FIRST, TODAY = date(2026, 3, 20), date(2026, 4, 3)
DAYS = Window(FIRST, TODAY + timedelta(days=1))
KILLED_AT = "fact_ai_costs"
LEFT = {"fact_ai_costs", "agg_costs_daily", "vw_cost_allocation_detailed"}
STANDS = {"raw_ai_events", "fact_ai_usage", "int_usage_weights", "dim_users"}


@contextmanager
def counted(tick: Tick) -> Iterator[None]:
    """Tell `tick` of the table before each replacement."""
    with pytest.MonkeyPatch.context() as patch:
        replace = DuckDBWarehouse.replace

        def told(self: DuckDBWarehouse, table: str, *arguments: Any) -> Any:
            tick(table)
            return replace(self, table, *arguments)

        patch.setattr(DuckDBWarehouse, "replace", told)
        yield


@contextmanager
def written() -> Iterator[list[str]]:
    """The tables that are replaced meanwhile."""
    found: list[str] = []
    with counted(found.append):
        yield found


def build(small: Small) -> RunResult:
    result = run_window(small.settings, DAYS, checks=False)
    assert result.success, result.errors
    return result


def company(home: Path) -> Small:
    small = Small(home, FIRST, TODAY)
    small.file("users.csv", "user_email,team,cost_center", f"{ADA},Core,CC1")
    small.says(DAYS, {day: {ADA: "2.50", NOBODY: "1"} for day in DAYS.days()})
    return small


def stored(small: Small) -> Tables:
    return tables(warehouse_of(small.settings))


def test_a_build_that_is_killed_twice_goes_on_with_the_table_in_which_it_was(
    tmp_path: Path,
) -> None:
    whole, small = company(tmp_path / "whole"), company(tmp_path / "killed")
    build(whole)
    assert killed(partial(build, small), counted, Moment(KILLED_AT, 1))
    assert killed(partial(build, small), counted, Moment("agg_costs_daily", 1))
    with written() as tables_written:
        result = build(small)
    assert "agg_costs_daily" in tables_written
    assert not (STANDS | {KILLED_AT}) & set(tables_written)
    assert not result.not_built
    assert set(result.materialized) >= STANDS | LEFT
    assert_equal_tables(stored(small), stored(whole))


@pytest.mark.parametrize("is_restored", [False, True], ids=["removed", "restored"])
def test_in_a_warehouse_that_does_not_hold_it_a_build_begins_anew(
    tmp_path: Path, is_restored: bool
) -> None:
    """Who finds a build killed may remove the file, or put the one of before in its place."""
    small = company(tmp_path / "killed")
    build(small)
    path = small.settings.warehouse_path
    backup = path.rename(path.with_name("backup"))
    small.says(DAYS, {day: {ADA: "7.50", NOBODY: "1"} for day in DAYS.days()})
    assert killed(partial(build, small), counted, Moment(KILLED_AT, 1))
    path.unlink()
    if is_restored:
        backup.rename(path)
    build(small)
    april = small.spent(TODAY.replace(day=1))
    assert april == {day: Decimal("8.50") for day in DAYS.days() if day.month == TODAY.month}
