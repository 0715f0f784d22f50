"""An old name keeps all of its days: what nobody has loaded forbids the cutover."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from ai_usage.migration.description import read_description
from ai_usage.migration.left_behind import in_words, left_behind
from ai_usage.migration.opening import open_source
from ai_usage_tests.migration import described, old_system
from ai_usage_tests.migration.test_comparing import warehouse_of

HISTORY = [date(2025, 12, 1), date(2025, 12, 2)]


def lost(home: Path, *changes: tuple[str, str]) -> list[date]:
    path = old_system.build(home / "old.duckdb")
    with duckdb.connect(str(path)) as connection:
        for day in HISTORY:
            connection.execute(
                "INSERT INTO finance.cursor_costs VALUES ('ann@x.io', NULL, ?, 7, 1.5)", [day]
            )
    description = read_description(described.write(home, f"duckdb:{path}#finance", *changes))
    mapping = description.tables["cursor_costs"]
    return left_behind(open_source(description.source), "cursor_costs", mapping, warehouse_of(home))


def test_days_that_neither_a_vendor_nor_a_load_has_brought_are_named(tmp_path: Path) -> None:
    # Of March every day is loaded, the one without an old row too.
    assert lost(tmp_path) == HISTORY
    assert in_words("cursor_costs", HISTORY) == (
        "cursor_costs has rows of 2025-12-01..2025-12-02 that its view would not have: load them "
        "with `ai-usage migrate load`, or give them up with `days:` in migration.yaml"
    )


def test_days_that_the_description_leaves_out_are_given_up(tmp_path: Path) -> None:
    days = ("    write:\n", "    days: {from: 2025-12-02}\n    write:\n")
    assert lost(tmp_path, days) == HISTORY[1:]
