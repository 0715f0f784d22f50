"""What `migrate inventory` finds of old tables, against counts worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.migration.evidence import Renamed, unit_of
from ai_usage.migration.inventory import Inventory, Profile, VendorHours, take_inventory
from ai_usage.migration.opening import open_source
from ai_usage.migration.sample import evidence
from ai_usage.migration.sources import MigrationError
from ai_usage_tests.migration import old_system


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    path = old_system.build(tmp_path_factory.mktemp("old") / "old.duckdb")
    vendors = [
        VendorHours("cursor/usage_events", old_system.cursor_hours()),
        VendorHours("anthropic/cost_report", old_system.claude_hours()),
    ]
    return take_inventory(open_source(f"duckdb:{path}#finance"), vendors)


def of(inventory: Inventory, name: str) -> Profile:
    return next(p for p in inventory.profiles if p.table.name == name)


def test_it_counts_rows_days_gaps_and_doubled_rows(inventory: Inventory) -> None:
    costs = of(inventory, "cursor_costs")
    # 27 days of three people, and one row again.
    assert (costs.rows, costs.doubled) == (82, 1)
    assert (costs.day, costs.first, costs.last) == (
        "usage_date",
        date(2026, 3, 1),
        date(2026, 3, 28),
    )
    assert costs.gaps == [date(2026, 3, 5)]
    assert costs.addresses_by_case == 1


def test_it_names_the_fewest_columns_that_tell_rows_apart(inventory: Inventory) -> None:
    assert of(inventory, "cursor_costs").keys == [("email", "user_email", "usage_date")]
    assert of(inventory, "claude_costs").keys == [("local_day",)]


def test_it_sees_a_week_of_cents_by_the_vendors_own_figure(inventory: Inventory) -> None:
    (amount,) = of(inventory, "cursor_costs").amounts
    assert amount.endpoint == "cursor/usage_events"
    told = [(s.first.day, s.last.day, s.unit, s.old, s.usd) for s in amount.spells]
    # 17 March has Bob's 2.25 twice, and so no unit.
    assert told == [
        (1, 7, "usd", Decimal(27), Decimal(27)),
        (8, 14, "cents", Decimal(3150), Decimal("31.50")),
        (15, 16, "usd", Decimal(9), Decimal(9)),
        (17, 17, "other", Decimal("6.75"), Decimal("4.50")),
        (18, 28, "usd", Decimal("49.50"), Decimal("49.50")),
    ]


def test_cents_that_rows_lost_make_no_other_unit_and_twice_the_amount_does() -> None:
    # Twenty rows may have lost ten cents of 30 dollars; 0.5 % of a day are 15 cents.
    assert unit_of(Decimal("29.90"), Decimal("30.00")) == "usd"
    assert unit_of(Decimal(2990), Decimal("30.00")) == "cents"
    assert unit_of(Decimal("0.02"), Decimal("0.01")) == "usd"
    assert unit_of(Decimal("29.80"), Decimal("30.00")) == "other"
    assert unit_of(Decimal(60), Decimal(30)) == "other"


def test_it_sees_the_zone_of_the_days(inventory: Inventory) -> None:
    (local,) = of(inventory, "claude_costs").amounts
    assert local.zone is not None
    # From the first full day in Los Angeles to the last: 2 to 27 March and both days at the ends.
    assert (local.endpoint, local.zone.zone) == ("anthropic/cost_report", "America/Los_Angeles")
    assert (local.zone.matched, local.zone.of) == (27, 27)
    (utc,) = of(inventory, "cursor_costs").amounts
    assert utc.zone is not None
    assert utc.zone.zone == "UTC"


def test_what_it_sees_is_said_with_its_evidence(inventory: Inventory) -> None:
    told = list(evidence(of(inventory, "claude_costs")))
    assert (
        "days of cost_usd are those of America/Los_Angeles: 27 of 27 are those of "
        "anthropic/cost_report" in told
    )
    told = list(evidence(of(inventory, "cursor_costs")))
    assert "days by usage_date, 2026-03-01 to 2026-03-28; no row on 2026-03-05" in told
    assert "1 address in several spellings: they are compared in lower case" in told
    assert "email ends where user_email begins, on 2026-03-15: COALESCE(email, user_email)?" in told
    assert (
        "amount in cents, 2026-03-08 to 2026-03-14: 3,150.00 against $31.50 of cursor/usage_events"
        in told
    )


def test_it_sees_a_column_renamed_half_way(inventory: Inventory) -> None:
    assert of(inventory, "cursor_costs").renamed == [
        Renamed("email", "user_email", date(2026, 3, 15))
    ]


def test_files_keep_their_digits_and_a_folder_is_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "costs"
    folder.mkdir()
    (folder / "2026-03.csv").write_text("day,amount\n2026-03-01,0.1\n2026-03-01,0.2\n")
    (folder / "2026-04.csv").write_text("day,amount,team\n2026-04-01,0.30,a\n")
    (costs,) = take_inventory(open_source(f"files:{tmp_path}")).profiles
    assert (costs.table.name, costs.rows, costs.day) == ("costs", 3, "day")
    assert costs.amounts[0].total == Decimal("0.6")
    assert len(costs.gaps) == 30


def test_what_is_not_there_is_said_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"put right `from:`"):
        open_source(f"duckdb:{tmp_path / 'none.duckdb'}")
    with pytest.raises(MigrationError, match=r"write duckdb:<file>#<schema>"):
        open_source("postgres:somewhere")


def test_a_table_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    from sqlglot import exp

    file = tmp_path / "costs.csv"
    file.write_text("day,amount\n2026-03-01,1\n2026-03-02,2\n")
    source = open_source(f"files:{file}")
    rows = source.unchanged("costs", exp.select("*").from_("costs"))
    next(rows)
    file.write_text("day,amount\n2026-03-01,1\n2026-03-02,2\n2026-03-03,3\n")
    with pytest.raises(MigrationError, match="changed while it was read"):
        list(rows)
