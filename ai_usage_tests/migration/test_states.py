"""Where a migration stands: which steps lead on, who did them, and what a kill leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.migration.log import entries, log_rows, step
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import AnyStep, state_of, unfinished
from ai_usage.warehouse.schema import table_schema

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def do(archive: Archive, *names: AnyStep, now: datetime = NOW) -> None:
    for name in names:
        with step(archive, name, by="fin@x.io", why="agreed", now=now):
            pass


def test_steps_lead_on_in_order_and_back(archive: Archive) -> None:
    assert state_of(entries(archive)) == "parallel"
    do(archive, "validate", "cutover")
    assert state_of(entries(archive)) == "cutover"
    do(archive, "rollback")
    assert state_of(entries(archive)) == "parallel"
    with pytest.raises(MigrationError, match="from validated to cutover, and the migration is par"):
        do(archive, "cutover")


def test_who_when_and_why_are_kept_in_the_order_of_doing(archive: Archive) -> None:
    do(archive, "validate", "cutover")
    rows = list(log_rows(entries(archive)))
    told = [(r["step"], r["outcome"], r["state"], r["done_by"], r["reason"]) for r in rows]
    assert told == [
        ("validate", "begun", "parallel", "fin@x.io", "agreed"),
        ("validate", "done", "validated", "fin@x.io", "agreed"),
        ("cutover", "begun", "validated", "fin@x.io", "agreed"),
        ("cutover", "done", "cutover", "fin@x.io", "agreed"),
    ]
    instants = [row["noted_at"] for row in rows]
    assert instants == sorted(set(instants))
    # The rows are those of the table.
    assert table_schema("migration_log").to_arrow(rows).num_rows == 4


def test_a_step_that_is_killed_resumes_and_holds_the_others_up(archive: Archive) -> None:
    do(archive, "validate")
    with pytest.raises(KeyboardInterrupt), step(archive, "cutover", by="a", why="", now=NOW):
        raise KeyboardInterrupt
    open_ = unfinished(entries(archive))
    assert open_ is not None
    assert (open_.step, state_of(entries(archive))) == ("cutover", "validated")
    with pytest.raises(MigrationError, match="was broken off; finish it with `ai-usage migrate cu"):
        do(archive, "reopen")
    with step(archive, "cutover", by="b", why="", now=NOW) as resumes:
        assert resumes
    assert (state_of(entries(archive)), unfinished(entries(archive))) == ("cutover", None)


def test_a_step_that_fails_leaves_the_state_and_says_why(archive: Archive) -> None:
    with (
        pytest.raises(MigrationError, match="no room"),
        step(archive, "validate", by="a", why="", now=NOW),
    ):
        raise MigrationError("no room")
    assert (state_of(entries(archive)), unfinished(entries(archive))) == ("parallel", None)
    assert entries(archive)[-1].details == {"error": "no room"}
    do(archive, "validate")


def test_a_resumed_step_that_fails_stays_begun_and_a_cutover_can_still_go_back(
    archive: Archive,
) -> None:
    """Its first process may have switched the names before it was killed."""
    do(archive, "validate")
    with pytest.raises(KeyboardInterrupt), step(archive, "cutover", by="a", why="", now=NOW):
        raise KeyboardInterrupt
    with (
        pytest.raises(MigrationError, match="no copy"),
        step(archive, "cutover", by="a", why="", now=NOW),
    ):
        raise MigrationError("no copy")
    open_ = unfinished(entries(archive))
    assert open_ is not None
    assert open_.step == "cutover"
    do(archive, "rollback")
    assert (state_of(entries(archive)), unfinished(entries(archive))) == ("parallel", None)


def test_a_step_whose_outcome_nobody_knows_stays_begun(archive: Archive) -> None:
    """A network that is gone may have taken the answer, and not the question."""
    with (
        pytest.raises(OSError, match="gone"),
        step(archive, "validate", by="a", why="", now=NOW),
    ):
        raise OSError("gone")
    assert unfinished(entries(archive)) is not None


def test_the_way_back_is_kept_for_thirty_days_and_not_a_second_longer(archive: Archive) -> None:
    do(archive, "validate", "cutover")
    done = entries(archive)[-1].at
    with pytest.raises(MigrationError, match=r"kept until 2026-06-03 09:00 UTC; retire"):
        do(archive, "retire", now=done + timedelta(days=30, seconds=-1))
    with pytest.raises(MigrationError, match="was kept until"):
        do(archive, "rollback", now=done + timedelta(days=30, seconds=1))
    do(archive, "retire", now=done + timedelta(days=30))
    assert state_of(entries(archive)) == "retired"
