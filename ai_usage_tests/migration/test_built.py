"""Old rows in the facts: for the days that no vendor has answered, whoever came first."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.migration.description import read_description
from ai_usage.migration.loading import load_table
from ai_usage.migration.opening import open_source
from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import described, old_system
from ai_usage_tests.support.pipeline import run_window

WEEK = Window(date(2026, 3, 1), date(2026, 3, 8))


@pytest.mark.slow
def test_old_days_are_in_the_facts_until_the_vendor_answers_them(tmp_path: Path) -> None:
    small = Small(tmp_path / "home", first=date(2026, 3, 1), today=date(2026, 3, 20))
    small.file("users.csv", "user_email,team,cost_center", "ann@x.io,Core,CC1")
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    source, mapping = open_source(description.source), description.tables["cursor_costs"]
    list(load_table(source, "cursor_costs", mapping, small.archive, WEEK, small.settings.now))
    assert run_window(small.settings, WEEK, checks=False).success
    of_a_day = Decimal("4.50")
    days = [day for day in WEEK.days() if day != old_system.MISSING]
    assert small.spent(WEEK.start) == dict.fromkeys(days, of_a_day)
    told = small.rows(
        "SELECT day, source_endpoint FROM loaded_days WHERE day >= DATE '2026-03-01' "
        "AND platform = 'cursor'"
    )
    # Under the name of the endpoint that they stand for: so a month is whole in which the vendor
    # goes on where the old table ends.
    assert {(r["day"], r["source_endpoint"]) for r in told} == {
        (day, "usage_events") for day in WEEK.days()
    }
    # The vendor answers the last two days, with other dollars: nothing counts twice.
    two = Window(date(2026, 3, 6), WEEK.end)
    small.says(two, {day: {"ann@x.io": "10.00"} for day in two.days()})
    assert run_window(small.settings, WEEK, checks=False).success
    spent = small.spent(WEEK.start)
    assert spent == dict.fromkeys(days, of_a_day) | dict.fromkeys(two.days(), Decimal(10))
    assert two.days()[0] - timedelta(days=1) == old_system.MISSING
