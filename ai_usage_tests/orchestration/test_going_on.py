"""What stands of a build that was stopped: three tables in a row, in a graph of a test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.instance.one_writer import WRITES
from ai_usage.ledger.moved import Answers, Mark
from ai_usage.orchestration.going_on import Stopped, began, note_began, stopped
from ai_usage.orchestration.stages import COMMAND
from ai_usage.orchestration.unchanged import Looked, State
from ai_usage_tests.support.dagster_private import DagsterExecutionInterruptedError

pytestmark = pytest.mark.slow

ASKED = "backfill"
TODAY = date(2026, 4, 3)
NOW = Looked(Answers(Archive("memory://none"), []), "one code", TODAY)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def graph(*, check_passes: bool, check_blocks: bool, ends: BaseException | None) -> dg.Definitions:
    @dg.asset
    def raw_ai_events() -> None: ...

    @dg.asset(deps=[raw_ai_events])
    def fact_ai_usage() -> None: ...

    @dg.asset(deps=[fact_ai_usage])
    def fact_ai_costs() -> None:
        if ends is not None:
            raise ends

    @dg.asset_check(asset=raw_ai_events, blocking=check_blocks)
    def sound() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=check_passes)

    return dg.Definitions([raw_ai_events, fact_ai_usage, fact_ai_costs], asset_checks=[sound])


def stopped_build(
    instance: dg.DagsterInstance,
    *,
    check_passes: bool = True,
    check_blocks: bool = False,
    ends: BaseException | None = DagsterExecutionInterruptedError(),  # noqa: B008 - never changed
    asked: str = ASKED,
    now: Looked = NOW,
) -> Stopped | None:
    """What stands of a build of the graph that ended so."""
    defs = graph(check_passes=check_passes, check_blocks=check_blocks, ends=ends)
    note_began(instance, began("first", ASKED, State("one code", TODAY, {}), None))
    defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, tags={**WRITES, COMMAND: "first"}, raise_on_error=False
    )
    return stopped(instance, defs.resolve_asset_graph(), asked, lambda: now)


def names(left: Stopped | None) -> set[str] | None:
    return None if left is None else {key.path[-1] for key in left.stands}


def test_what_was_written_and_checked_stands(instance: dg.DagsterInstance) -> None:
    left = stopped_build(instance)
    assert names(left) == {"raw_ai_events", "fact_ai_usage"}
    assert left is not None
    assert not left.failing
    assert "2 tables and views stand" in left.told([dg.AssetKey("fact_ai_costs")])
    assert left.told([dg.AssetKey("fact_ai_costs")]).endswith("1 left (fact_ai_costs)")


def test_a_check_that_only_warns_is_said_again(instance: dg.DagsterInstance) -> None:
    left = stopped_build(instance, check_passes=False)
    assert left is not None
    assert [(check.asset, check.name) for check in left.failing] == [("raw_ai_events", "sound")]


def test_behind_a_check_that_blocks_nothing_stands(instance: dg.DagsterInstance) -> None:
    assert stopped_build(instance, check_passes=False, check_blocks=True) is None


@pytest.mark.parametrize(
    "otherwise",
    [
        {"asked": "rebuild"},
        {"now": Looked(NOW.answers, "another code", TODAY)},
        {"now": Looked(NOW.answers, "one code", TODAY + timedelta(days=1))},
        {"ends": ValueError("failed by itself")},
        {"ends": None},
    ],
    ids=["another command", "another code", "another day", "a failure", "an end"],
)
def test_all_is_built_again_after(
    otherwise: dict[str, object], instance: dg.DagsterInstance
) -> None:
    assert stopped_build(instance, **otherwise) is None  # type: ignore[arg-type]


def test_all_is_built_again_where_another_run_has_written(instance: dg.DagsterInstance) -> None:
    assert stopped_build(instance) is not None
    graph(
        check_passes=True, check_blocks=False, ends=None
    ).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, tags={**WRITES, COMMAND: "another"}
    )
    found = graph(check_passes=True, check_blocks=False, ends=None).resolve_asset_graph()
    assert stopped(instance, found, ASKED, lambda: NOW) is None


def test_all_is_built_again_where_an_answer_came_in(instance: dg.DagsterInstance) -> None:
    assert stopped_build(instance) is not None
    known = began("first", ASKED, State("one code", TODAY, {"cursor/gone": Mark(1, "a")}), None)
    note_began(instance, known)
    found = graph(check_passes=True, check_blocks=False, ends=None).resolve_asset_graph()
    assert stopped(instance, found, ASKED, lambda: NOW) is None
