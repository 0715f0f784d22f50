"""A month that was loaded from within is known to be, from the archive to what a person reads."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from ai_usage.cli.spend import how_much, spend_table
from ai_usage.simulator import Company
from ai_usage_tests.support.pipeline import load, window

TODAY = date(2026, 3, 2)


@pytest.mark.slow
def test_the_two_first_days_ever_loaded_are_no_month(tmp_path: Path) -> None:
    """Loaded from 27 February, seen on 2 March: February is two days, and nothing grows from it."""
    company = Company(today=TODAY, anchor=date(2026, 4, 1), people=30, scale=0.1)
    loaded = load(tmp_path, company, window(date(2026, 2, 27), TODAY), checks=False)
    warehouse = loaded.warehouse
    february, march = warehouse.rows("SELECT * FROM vw_executive_dashboard ORDER BY month")
    assert february["is_partial"]
    assert (february["loaded_days"], february["final_days"]) == (2, 2)
    # Both days belong to the pace: a year is their dollars / 2 x 365.
    year = february["total_monthly_cost"] * 365 / 2
    assert february["total_monthly_cost"] > 0
    assert abs(february["annual_run_rate"] - year) < 1
    assert (march["loaded_days"], march["growth_note"]) == (
        2,
        "the month before is loaded on 2 of 28 days",
    )
    growth = ("cost_growth_mom", "user_growth_mom", "daily_cost_growth_mom")
    assert [march[name] for name in growth] == [None, None, None]
    finance = list(warehouse.rows("SELECT * FROM vw_cost_allocation_detailed"))
    assert {row["month"] for row in finance} == {february["month"], march["month"]}
    assert all(row["is_partial"] and row["prev_month_cost"] is None for row in finance)
    people = list(warehouse.rows("SELECT * FROM vw_team_productivity"))
    assert {row["weekdays_so_far"] for row in people} == {1}, "a Friday and a Monday"
    assert all(row["productivity_growth_mom"] is None for row in people)
    assert how_much(warehouse, february["month"]) == "2 of 28 days"
    printed = io.StringIO()
    Console(file=printed, width=80).print(spend_table(warehouse, TODAY))
    assert "February (2 of 28 days)" in printed.getvalue()
