"""docs/migration.md as its reader follows it, in a company that a test makes up.

An old table has what Cursor billed from 20 March 2026 on, in whole cents; the vendor's own answers
begin on 25 March. Ann is billed 1.505 dollars a day, which the old table has as 1.51, Bob 2.25 and
Cyd 0.75.
"""

from __future__ import annotations

import csv
import os
import pickle
import re
import shlex
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage_tests.cli.support import Done
from ai_usage_tests.ledger.small import Small

GUIDE = Path(__file__).parents[2] / "docs" / "migration.md"
FIRST, ANSWERED, TODAY = date(2026, 3, 20), date(2026, 3, 25), date(2026, 4, 6)
OLD_DAYS = Window(FIRST, TODAY)
"""Of the old table: until yesterday."""
DOLLARS = {"ann@x.io": Decimal("1.51"), "bob@x.io": Decimal("2.25"), "cyd@x.io": Decimal("0.75")}
CHARGES = {address: str(usd) for address, usd in DOLLARS.items()} | {"ann@x.io": "1.505"}
DESCRIPTION = """\
version: 1
from: duckdb:old.duckdb#finance
tables:
  cursor_costs:
    platform: cursor
    event_type: usage
    replaces: [cursor/usage_events]
    day: usage_date
    key: [user_email, usage_date]
    read: {user_email: user_email, cost_usd: amount}
    write: {user_email: user_email, usage_date: event_date, amount: SUM(cost_usd)}
    differences:
      rounding: {a_day: 0.01, why: the old table has whole cents}
"""
OLD_FILE = "old.duckdb"
TABLE = "finance.cursor_costs"


def section(step: int) -> str:
    """What the guide says of a step."""
    text = GUIDE.read_text().partition(f"\n## {step}. ")[2]
    return re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]


def commands(step: int) -> list[list[str]]:
    """The commands of a step of the guide, without the program."""
    found = [command for block in _blocks(step, "sh") for command in _commands(block)]
    assert found, step
    return found


def printed(step: int) -> list[tuple[list[list[str]], list[str]]]:
    """Each block of commands with the lines that the guide says they print."""
    blocks, told = _blocks(step, "sh"), _blocks(step, "text")
    assert len(blocks) == len(told), f"step {step}: {len(blocks)} blocks, {len(told)} outputs"
    return [(_commands(block), said.splitlines()) for block, said in zip(blocks, told, strict=True)]


def _blocks(step: int, kind: str) -> list[str]:
    found: list[str] = re.findall(
        rf"^```{kind}\n(.*?)^```", section(step), re.MULTILINE | re.DOTALL
    )
    return found


def _commands(block: str) -> list[list[str]]:
    return [shlex.split(line.partition("ai-usage ")[2]) for line in block.splitlines()]


def is_printed(lines: Sequence[str], told: Sequence[str]) -> bool:
    """Whether the lines are those that are told, where `…` stands for any text or lines."""
    patterns = [
        r"(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in told
    ]
    return re.fullmatch("".join(patterns), "".join(f"{line}\n" for line in lines)) is not None


def company(home: Path) -> Small:
    """Three people, what Cursor bills them until today, an hour ago, and March closed."""
    small = Small(home, first=FIRST, today=TODAY)
    people = [f"{address},Core,CC1" for address in DOLLARS]
    small.file("users.csv", "user_email,team,cost_center", *people)
    answered = Window(ANSWERED, TODAY + timedelta(days=1))
    small.says(answered, dict.fromkeys(Window(ANSWERED, TODAY).days(), CHARGES))
    march = Window(date(2026, 3, 1), date(2026, 4, 1))
    closed_at = datetime(2026, 4, 3, tzinfo=UTC)
    with small.archive.recording("books", "closed_months", march, fetched_at=closed_at) as kept:
        kept.add(Page(b'{"month": "2026-03-01", "totals": []}', "closed by a test"))
    with duckdb.connect(str(home / OLD_FILE)) as connection:
        connection.execute("CREATE SCHEMA finance")
        connection.execute(
            f"CREATE TABLE {TABLE} (user_email VARCHAR NOT NULL, usage_date DATE, "
            "amount DECIMAL(12, 2))"
        )
        rows = [(who, day, usd) for day in OLD_DAYS.days() for who, usd in DOLLARS.items()]
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", rows)
    return small


def leave_alone(small: Small) -> None:
    """Nobody has written the old file for more than a day."""
    quiet = time.time() - timedelta(hours=27).total_seconds()
    os.utime(small.home / OLD_FILE, (quiet, quiet))


def found(small: Small, table: str = TABLE) -> list[tuple[str, date, Decimal]]:
    """The rows of a table of the old file."""
    with duckdb.connect(str(small.home / OLD_FILE), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 2, 1").fetchall()


@dataclass
class Walk:
    """The guide's commands, called in order; what each said."""

    small: Small
    said: list[tuple[list[str], Done]]

    def call(self, arguments: Sequence[str], *more: str, small: Small | None = None) -> Done:
        """Call the command and keep what it says; `more` is not in the guide."""
        done = (small or self.small).call(*arguments, *more)
        self.said.append((list(arguments), done))
        return done

    def done(self, arguments: Sequence[str], *more: str, small: Small | None = None) -> str:
        """The same for a command that ends well."""
        done = self.call(arguments, *more, small=small)
        assert done.code == 0, done.out + done.err
        return done.out

    def describe(self) -> None:
        """Steps 1 and 2; the description is put right by hand."""
        for step in (1, 2):
            for command in commands(step):
                self.done(command)
        (self.small.home / "migration.yaml").write_text(DESCRIPTION)

    def load_and_compare(self) -> None:
        """Steps 3 to 5. March is closed, and only days that a person asks for are built in it."""
        for command in commands(3):
            self.done(command)
        for command in commands(4):
            self.call(command, "--closed")
        for command in commands(5):
            self.done(command)

    def write_both(self) -> None:
        """Step 6, and a run."""
        leave_alone(self.small)
        for command in commands(6):
            self.done(command)
        self.small.call("run", "--select", "key:migration_writes", "--closed")

    def ask(self) -> None:
        """Step 7: the sheet is filled in with yes, and both roles say yes in the end."""
        sheet = self.small.home / "sample.csv"
        sheet.unlink(missing_ok=True)
        sample, confirm, accept, feedback = commands(7)
        self.done(sample)
        with sheet.open(newline="") as file:
            rows = list(csv.DictReader(file))
        with sheet.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(row | {"is_right": "yes"} for row in rows)
        self.done(confirm)
        self.done(accept)
        engineer = replace(self.small, user="eng@x.io")
        self.done(feedback, small=engineer)
        unmet = self.small.call("migrate", "validate", "--dry-run")
        assert (unmet.code, "at least 90 % say yes (1 of 2)" in unmet.out) == (1, True)
        engineer.done(*[("--yes" if word == "--no" else word) for word in feedback])

    def validate(self) -> None:
        """Step 8."""
        for command in commands(8):
            self.done(command)


def validated(folders: pytest.TempPathFactory) -> Walk:
    """Steps 1 to 8, walked by the first of several workers that asks; each has a copy."""
    own = folders.mktemp("validated")
    shared = "PYTEST_XDIST_WORKER" in os.environ
    first = folders.getbasetemp().parent / "validated" if shared else own
    kept = first.with_suffix(".pickle")
    with FileLock(first.with_suffix(".lock")):
        if not kept.exists():
            walk = Walk(company(first), [])
            for part in (walk.describe, walk.load_and_compare, walk.write_both, walk.ask):
                part()
            walk.validate()
            kept.write_bytes(pickle.dumps(walk.said))
        if shared:
            shutil.copytree(first, own, dirs_exist_ok=True)
    return Walk(Small(own, first=FIRST, today=TODAY), pickle.loads(kept.read_bytes()))  # noqa: S301
