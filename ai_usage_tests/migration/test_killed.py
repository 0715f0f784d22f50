"""Commands of a migration that SIGKILL ends at seeded moments, and that are called again.

docs/migration.md's company. What is killed is the command itself, in a process of its own
(`support.kills`): what it had done is then done by the next call, or not at all.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.cli import migrate
from ai_usage.days.windows import Window
from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.embedded_target import OldFile
from ai_usage.migration.log import entries
from ai_usage.migration.states import state_of, unfinished
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.ledger.small import Small
from ai_usage_tests.migration import guide
from ai_usage_tests.migration.guide import Walk
from ai_usage_tests.support.kills import Moment, Tick, Told, killed
from ai_usage_tests.support.pipeline import assert_equal_tables, warehouse_of

SEED = 20260406
CUTOVER = ("migrate", "cutover", "--note", "agreed")
ROLLBACK = ("migrate", "rollback", "--note", "the pivot sheet broke")
WRITE = ("run", "--select", 'key:"raw_ai_events" or key:"migration_writes"', "--closed")
STORIES = (("disk", "statement"), ("copy", "statement"), ("statement", "disk"))
"""The stages of each story's kills: of its cutover, of its dual write, and of its rollback."""


@contextmanager
def counted(tick: Tick) -> Iterator[None]:
    """Tell `tick` of the stage of every operation.

    That is a step of a file's way to the disk (of the log, a range, a mark or the snapshot), an old
    row that is read, a load that is noted, a statement that writes the old file or is there to copy
    it, a table that is built.
    """
    with pytest.MonkeyPatch.context() as patch:
        stages = ["statement"]

        def before(owner: Any, name: str, stage: str) -> None:
            whole = getattr(owner, name)

            def told(*arguments: Any, **named: Any) -> Any:
                tick(stage)
                return whole(*arguments, **named)

            patch.setattr(owner, name, told)

        before(os, "fsync", "disk")
        before(Path, "replace", "disk")
        before(migrate, "note", "note")
        before(DuckDBWarehouse, "replace", "build")
        rows, connect, copy = EmbeddedSource.rows, OldFile.connected, OldFile.copy

        def each(*given: Any) -> Iterator[Any]:
            for row in rows(*given):
                tick("row")
                yield row

        def copied(*given: Any) -> str:
            stages.append("copy")
            try:
                return copy(*given)
            finally:
                stages.pop()

        @contextmanager
        def connected(self: OldFile, *, read_only: bool = False) -> Iterator[Any]:
            with connect(self, read_only=read_only) as connection:
                yield connection if read_only else Told(connection, lambda: tick(stages[-1]))

        patch.setattr(EmbeddedSource, "rows", each)
        patch.setattr(OldFile, "connected", connected)
        patch.setattr(OldFile, "copy", copied)
        yield


def counts_of(work: Callable[[], object]) -> Counter[str]:
    """How many operations of each stage the work has, when nobody disturbs it."""
    counts: Counter[str] = Counter()
    with counted(lambda stage: counts.update([stage])):
        work()
    return counts


class Draw:
    """Kills at moments that a seed draws; the same seed kills at the same places."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)  # noqa: S311
        self.killed: list[tuple[str, Moment]] = []

    def kill(
        self, small: Small, command: Sequence[str], stages: Sequence[str], most: Mapping[str, int]
    ) -> None:
        """Call the command once for each stage, and kill it at one of the stage's operations.

        One that goes on where another was killed may have fewer of them, and ends.
        """
        for stage in stages:
            moment = Moment(stage, self._random.randint(1, most[stage]))
            if killed(lambda: small.call(*command), counted, moment):
                self.killed.append((" ".join(command[:2]), moment))

    @property
    def told(self) -> str:
        moments = ", ".join(
            f"{name} {moment.stage} {moment.number}" for name, moment in self.killed
        )
        return f"killed {len(self.killed)} times: {moments}"


def old_file(small: Small) -> OldFile:
    return OldFile(small.home / guide.OLD_FILE, "finance")


def steps(small: Small, *names: str) -> list[tuple[str, str]]:
    kept = entries(small.archive)
    return [(entry.step, entry.outcome) for entry in kept if entry.step in names]


def restated(small: Small) -> None:
    """The vendor says something else of yesterday: a run has something to write."""
    yesterday = guide.TODAY - timedelta(days=1)
    changed = guide.CHARGES | {"bob@x.io": "3.00"}
    small.says(Window.day(yesterday), {yesterday: changed})


@pytest.mark.slow
def test_a_cutover_a_run_and_a_rollback_that_are_killed_end_as_if_nobody_had_killed_them(
    walked: Walk, tmp_path: Path, report: Callable[[str], None]
) -> None:
    whole = walked.small.copied(tmp_path / "whole")
    before = guide.found(whole)
    cutover = counts_of(lambda: whole.done(*CUTOVER))
    assert guide.found(whole) == before
    restated(whole)
    write = counts_of(lambda: whole.done(*WRITE))
    rollback = counts_of(lambda: whole.done(*ROLLBACK))
    expected = old_file(whole).state()
    # What was written after the cutover comes back with the table: Bob's 3.00 instead of 2.25.
    more = sum(row[2] for row in guide.found(whole)) - sum(row[2] for row in before)
    assert more == 3 - guide.DOLLARS["bob@x.io"]
    draw = Draw()
    for number, stages in enumerate(STORIES):
        small = walked.small.copied(tmp_path / f"story{number}")
        draw.kill(small, CUTOVER, stages, cutover)
        if state_of(entries(small.archive)) != "cutover":
            small.done(*CUTOVER)
        assert guide.found(small) == before
        restated(small)
        in_the_table = [stage for stage in stages if stage != "copy"]
        draw.kill(small, WRITE, in_the_table, write)
        small.done(*WRITE)
        draw.kill(small, ROLLBACK, in_the_table, rollback)
        if state_of(entries(small.archive)) != "parallel":
            small.done(*ROLLBACK)
        assert old_file(small).state() == expected
        assert unfinished(entries(small.archive)) is None
        assert steps(small, "cutover", "rollback") == [
            ("cutover", "begun"),
            ("cutover", "done"),
            ("rollback", "begun"),
            ("rollback", "done"),
        ]
    assert {(name, moment.stage) for name, moment in draw.killed} >= {
        ("migrate cutover", "disk"),
        ("migrate cutover", "copy"),
        ("migrate cutover", "statement"),
        ("run --select", "disk"),
        ("run --select", "statement"),
        ("migrate rollback", "disk"),
        ("migrate rollback", "statement"),
    }
    report(draw.told)


@pytest.mark.slow
def test_a_load_that_is_killed_is_finished_and_noted_once_by_the_next_call(
    walked: Walk, tmp_path: Path, report: Callable[[str], None]
) -> None:
    small = guide.company(tmp_path / "killed")
    (small.home / "migration.yaml").write_text(guide.DESCRIPTION)
    (command,) = guide.commands(4)
    load = [*command, "--closed"]
    # Twelve days of three people in March and five in April; a range and its entry are four steps
    # to the disk each, at least.
    most = {"row": 51, "disk": 8, "note": 1, "build": 5}
    draw = Draw()
    draw.kill(small, load, ("row", "disk", "note", "row", "build"), most)
    assert {"row", "disk", "note", "build"} <= {moment.stage for _, moment in draw.killed}
    assert "cursor_costs, 2026-03-20..2026-03-31: there already" in small.call(*load).out
    kept = [entry for entry in entries(small.archive) if entry.step == "load"]
    assert [(entry.first_day, entry.last_day) for entry in kept] == [
        (guide.FIRST, guide.FIRST.replace(day=31)),
        (guide.FIRST.replace(month=4, day=1), guide.OLD_DAYS.days()[-1]),
    ]
    others = ("migration_log", "migration_writes")
    assert_equal_tables(
        warehouse_of(small.settings), warehouse_of(walked.small.settings), besides=others
    )
    report(draw.told)
