"""Old names as views over the new tables, and back, whenever it is ended in between."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest

from ai_usage.days.windows import Window
from ai_usage.migration.description import Description, read_description
from ai_usage.migration.dual_write import SoFar, keep_marks, written_so_far
from ai_usage.migration.opening import open_old
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.steps import (
    OldNames,
    hindrances,
    old_names,
    rehearse,
    retire,
    snapshot_of,
    switch,
    switch_back,
)
from ai_usage.migration.switching import switched
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.migration import old_system
from ai_usage_tests.migration.test_dual_write import NOW, WEEK, System, killed_at_statement

ALL = Window(old_system.FIRST, old_system.LAST + timedelta(days=1))
NAMES = "SELECT usage_date, user_email, lines, amount FROM finance.cursor_costs ORDER BY 1, 2"


class Switched(System):
    """The planted system whose days dual write has written."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("COMMENT ON TABLE finance.cursor_costs IS 'what finance reads'")
            connection.execute("COMMENT ON COLUMN finance.cursor_costs.amount IS 'dollars'")
        self.write_and_note(ALL)

    def write_and_note(self, window: Window) -> None:
        rows = [
            {
                "written_day": one.day,
                "table_name": one.table,
                "outcome": one.outcome,
                "rows_written": one.rows,
                "error": one.error,
                "tried_at": NOW,
            }
            for one in self.write(window)
        ]
        made = table_schema("migration_writes").to_arrow(rows)
        self.warehouse.replace("migration_writes", window, made)

    @property
    def description(self) -> Description:
        return read_description(self.file)

    @property
    def names(self) -> OldNames:
        return old_names(self.description, self.warehouse)


@pytest.fixture
def system(tmp_path: Path) -> Switched:
    return Switched(tmp_path / "home")


def test_the_old_name_gives_the_rows_that_it_gave_from_the_new_tables(system: Switched) -> None:
    before = system.rows(NAMES)
    # 28 days of three people, the missing day among them: the vendor has it.
    assert len(before) == 84
    assert switch(system.names) == ["cursor_costs"]
    assert system.rows(NAMES) == before
    (kind, comment) = system.rows(
        "SELECT sql, comment FROM duckdb_views() WHERE view_name = 'cursor_costs'"
    )[0]
    assert "read_duckdb" in kind
    assert comment == "what finance reads"
    types = "SELECT column_name, column_type FROM (DESCRIBE {}.cursor_costs)"
    assert system.rows(types.format("finance")) == system.rows(types.format("legacy"))
    # A column that nobody writes is NULL under the old name, and said before.
    assert system.names.unwritten == {"cursor_costs": ["email"]}


def test_dual_write_goes_on_in_the_old_table_and_the_way_back_has_it(system: Switched) -> None:
    before = system.target.state()
    switch(system.names)
    day = Window.day(date(2026, 3, 20))
    with duckdb.connect(str(system.path)) as connection:
        connection.execute("DELETE FROM legacy.cursor_costs WHERE usage_date = '2026-03-20'")
    keep_marks(system.archive, system.target, ["cursor_costs"], NOW)
    assert [w.outcome for w in system.write(day)] == ["written"]
    old = open_old(system.description.source, "cutover")
    assert [table.name for table in old.tables()] == ["cursor_costs"]
    assert switch_back(system.description, system.warehouse) == ["cursor_costs"]
    assert system.target.state() == before


def test_a_view_that_differs_from_its_table_switches_nothing(system: Switched) -> None:
    before = system.target.state()
    with duckdb.connect(str(system.path)) as connection:
        connection.execute(
            "UPDATE finance.cursor_costs SET amount = 9 WHERE usage_date = '2026-03-20'"
        )
    changed = system.target.state()
    assert changed != before
    with pytest.raises(MigrationError, match="3 rows of 28 days are not those that the view"):
        switch(system.names)
    assert system.target.state() == changed


def test_what_dual_write_lacks_and_a_move_would_lose_forbids_it(system: Switched) -> None:
    assert hindrances(system.names) == []
    with duckdb.connect(str(system.path)) as connection:
        connection.execute("CREATE INDEX by_day ON finance.cursor_costs (usage_date)")
    failed = [
        {
            "written_day": WEEK.start,
            "table_name": "cursor_costs",
            "outcome": "failed",
            "error": "the disk is full",
            "tried_at": NOW,
        }
    ]
    made = table_schema("migration_writes").to_arrow(failed)
    assert written_so_far(system.warehouse) == [SoFar("cursor_costs", old_system.LAST, (), None)]
    system.warehouse.replace("migration_writes", Window.day(WEEK.start), made)
    (so_far,) = written_so_far(system.warehouse)
    assert (so_far.newest, so_far.failed, so_far.error) == (
        old_system.LAST,
        [WEEK.start],
        "the disk is full",
    )
    assert hindrances(system.names) == [
        "cursor_costs lacks 2026-03-08",
        "cursor_costs has the index by_day",
    ]


def test_a_rehearsal_leaves_the_copy_and_the_original_as_they_were(
    system: Switched, tmp_path: Path
) -> None:
    before = system.target.state()
    found = rehearse(system.names, tmp_path / "rehearsal")
    assert [(one.table, one.before == one.after) for one in found] == [
        ("claude_costs", True),
        ("cursor_costs", True),
    ]
    assert [one.before for one in found] == list(before.values())
    assert system.target.state() == before
    assert not list((tmp_path / "rehearsal").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_any_statement_of_cutover_or_rollback_leaves_no_half_and_is_finished_by_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    system = Switched(tmp_path / "home")
    names, before = system.names, system.target.state()
    at = Random(seed).randrange(12)  # noqa: S311
    with monkeypatch.context() as patched:
        killed_at_statement(patched, at)
        with pytest.raises(KeyboardInterrupt):
            switch(names)
    assert system.target.state() == before
    assert switch(names) == ["cursor_costs"]
    assert switch(names) == []
    with monkeypatch.context() as patched:
        killed_at_statement(patched, at % 7)
        with pytest.raises(KeyboardInterrupt):
            switch_back(system.description, system.warehouse)
    assert switched(system.target, ["cursor_costs"]) == ["cursor_costs"]
    assert switch_back(system.description, system.warehouse) == ["cursor_costs"]
    assert system.target.state() == before
    assert switch_back(system.description, system.warehouse) == []


def test_a_snapshot_is_the_file_and_is_made_once(system: Switched, tmp_path: Path) -> None:
    snapshot = snapshot_of(system.names, tmp_path / "kept", NOW)
    copy = Path(snapshot.details["snapshot"])
    with duckdb.connect(str(copy), read_only=True) as connection:
        found = connection.execute("SELECT COUNT(*) FROM finance.cursor_costs").fetchall()
    assert found == [(84,)]
    switch(system.names)
    assert snapshot_of(system.names, tmp_path / "kept", NOW) == snapshot
    copy.unlink()
    with pytest.raises(MigrationError, match="is gone, and some names are switched"):
        snapshot_of(system.names, tmp_path / "kept", NOW)


def test_what_is_retired_is_read_back_before_it_is_dropped(
    system: Switched, tmp_path: Path
) -> None:
    switch(system.names)
    kept = system.rows("SELECT * FROM legacy.cursor_costs ORDER BY ALL")
    digests = retire(system.description, system.warehouse, tmp_path / "retired")
    assert list(digests) == ["cursor_costs"]
    file = tmp_path / "retired" / "cursor_costs.parquet"
    with duckdb.connect() as connection:
        read = connection.execute(f"SELECT * FROM '{file}' ORDER BY ALL").fetchall()
    assert read == kept
    left = system.rows("SELECT table_name FROM information_schema.tables ORDER BY 1")
    assert left == [("claude_costs",)]
    # A second time, after a kill, there is nothing left to do.
    assert retire(system.description, system.warehouse, tmp_path / "retired") == digests
