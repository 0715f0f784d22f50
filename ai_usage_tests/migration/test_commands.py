"""`ai-usage migrate` from the inventory to the comparison, as a person calls it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import described, old_system

WEEK = ("--from", "2026-03-01", "--to", "2026-03-07")


def test_inventory_init_and_plan_write_nothing_but_the_description(tmp_path: Path) -> None:
    small = Small(tmp_path / "home", first=date(2026, 3, 1), today=date(2026, 4, 10))
    path = old_system.build(tmp_path / "old.duckdb")
    source = f"duckdb:{path}#finance"
    said = small.done("migrate", "inventory", "--source", source)
    assert "cursor_costs: 82 rows, 1 of them again" in said
    assert "nobody keeps a list of who reads it" in said
    small.done("migrate", "init", "--source", source)
    again = small.call("migrate", "init", "--source", source)
    assert again.code == 1
    assert "is there already" in again.err
    described.write(small.home, source)
    said = small.done("migrate", "plan", *WEEK)
    # Six days of three people.
    assert "cursor_costs, 2026-03-01..2026-03-07: 18 rows" in said
    assert "6 days with rows, $27.00 where no vendor answered" in said
    assert not (small.home / "archive").exists()


@pytest.mark.slow
def test_load_compare_and_status_tell_what_was_done(tmp_path: Path) -> None:
    small = Small(tmp_path / "home", first=date(2026, 3, 1), today=date(2026, 4, 10))
    small.file("users.csv", "user_email,team,cost_center", "ann@x.io,Core,CC1")
    path = old_system.build(tmp_path / "old.duckdb")
    described.write(small.home, f"duckdb:{path}#finance")
    said = small.call("migrate", "load", *WEEK, "--table", "cursor_costs").out
    assert "18 rows read, 18 events kept, $27.00" in said
    said = small.call("migrate", "load", *WEEK, "--table", "cursor_costs").out
    assert "cursor_costs, 2026-03-01..2026-03-07: there already" in said
    # What was loaded is compared with where it came from.
    html = tmp_path / "report.html"
    said = small.done("migrate", "compare", *WEEK, "--table", "cursor_costs", "--html", str(html))
    assert "cursor_costs: $0.00 unexplained" in said
    assert "identical: 18 keys, old $27.00, new $27.00" in said
    assert html.exists()
    said = small.done("migrate", "status")
    assert "the migration is parallel" in said
    assert "load cursor_costs 2026-03-01..2026-03-07 done by fin@x.io" in said
    assert "fin@x.io says yes for finance" in small.done(
        "migrate", "accept", "--role", "finance", "--yes"
    )
    refused = small.call("migrate", "accept", "--role", "finance", "--no")
    assert (refused.code, "a no needs --note" in refused.err) == (1, True)
    wrong = small.call("migrate", "plan", *WEEK, "--table", "nothing")
    assert (wrong.code, "described are: cursor_costs, claude_costs" in wrong.err) == (1, True)
