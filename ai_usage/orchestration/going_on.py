"""A build of the whole warehouse that was killed or stopped, and what of it the same command skips.

What a run begins from is noted before it writes anything. Where its process is gone, or a person
stopped it, and the same command is given again on the same day, the tables that it has finished
stand: each is written in one transaction, and its checks have passed. Whatever came into the
archive since, another code, another setting or another writer makes the command begin anew, and so
does a warehouse that does not hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import dagster as dg
import msgspec

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.instance.dagster_private import AssetGraph
from ai_usage.instance.key_values import note, noted
from ai_usage.instance.one_writer import WRITES
from ai_usage.instance.step_errors import step_error
from ai_usage.orchestration.as_left import NAME_THEIR_RUN, writers
from ai_usage.orchestration.outcome import CheckResult, RunResult
from ai_usage.orchestration.stages import COMMAND, Stage, is_input
from ai_usage.orchestration.unchanged import Looked, State
from ai_usage.text.words import counted, few
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.relations import relations

_KEY = "ai_usage/began_from"
"""Key in the instance's key-value store."""

_EVENTS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
}


class _Began(msgspec.Struct, frozen=True):
    """A build of the whole warehouse that began: the command, what it was asked, and what from.

    `stood` are the assets, by name, that it left as earlier `runs` of the same had built them.
    """

    command: str
    asked: str
    state: State
    stood: list[str] = []
    runs: list[str] = []


@dataclass(frozen=True)
class Stopped:
    """A build that was killed or stopped: what it and those that it went on from have finished.

    `failing` are checks of that which did not pass, and block nothing.
    """

    run_id: str
    runs: tuple[str, ...]
    state: State
    stands: frozenset[dg.AssetKey]
    failing: tuple[CheckResult, ...]

    def is_held(self, warehouse: Warehouse, windows: Sequence[Window]) -> bool:
        """Whether the warehouse holds it: all of it is there, and rows tell that these runs wrote.

        `windows` are the days that they wrote. Where no table stands that names its run, nothing
        tells one warehouse from another.
        """
        names = {key.path[-1] for key in self.stands} & relations().keys()
        try:
            if not names <= warehouse.definitions().keys():
                return False
        except WarehouseError:
            # The build says what is wrong with it.
            return False
        own = writers(warehouse, windows, names.intersection(NAME_THEIR_RUN))
        return not windows or (bool(own) and own <= set(self.runs))

    def left_of(self, stage: Stage) -> Stage:
        """What is still to be built of a stage."""
        return replace(stage, keys=[key for key in stage.keys if key not in self.stands])

    def told(self, left: Sequence[dg.AssetKey]) -> str:
        """What is left, as a line for a person."""
        names = [key.path[-1] for key in left]
        return (
            f"going on where run {self.run_id[:8]} stopped: "
            f"{counted(len(self.stands), 'table or view', 'tables and views')} stand as it built "
            f"them, {len(names)} left ({few(names)})"
        )

    def joined(self, result: RunResult, before: Iterable[dg.AssetKey]) -> RunResult:
        """The result of building what was left, together with what was there before."""
        names = {key.path[-1] for key in before}
        return replace(
            result,
            materialized=tuple(sorted(names.union(result.materialized))),
            still_failing=(*result.still_failing, *self.failing),
        )


def began(command: str, asked: str, state: State, left: Stopped | None) -> _Began:
    """What to note of a build that begins, of what a stopped one left or of all."""
    if left is None:
        return _Began(command, asked, state)
    stood = sorted(key.path[-1] for key in left.stands)
    return _Began(command, asked, state, stood, list(left.runs))


def note_began(instance: dg.DagsterInstance, began: _Began) -> None:
    """Note what a command's build of the warehouse begins from."""
    note(instance, _KEY, began)


def stopped(
    instance: dg.DagsterInstance, graph: AssetGraph, asked: str, look: Callable[[], Looked]
) -> Stopped | None:
    """What a build that was asked for the same has finished, if it was the last and did not end.

    None where it failed by itself, or anything has moved since it began: then all is built.
    """
    known = noted(instance, _KEY, _Began)
    if known is None or known.asked != asked:
        return None
    newest = instance.get_runs(dg.RunsFilter(tags=dict(WRITES)), limit=1)
    if not newest or newest[0].tags.get(COMMAND) != known.command:
        return None
    run = newest[0]
    if run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return None
    events = [e.dagster_event for e in instance.all_logs(run.run_id, of_type=_EVENTS)]
    found = _Events(event for event in events if event is not None)
    if found.failed_by_itself or not is_unmoved(look(), known.state):
        return None
    stands = _with_all_before(graph, found.finished(graph) | set(map(dg.AssetKey, known.stood)))
    if not stands or stands >= {key for key in graph.executable_asset_keys if not is_input(key)}:
        return None
    failing = tuple(check for check in found.failing if dg.AssetKey(check.asset) in stands)
    return Stopped(run.run_id, (*known.runs, run.run_id), known.state, stands, failing)


def is_unmoved(now: Looked, state: State) -> bool:
    """Whether what there is to build from says what it said then, on the same day."""
    same = now.version == state.version and now.day == state.day
    return same and not now.answers.moved(state.marks)


class _Events:
    """What a run's events say of its assets and their checks."""

    def __init__(self, events: Iterable[dg.DagsterEvent]) -> None:
        self.failed_by_itself = False
        self.failing: list[CheckResult] = []
        self._steps: dict[dg.AssetKey, str] = {}
        self._checks: dict[dg.AssetCheckKey, bool] = {}
        self._ended: set[str] = set()
        for event in events:
            self._add(event)

    def _add(self, event: dg.DagsterEvent) -> None:
        kind, step = event.event_type, event.step_key or ""
        if kind is dg.DagsterEventType.STEP_SUCCESS:
            self._ended.add(step)
        elif kind is dg.DagsterEventType.STEP_FAILURE:
            self.failed_by_itself |= step_error(event) is not None
        elif kind is dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
            self._steps[event.asset_key] = step
        elif kind is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._judge(event.asset_check_evaluation_data)

    def _judge(self, found: dg.AssetCheckEvaluation) -> None:
        key = found.asset_check_key
        # Single days are judged too: none of them may block.
        blocks = found.blocking and not found.passed
        self._checks[key] = self._checks.get(key, True) and not blocks
        if not found.passed and found.partition is None:
            self.failing.append(
                CheckResult(
                    asset=found.asset_key.path[-1],
                    name=found.check_name,
                    passed=False,
                    blocking=bool(found.blocking),
                    is_error=found.severity == dg.AssetCheckSeverity.ERROR,
                )
            )

    def finished(self, graph: AssetGraph) -> set[dg.AssetKey]:
        """The assets that are written, and of which no check is left to make or blocks."""
        open_ = {key.asset_key for key in graph.asset_check_keys if not self._checks.get(key)}
        return {key for key, step in self._steps.items() if step in self._ended} - open_


def _with_all_before(
    graph: AssetGraph, finished: Collection[dg.AssetKey]
) -> frozenset[dg.AssetKey]:
    """Of the finished assets those before which nothing is left to build."""
    stands: set[dg.AssetKey] = set()
    for key in graph.toposorted_asset_keys:
        parents = {parent for parent in graph.get(key).parent_keys if not is_input(parent)}
        if key in finished and parents <= stands:
            stands.add(key)
    return frozenset(stands)
