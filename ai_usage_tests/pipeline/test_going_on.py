"""A build of everything that SIGKILL ends: the same command builds what is left, and no more.

What it leaves is what a build that nobody disturbed leaves. Each build is a fork of this process,
and a statement of a table's replacement is where it is killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_usage.days.windows import Window
from ai_usage.ledger.closing import record_close
from ai_usage.ledger.missing_days import lost_months
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


def test_closed_months_that_were_lost_are_built_though_a_first_rebuild_was_killed(
    tmp_path: Path,
) -> None:
    """Events and loaded days of the month are there by then; its facts are not."""
    small = company(tmp_path / "lost")
    build(small)
    march = small.spent(FIRST.replace(day=1))
    record_close(small.archive, FIRST.replace(day=1), [], datetime(2026, 4, 3, 11, tzinfo=UTC))
    small.settings.warehouse_path.unlink()
    # As docs/backup.md has it: who runs first is told that history is missing.
    run_window(small.settings, Window(TODAY, DAYS.end), checks=False, leave_closed=True)
    assert killed(partial(small.done, "rebuild"), counted, Moment(KILLED_AT, 1))
    assert not small.spent(FIRST.replace(day=1))
    small.call("rebuild")
    assert small.spent(FIRST.replace(day=1)) == march


@pytest.mark.parametrize("table", ["raw_ai_events", "fact_ai_usage", "fact_ai_costs"])
def test_closed_months_of_a_table_that_was_dropped_are_lost(tmp_path: Path, table: str) -> None:
    small = company(tmp_path / "dropped")
    build(small)
    warehouse, march = warehouse_of(small.settings), Window(FIRST, date(2026, 4, 1))
    assert lost_months(warehouse, [march]) == []
    with closing(duckdb.connect(str(small.settings.warehouse_path))) as connection:
        connection.execute(f"DROP TABLE ai_usage.{table}")
    assert lost_months(warehouse, [march]) == [date(2026, 3, 1)]
    # What a run of the open days makes of it is no month of March.
    run_window(small.settings, Window(TODAY, DAYS.end), checks=False)
    assert lost_months(warehouse, [march]) == [date(2026, 3, 1)]
