"""docs/migration.md, step by step: each of its commands is called as it stands there, in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from ai_usage.migration.log import entries
from ai_usage.migration.states import state_of
from ai_usage_tests.cli.support import Done
from ai_usage_tests.migration import guide
from ai_usage_tests.migration.guide import Walk, commands

STEPS = range(1, 12)


def test_every_step_is_a_command_with_what_it_prints_and_who_signs() -> None:
    for step in STEPS:
        assert guide.printed(step)
        assert "\n**Signs:** " in guide.section(step)


def test_what_is_left_out_of_the_guide_stands_for_any_lines() -> None:
    told = ["one …", "…", "three"]
    assert guide.is_printed(["one 1", "2", "2", "three"], told)
    assert guide.is_printed(["one 1", "three"], told)
    assert not guide.is_printed(["one 1", "2"], told)
    assert not guide.is_printed(["another", "three"], told)


@pytest.mark.slow
def test_the_guide_leads_from_the_gate_to_the_retired_tables(walked: Walk, tmp_path: Path) -> None:
    small = walked.small.copied(tmp_path / "home")
    assert state_of(entries(small.archive)) == "validated"
    walk = Walk(small, [])
    (rehearse,) = commands(9)
    assert "cursor_costs: as it was" in walk.done(rehearse)
    before = guide.found(small)
    dry, cutover = commands(10)
    assert "moves to legacy.cursor_costs, a view takes its name" in walk.done(dry)
    assert state_of(entries(small.archive)) == "validated"
    assert "1 name switched" in walk.done(cutover)
    assert guide.found(small) == before
    assert walk.call(cutover).code == 1
    rollback, retire = commands(11)
    early = walk.call(retire)
    assert (early.code, "the way back is kept until" in early.err) == (1, True)
    walk.done(rollback)
    assert guide.found(small) == before
    assert state_of(entries(small.archive)) == "parallel"
    # Asked anew after the way back, and over again.
    walk.ask()
    walk.validate()
    walk.done(cutover)
    later = replace(small, today=guide.TODAY + timedelta(days=31))
    assert "read back, SHA-256" in walk.done(retire, small=later)
    assert "the migration is retired" in later.done("migrate", "status")
    with duckdb.connect(str(small.home / guide.OLD_FILE), read_only=True) as connection:
        left = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert left == []
    for step in STEPS:
        said = [*walked.said, *walk.said]
        for block, told in guide.printed(step):
            lines = [line for command in block for line in first_said(said, command)]
            assert guide.is_printed(lines, told), "\n".join([f"step {step}", *lines])


def first_said(said: list[tuple[list[str], Done]], command: list[str]) -> list[str]:
    """What the command printed when it was called first and ended well."""
    return next(d.out for c, d in said if c == command and d.code == 0).splitlines()
