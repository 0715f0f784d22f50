"""One planted fault at a time: the comparison names it with its dollars, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from ai_usage.days.windows import Window
from ai_usage.migration.comparing import Comparison, compare_table
from ai_usage.migration.description import read_description
from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.opening import open_source
from ai_usage.migration.report import as_html
from ai_usage.migration.sources import MigrationError
from ai_usage.warehouse.base import Warehouse
from ai_usage_tests.migration import described, old_system
from ai_usage_tests.migration.test_comparing import DAYS, warehouse_of

MARCH = Window(old_system.FIRST, DAYS.end)
Told = tuple[str, str, int, str, str]
"""Class, days, keys, dollars of the old table and of the new ones."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return warehouse_of(tmp_path_factory.mktemp("vendors"))


def compared(
    home: Path,
    warehouse: Warehouse,
    faults: Collection[str],
    *changes: tuple[str, str],
    table: str = "cursor_costs",
    days: Window = MARCH,
) -> Comparison:
    path = old_system.build(home / "old.duckdb", faults)
    description = read_description(described.write(home, f"duckdb:{path}#finance", *changes))
    source, mapping = open_source(description.source), description.tables[table]
    return compare_table(source, table, mapping, warehouse, days)


def faults_of(found: Comparison) -> list[Told]:
    """What the comparison names, but for what is identical."""
    told: list[Told] = []
    for total in found.totals:
        if total.class_ != "identical":
            days = sorted({f.day.day for f in found.findings if f.class_ == total.class_})
            span = f"{days[0]}-{days[-1]}, {len(days)}"
            sums = (f"{total.usd_old:.2f}", f"{total.usd_new:.2f}")
            told.append((total.class_, span, total.keys, *sums))
    return told


def test_tables_without_a_fault_have_no_difference(tmp_path: Path, warehouse: Warehouse) -> None:
    for table, dollars in (("cursor_costs", 28 * Decimal("4.50")), ("claude_costs", 406 + 280)):
        home = tmp_path / table
        home.mkdir()
        zone = ("    zone: America/Los_Angeles\n", "")
        found = compared(home, warehouse, (), zone, table=table)
        assert [t.class_ for t in found.totals] == ["identical"]
        assert found.totals[0].usd_old == found.totals[0].usd_new == dollars
        assert all(one.green for one in found.verdicts)


@pytest.mark.parametrize(
    ("fault", "told", "hint"),
    [
        (
            "cents",
            # Three people: 4.50 dollars a day, and 450.
            ("unexplained", "8-14, 7", 21, "3150.00", "31.50"),
            "the old amount is 100 times: cents kept as dollars?",
        ),
        ("missing", ("missing_in_old", "5-5, 1", 3, "0.00", "4.50"), "the whole day"),
        (
            "doubled",
            ("doubled", "17-17, 1", 1, "4.50", "2.25"),
            "1 of 2 rows are there before",
        ),
        (
            "other case",
            ("attribution", "20-20, 1", 1, "0.75", "0.75"),
            "written Cyd@X.io",
        ),
    ],
)
def test_a_fault_by_itself_is_named_with_its_days_and_dollars_and_nothing_else(
    tmp_path: Path, warehouse: Warehouse, fault: str, told: Told, hint: str
) -> None:
    found = compared(tmp_path, warehouse, {fault})
    assert faults_of(found) == [told]
    assert {f.note for f in found.findings if f.class_ != "identical"} == {hint}
    red = {one.day for one in found.verdicts if not one.green}
    assert red == {f.day for f in found.findings if f.class_ != "identical"}
    page = as_html([found], "Old and new")
    assert hint in page
    first, last = min(red), max(red)
    assert (str(first) if first == last else f"{first}..{last}") in page


def test_a_column_that_was_renamed_half_way_is_missed_by_whom_it_names(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    """Read by its new name alone, two weeks belong to nobody; by both names nothing differs."""
    by_one = ("      user_email: COALESCE(email, user_email)\n", "      user_email: user_email\n")
    found = compared(tmp_path, warehouse, {"renamed"}, by_one)
    # Fourteen days of 4.50 dollars: nobody's in the old table, three people's in the new ones.
    assert faults_of(found) == [("attribution", "1-14, 14", 56, "63.00", "63.00")]
    both = tmp_path / "both"
    both.mkdir()
    assert faults_of(compared(both, warehouse, {"renamed"})) == []


def test_local_days_are_the_zones_that_is_declared_and_hinted_at_where_none_is(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    declared = compared(tmp_path, warehouse, {"local"}, table="claude_costs", days=DAYS)
    # 28 February's evening is 1 March's dollar; the old table lacks the evening of 28 March.
    (told,) = faults_of(declared)
    assert told[0] == "zone"
    assert told[3:] == ("686.00", "686.00")
    other = tmp_path / "other"
    other.mkdir()
    undeclared = ("    zone: America/Los_Angeles\n", "")
    found = compared(other, warehouse, {"local"}, undeclared, table="claude_costs", days=DAYS)
    assert [f[0] for f in faults_of(found)] == ["unexplained", "missing_in_new"]
    assert {f.note for f in found.findings if f.class_ == "unexplained"} == {
        "days of America/Los_Angeles? 27 of 27 are equal by it: declare `zone:`"
    }


def test_cents_that_are_declared_are_no_difference(tmp_path: Path, warehouse: Warehouse) -> None:
    units = "    units: [{column: cost_usd, unit: cents, from: 2026-03-08, to: 2026-03-14}]\n"
    change = ("    write:\n", f"{units}    write:\n")
    assert faults_of(compared(tmp_path, warehouse, {"cents"}, change)) == []


def test_a_table_that_changes_while_it_is_compared_is_told_and_nothing_is_judged(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    file = folder / "cursor_costs.csv"
    file.write_text(f"email,user_email,usage_date,lines,amount\n,ann@x.io,{date(2026, 3, 1)},7,1\n")

    class Changing(EmbeddedSource):
        def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
            for row in super().rows(statement):
                yield row
                file.write_text(file.read_text() + ",bob@x.io,2026-03-01,7,2\n")

    day = ("day: usage_date", "day: CAST(usage_date AS DATE)")
    description = read_description(described.write(tmp_path, f"files:{folder}", day))
    source = Changing(folder, None, description.source)
    with pytest.raises(MigrationError, match="cursor_costs changed while it was read"):
        compare_table(source, "cursor_costs", description.tables["cursor_costs"], warehouse, MARCH)
