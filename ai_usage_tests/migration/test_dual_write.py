"""Dual write: vendors' days in the old shape, whole or not at all, and over nobody else's rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.migration import dual_write
from ai_usage.migration.description import read_description
from ai_usage.migration.dual_write import (
    Written,
    keep_marks,
    refuse_other_writers,
    write_days,
    written_tables,
)
from ai_usage.migration.embedded_target import OldFile, old_file
from ai_usage.migration.log import entries, note
from ai_usage.migration.opening import open_target
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry
from ai_usage.warehouse.base import Warehouse
from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import described, old_system
from ai_usage_tests.migration.test_comparing import DAYS, warehouse_of

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
WEEK = Window(date(2026, 3, 8), date(2026, 3, 15))
"""The week whose cents the old writer kept as dollars."""


class System:
    """The planted old system with the vendors' answers of March, dual write on."""

    def __init__(self, home: Path, *changes: tuple[str, str]) -> None:
        home.mkdir(exist_ok=True)
        self.path = old_system.build(home / "old.duckdb")
        self.file = described.write(home, f"duckdb:{self.path}#finance", *changes)
        self.archive = Archive(str(home / "archive"))
        self.warehouse: Warehouse = warehouse_of(home)
        for vendor, endpoint in (("cursor", "usage_events"), ("anthropic", "cost_report")):
            with self.archive.recording(vendor, endpoint, DAYS, fetched_at=NOW) as recorder:
                recorder.add(Page(b"{}", "asked"))
        self.switch("on")

    def switch(self, to: str) -> None:
        said = {"switch": to}
        entry = Entry(at=NOW, step="dual_write", outcome="done", by="fin", details=said)
        note(self.archive, entry)

    @property
    def target(self) -> OldFile:
        return old_file(read_description(self.file).source.partition(":")[2])

    def write(self, window: Window = WEEK) -> list[Written]:
        return list(write_days(self.file, self.archive, self.warehouse, window, NOW))

    def rows(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def sums(self) -> dict[date, float]:
        return dict(
            self.rows("SELECT usage_date, SUM(amount) FROM finance.cursor_costs GROUP BY 1")
        )


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "home")


def test_the_days_of_a_run_are_written_in_the_old_shape_and_no_others(system: System) -> None:
    before = system.sums()
    written = system.write()
    assert [(w.table, w.day, w.outcome, w.rows) for w in written] == [
        ("cursor_costs", day, "written", 21) for day in WEEK.days()
    ]
    # The week of cents has the vendor's dollars now; every other day is as it was.
    week = dict.fromkeys(WEEK.days(), 4.5)
    assert system.sums() == before | week
    of_a_day = "SELECT * FROM finance.cursor_costs WHERE usage_date = DATE '2026-03-08' ORDER BY 2"
    assert system.rows(of_a_day) == [
        (None, "ann@x.io", WEEK.start, 7, 1.5),
        (None, "bob@x.io", WEEK.start, 7, 2.25),
        (None, "cyd@x.io", WEEK.start, 7, 0.75),
    ]


def test_writing_a_day_again_changes_nothing(system: System) -> None:
    system.write()
    mark = system.target.mark("cursor_costs")
    system.write()
    assert system.target.mark("cursor_costs") == mark


def test_nothing_is_written_while_it_is_off_or_no_vendor_has_answered(system: System) -> None:
    before = system.target.state()
    assert system.write(Window(date(2026, 4, 1), date(2026, 4, 3))) == []
    system.switch("off")
    assert system.write() == []
    assert system.target.state() == before


def test_a_table_without_write_is_never_written(system: System) -> None:
    mark = system.target.mark("claude_costs")
    assert {w.table for w in system.write()} == {"cursor_costs"}
    assert system.target.mark("claude_costs") == mark


def test_local_days_are_written_by_their_own_zone_and_several_events_as_one_row(
    tmp_path: Path,
) -> None:
    write = (
        "    compare: []\n",
        "    compare: []\n    write:\n      local_day: DATE(event_timestamp, "
        "'America/Los_Angeles')\n      cost_usd: SUM(cost_usd)\n",
    )
    system = System(tmp_path / "home", write)
    written = system.write()
    # A day of Los Angeles has the evening, which is the next UTC day's 02:00: that must be known.
    local = [w for w in written if w.table == "claude_costs"]
    assert [w.day for w in local] == WEEK.days()
    found = dict(system.rows("SELECT * FROM finance.claude_costs ORDER BY 1"))
    assert found == dict(old_system.local_rows())
    assert found[date(2026, 3, 8)] == Decimal(19)


def test_rows_that_somebody_else_wrote_stop_it_until_it_is_switched_on_again(
    system: System,
) -> None:
    system.write()
    with duckdb.connect(str(system.path)) as connection:
        connection.execute(
            "INSERT INTO finance.cursor_costs VALUES (NULL, 'dan@x.io', '2026-03-09', 1, 9.0)"
        )
    mark = system.target.mark("cursor_costs")
    failed = system.write()
    assert {w.outcome for w in failed} == {"failed"}
    assert "changed by somebody else since our last write" in str(failed[0].error)
    assert system.target.mark("cursor_costs") == mark
    keep_marks(system.archive, system.target, ["cursor_costs"], NOW)
    assert {w.outcome for w in system.write()} == {"written"}


def test_it_is_not_switched_on_while_the_companys_own_writer_is_at_work(system: System) -> None:
    tables = list(written_tables(read_description(system.file)))
    with pytest.raises(MigrationError, match="and not by us: stop what writes cursor_costs"):
        refuse_other_writers(system.target, system.archive, tables)
    quiet = time.time() - timedelta(hours=27).total_seconds()
    os.utime(system.path, (quiet, quiet))
    refuse_other_writers(system.target, system.archive, tables)
    # What we wrote ourselves a moment ago is no other writer.
    system.write()
    refuse_other_writers(system.target, system.archive, tables)


def test_an_old_table_that_refuses_a_row_fails_by_itself_and_stays_as_it_was(
    tmp_path: Path,
) -> None:
    system = System(tmp_path / "home", ("      lines: lines_accepted\n", "      lines: \"'x'\"\n"))
    before = system.target.state()
    failed = system.write()
    assert {w.outcome for w in failed} == {"failed"}
    assert "Could not convert string 'x' to INT64" in str(failed[0].error)
    assert system.target.state() == before


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_statement_leaves_the_table_before_or_after_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    system = System(tmp_path / "home")
    before = system.target.mark("cursor_costs")
    at = Random(seed).randrange(9)  # noqa: S311
    with monkeypatch.context() as patched:
        killed_at_statement(patched, at)
        with pytest.raises(KeyboardInterrupt):
            system.write()
    assert system.target.mark("cursor_costs") == before
    assert {w.outcome for w in system.write()} == {"written"}
    assert system.sums()[WEEK.start] == 4.5


def test_a_kill_between_the_mark_and_the_commit_is_no_other_writer(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.write()
    keep: Callable[..., None] = dual_write._keep

    def killed(*given: Any) -> None:
        keep(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dual_write, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            system.write(Window(date(2026, 3, 8), date(2026, 3, 18)))
    assert {w.outcome for w in system.write()} == {"written"}


def killed_at_statement(patched: pytest.MonkeyPatch, at: int) -> None:
    """End the process, as it were, before the statement of that number since BEGIN."""
    connect = duckdb.connect

    class Counted:
        def __init__(self, connection: Any) -> None:
            self._connection, self._left = connection, -1

        def execute(self, sql: str, *given: Any) -> Any:
            if sql == "BEGIN":
                self._left = at + 1
            elif self._left > 0:
                self._left -= 1
                if self._left == 0 and sql != "ROLLBACK":
                    raise KeyboardInterrupt
            return self._connection.execute(sql, *given)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    from ai_usage.migration import embedded_target

    class Module:
        connect = staticmethod(lambda *given: Counted(connect(*given)))
        Error = duckdb.Error
        DuckDBPyConnection = duckdb.DuckDBPyConnection

    patched.setattr(embedded_target, "duckdb", Module)


def test_the_command_switches_it_and_says_what_it_would_do(tmp_path: Path) -> None:
    small = Small(tmp_path / "home", first=date(2026, 3, 1), today=date(2026, 4, 10))
    path = old_system.build(tmp_path / "old.duckdb")
    small.home.mkdir(exist_ok=True)
    described.write(small.home, f"duckdb:{path}#finance")
    refused = small.call("migrate", "dual-write", "on")
    assert (refused.code, "and not by us" in refused.err) == (1, True)
    quiet = time.time() - timedelta(hours=27).total_seconds()
    os.utime(path, (quiet, quiet))
    said = small.done("migrate", "dual-write", "on", "--dry-run")
    assert f"each run writes cursor_costs in {path}, too" in said
    assert not dual_write.is_on(entries(small.archive))
    small.done("migrate", "dual-write", "on", "--note", "the old one ran on Friday")
    assert dual_write.is_on(entries(small.archive))
    small.done("migrate", "dual-write", "off")
    assert not dual_write.is_on(entries(small.archive))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("files:old", "only old tables of a DuckDB file or of BigQuery can be written"),
        (
            "bigquery:acme.ai_costs",
            "written from a warehouse in BigQuery, and this one is .*duckdb",
        ),
    ],
)
def test_old_tables_that_cannot_be_written_are_refused_in_one_line(
    system: System, source: str, says: str
) -> None:
    with pytest.raises(MigrationError, match=says):
        open_target(source, system.warehouse)
