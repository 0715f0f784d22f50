"""docs/migration.md, step by step: each of its commands is called as it stands there, in order."""

from __future__ import annotations

import csv
import os
import re
import shlex
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.migration.description import read_description
from ai_usage.migration.log import entries
from ai_usage.migration.states import state_of
from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import old_system

GUIDE = Path(__file__).parents[2] / "docs" / "migration.md"
FIRST, TODAY = date(2026, 3, 25), date(2026, 4, 6)
DAYS = Window(FIRST, TODAY + timedelta(days=1))
OLD = [FIRST + timedelta(days=n) for n in range((TODAY - FIRST).days)]
DESCRIPTION = """\
version: 1
from: duckdb:{path}#finance
tables:
  cursor_costs:
    platform: cursor
    event_type: usage
    replaces: [cursor/usage_events]
    day: usage_date
    key: [user_email, usage_date]
    read: {{user_email: user_email, cost_usd: amount}}
    write: {{user_email: user_email, usage_date: event_date, amount: SUM(cost_usd)}}
"""


def commands(step: str) -> list[list[str]]:
    """The commands of a step of the guide, without the program."""
    text = GUIDE.read_text()
    section = re.split(r"^## ", text.partition(f"\n## {step}")[2], maxsplit=1, flags=re.MULTILINE)
    blocks = re.findall(r"^```sh\n(.*?)^```", section[0], re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines, step
    return [shlex.split(line.partition("ai-usage ")[2]) for line in lines]


def dated(arguments: list[str], first: date, last: date) -> list[str]:
    """The arguments with the test's days in the place of the guide's."""
    changed = list(arguments)
    for option, day in (("--from", first), ("--to", last)):
        changed[changed.index(option) + 1] = day.isoformat()
    return changed


def old_tables(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA finance")
        connection.execute(
            "CREATE TABLE finance.cursor_costs (user_email VARCHAR NOT NULL, usage_date DATE, "
            "amount DECIMAL(12, 2))"
        )
        rows = [(address, day, usd) for day in OLD for address, usd in old_system.DOLLARS.items()]
        connection.executemany("INSERT INTO finance.cursor_costs VALUES (?, ?, ?)", rows)
    quiet = time.time() - timedelta(hours=27).total_seconds()
    os.utime(path, (quiet, quiet))


def company(home: Path) -> Small:
    """Three people, what Cursor bills them until today, an hour ago, and March closed."""
    small = Small(home, first=FIRST, today=TODAY)
    people = [f"{address},Core,CC1" for address in old_system.DOLLARS]
    small.file("users.csv", "user_email,team,cost_center", *people)
    charges = {address: str(usd) for address, usd in old_system.DOLLARS.items()}
    small.says(DAYS, dict.fromkeys(OLD, charges))
    march = Window(date(2026, 3, 1), date(2026, 4, 1))
    closed_at = datetime(2026, 4, 3, tzinfo=UTC)
    with small.archive.recording("books", "closed_months", march, fetched_at=closed_at) as kept:
        kept.add(Page(b'{"month": "2026-03-01", "totals": []}', "closed by a test"))
    return small


@pytest.mark.slow
def test_the_guide_leads_from_the_inventory_to_the_retired_tables(tmp_path: Path) -> None:
    small = company(tmp_path)
    path = small.home / "old.duckdb"
    old_tables(path)
    (inventory,) = commands("1. ")
    assert inventory[:3] == ["migrate", "inventory", "--source"]
    assert "cursor_costs: 36 rows" in small.done(*inventory)
    (init,) = commands("2. ")
    small.done(*init)
    # Amounts without lines or tokens are no table that it knows: a person describes it.
    assert read_description(small.home / "migration.yaml").source == "duckdb:old.duckdb#finance"
    (small.home / "migration.yaml").write_text(DESCRIPTION.format(path=path))
    (plan,) = commands("3. ")
    # Twelve days of three people, and the vendor has answered all of them.
    said = small.done(*dated(plan, FIRST, OLD[-1]))
    assert "cursor_costs, 2026-03-25..2026-04-05: 36 rows" in said
    (load,) = commands("4. ")
    # March is closed: it takes --closed to build it.
    small.call(*dated(load, FIRST, TODAY), "--closed")
    (compare,) = commands("5. ")
    said = small.done(*dated(compare, FIRST, OLD[-1]))
    assert "cursor_costs: $0.00 unexplained" in said
    assert "identical: 36 keys, old $54.00, new $54.00" in said
    (dual_write,) = commands("6. ")
    small.done(*dual_write)
    said = small.call("run", "--select", "key:migration_writes", "--closed").out
    written = small.rows(
        "SELECT COUNT(*) AS n FROM migration_writes WHERE written_day >= DATE '2026-01-01' "
        "AND outcome = 'written'"
    )
    assert written[0]["n"] > 0, said
    people(small)
    dry, validate = commands("8. ")
    said = small.done(*dry)
    assert "NOT met" not in said
    assert "met: 7 green final days without a break (11 days)" in said
    small.done(*validate)
    (rehearse,) = commands("9. ")
    assert "cursor_costs: as it was" in small.done(*rehearse)
    before = found(path, "finance.cursor_costs")
    dry, cutover = commands("10. ")
    assert "moves to legacy.cursor_costs, a view takes its name" in small.done(*dry)
    assert state_of(entries(small.archive)) == "validated"
    assert "1 name switched" in small.done(*cutover)
    assert found(path, "finance.cursor_costs") == before
    assert small.call(*cutover).code == 1
    rollback, retire = commands("11. ")
    early = small.call(*retire)
    assert (early.code, "the way back is kept until" in early.err) == (1, True)
    small.done(*rollback)
    assert found(path, "finance.cursor_costs") == before
    assert state_of(entries(small.archive)) == "parallel"
    # Asked anew after the way back, and over again.
    people(small)
    small.done(*validate)
    small.done(*cutover)
    later = replace(small, today=TODAY + timedelta(days=31))
    assert "read back, SHA-256" in later.done(*retire)
    assert "the migration is retired" in later.done("migrate", "status")
    with duckdb.connect(str(path), read_only=True) as connection:
        left = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert left == []


def people(small: Small) -> None:
    """Step 7: the sheet is filled in with yes, and both roles say yes in the end."""
    sheet = small.home / "sample.csv"
    sheet.unlink(missing_ok=True)
    sample, confirm, accept, feedback = commands("7. ")
    small.done(*sample)
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"is_right": "yes"} for row in rows)
    assert "100 %" in small.done(*confirm)
    small.done(*accept)
    engineer = replace(small, user="eng@x.io")
    engineer.done(*feedback)
    unmet = small.call("migrate", "validate", "--dry-run")
    assert "at least 90 % say yes (1 of 2)" in unmet.out
    assert unmet.code == 1
    engineer.done(*[("--yes" if word == "--no" else word) for word in feedback])


def found(path: Path, table: str) -> list[tuple[str, date, Decimal]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 2, 1").fetchall()
