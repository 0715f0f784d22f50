"""`ai-usage migrate` from the inventory to the comparison, as a person calls it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import described, old_system
from ai_usage_tests.migration.guide import Walk, commands

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
def test_load_compare_and_status_tell_what_was_done(walked: Walk, tmp_path: Path) -> None:
    said = {" ".join(command[:2]): done.out for command, done in walked.said}
    # Five days of March are the old table's alone: 1.51, 2.25 and 0.75 dollars on each.
    assert "36 rows read, 36 events kept, $22.55; the vendor's on" in said["migrate load"]
    assert "cursor_costs: $0.00 unexplained" in said["migrate compare"]
    # Of Ann's 1.505 dollars on twelve days the old table has half a cent more on each.
    assert "rounding: 12 keys, old $18.12, new $18.06, +$0.06" in said["migrate compare"]
    assert (walked.small.home / "march.html").exists()
    small = walked.small.copied(tmp_path / "home")
    said_of_all = small.done("migrate", "status")
    assert "the migration is validated" in said_of_all
    assert "dual write is on\n  cursor_costs: written until 2026-04-0" in said_of_all
    assert "load cursor_costs 2026-03-20..2026-03-31 done by fin@x.io" in said_of_all
    assert "fin@x.io says yes for finance" in small.done(
        "migrate", "accept", "--role", "finance", "--yes"
    )
    refused = small.call("migrate", "accept", "--role", "finance", "--no")
    assert (refused.code, "a no needs --note" in refused.err) == (1, True)
    said_first = small.done("migrate", "reopen", "--dry-run")
    assert "would be parallel again" in said_first
    assert "the migration is validated" in small.done("migrate", "status")
    small.done("migrate", "reopen")
    assert "the migration is parallel" in small.done("migrate", "status")
    wrong = small.call(*commands(3)[0], "--table", "nothing")
    assert (wrong.code, "described are: cursor_costs" in wrong.err) == (1, True)
