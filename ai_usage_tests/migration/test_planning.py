"""`migrate init` and `migrate plan`: a first description from the inventory, and what it brings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.migration.description import read_description
from ai_usage.migration.inventory import VendorHours, take_inventory
from ai_usage.migration.opening import open_source
from ai_usage.migration.planning import plan_table
from ai_usage.migration.sample import sample
from ai_usage.migration.sources import MigrationError
from ai_usage_tests.migration import described, old_system

MARCH = Window(date(2026, 3, 1), date(2026, 4, 1))


def test_a_plan_counts_what_comes_in_and_writes_nothing(tmp_path: Path) -> None:
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    archive = Archive(str(tmp_path / "archive"))
    mapping = description.tables["cursor_costs"]
    plan = plan_table(open_source(description.source), "cursor_costs", mapping, archive, MARCH)
    assert (plan.read, plan.repeated, len(plan.days), plan.usd) == (82, 1, 27, Decimal(3240))
    assert not (tmp_path / "archive").exists()


def test_twenty_rows_are_shown_with_what_they_become_and_go_back_to(tmp_path: Path) -> None:
    path = old_system.build(tmp_path / "old.duckdb")
    description = read_description(described.write(tmp_path, f"duckdb:{path}#finance"))
    archive = Archive(str(tmp_path / "archive"))
    mapping = description.tables["cursor_costs"]
    plan = plan_table(open_source(description.source), "cursor_costs", mapping, archive, MARCH)
    assert len(plan.shown) == 20
    for row in plan.shown:
        address = row.old["email"] or row.old["user_email"]
        assert row.event.user_email == address.lower()
        assert row.event.cost_usd == Decimal(str(row.old["amount"]))
        # Before the column was renamed its rows come back under the new name; Cyd's other
        # spelling is lost. Everything else comes back as it was.
        before = row.old["usage_date"] < old_system.RENAMED
        other = address != address.lower()
        assert row.lost == (["user_email"] if before or other else [])


def test_a_first_description_is_read_and_names_its_evidence(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE cursor_daily AS SELECT DATE '2026-03-01' AS date, 'a@x.io' AS email, "
            "5 AS total_lines_added, 3 AS accepted_lines_added"
        )
        connection.execute(
            "CREATE TABLE claude_usage AS SELECT DATE '2026-03-01' AS day, 'apikey_1' AS api_key, "
            "'opus' AS model, 100 AS uncached_input_tokens, 20 AS output_tokens"
        )
        connection.execute(
            "CREATE TABLE claude_cost AS SELECT unnest([DATE '2026-03-01', DATE '2026-03-03']) "
            "AS day, 'w1' AS workspace, 250 AS amount"
        )
        connection.execute("CREATE TABLE key_sheet AS SELECT 'apikey_1' AS key, 'a@x.io' AS mail")
        connection.execute("CREATE TABLE holidays AS SELECT 'x' AS name")
        connection.execute(
            "CREATE TABLE staff AS SELECT 'a@x.io' AS mail, 'Core' AS team, 'CC1' AS cost_centre"
        )
    hours = {
        at: Decimal("2.50") for at in old_system.claude_hours() if at.day in (1, 3) and at.hour == 2
    }
    inventory = take_inventory(
        open_source(f"duckdb:{path}"), [VendorHours("anthropic/cost_report", hours)]
    )
    file = tmp_path / "migration.yaml"
    file.write_text(sample(inventory))
    description = read_description(file)
    assert description.source == f"duckdb:{path}"
    assert set(description.tables) == {"cursor_daily", "claude_usage", "claude_cost"}
    assert description.tables["cursor_daily"].read == {
        "user_email": "email",
        "lines_added": "total_lines_added",
        "lines_accepted": "accepted_lines_added",
    }
    assert description.tables["claude_usage"].read["api_key_id"] == "api_key"
    # 250 on each day, where the vendor says $2.50.
    (unit,) = description.tables["claude_cost"].units
    assert unit.unit == "cents"
    assert description.references["key_sheet"].read == {
        "platform": "'anthropic'",
        "api_key_id": "key",
        "user_email": "mail",
    }
    staff = description.references["staff"]
    assert (staff.into, staff.read) == (
        "users.csv",
        {"user_email": "mail", "team": "team", "cost_center": "cost_centre"},
    )
    assert "no row on 2026-03-02" in file.read_text()
    assert "holidays is no table that is known" in file.read_text()


def test_a_table_of_amounts_is_that_of_the_vendor_whose_figure_they_are(tmp_path: Path) -> None:
    """`cost_usd` by person could be anybody's; each day of it is what Cursor billed."""
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE spend AS SELECT 'a@x.io' AS email, day, 4.5 AS cost_usd "
            "FROM range(DATE '2026-03-01', DATE '2026-03-08', INTERVAL 1 DAY) AS t(day)"
        )
    vendors = [
        VendorHours("anthropic/cost_report", old_system.claude_hours()),
        VendorHours("cursor/usage_events", old_system.cursor_hours()),
    ]
    file = tmp_path / "migration.yaml"
    file.write_text(sample(take_inventory(open_source(f"duckdb:{path}"), vendors)))
    (spend,) = read_description(file).tables.values()
    assert (spend.platform, spend.replaces) == ("cursor", ["cursor/usage_events"])
    assert spend.read == {"user_email": "email", "cost_usd": "cost_usd"}
    # What it would be written by is a comment: a day's events are one old row.
    said = file.read_text()
    assert "    #   day: event_date\n    #   email: user_email\n" in said
    assert '    #   cost_usd: "SUM(cost_usd)"\n' in said
    head, _, write = said.partition("    # write:\n")
    file.write_text(head + "    write:\n" + write.replace("    #   ", "      "))
    (spend,) = read_description(file).tables.values()
    assert list(spend.write) == ["day", "email", "cost_usd"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("event_type: cost", "event_type: money", r":6: tables.cursor_costs.event_type: .*money"),
        (
            "lines_accepted: lines",
            "lines: lines",
            r":12: tables.cursor_costs.read.lines: lines can",
        ),
        ("cost_usd: amount", "cost_usd: DROP TABLE x", r":13: .*read.cost_usd: .* no expression"),
        ("cost_usd: amount", "cost_usd: (SELECT 1)", r":13: .*read.cost_usd: .* no expression"),
        ("cursor/usage_events", "cursor/nothing", r":7: .*replaces: cursor/nothing is no endpoint"),
        ("  cursor_costs:", "  a/b:", r":4: tables\.a/b: a/b is no name .* through a view"),
        ("  cursor_costs:", "  migration_log:", r":4: .*migration_log is no name"),
        ("America/Los_Angeles", "California", r":24: .*zone: California is no zone"),
        ("    day: usage_date", "    dai: usage_date", r":(4|8): tables.cursor_costs.*`?da[iy]"),
    ],
)
def test_a_problem_is_one_line_with_file_line_field_and_remedy(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    file = described.write(tmp_path, "files:nowhere", (before, after))
    with pytest.raises(MigrationError, match=told):
        read_description(file)
