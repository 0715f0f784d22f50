"""CPU-seconds and seconds: of the stages of a run, and of a piece of work that is repeated."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from ai_usage.instance.progress import Step
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import view_names

BETWEEN = "between the steps (Dagster)"


@dataclass(frozen=True)
class Spent:
    """What something took: of all threads of this process, and by the clock on the wall."""

    cpu: float = 0.0
    wall: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu + other.cpu, self.wall + other.wall)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.cpu - other.cpu, self.wall - other.wall)


def now() -> Spent:
    """The clocks, to be taken from one another."""
    return Spent(time.process_time(), time.perf_counter())


def median_of(runs: int, work: Callable[[], object]) -> Spent:
    """What the work takes, the median of its runs, each of the two by itself."""
    taken = []
    for _ in range(runs):
        began = now()
        work()
        taken.append(now() - began)
    return Spent(
        statistics.median(spent.cpu for spent in taken),
        statistics.median(spent.wall for spent in taken),
    )


def stage_of(step: str) -> str:
    """Which line of the table a step belongs to: an asset's own, or the checks'."""
    if step.startswith("source_"):
        return "fetch (sources)"
    if step == "raw_ai_events":
        return "normalise, score, write raw_ai_events"
    if step in built_tables():
        return f"SQL {layer_of(step)}: {step}"
    if step in view_names():
        return "views"
    if step in table_names():
        return "other tables"
    return "reference files" if step.startswith("reference_") else "checks"


class Stopwatch:
    """What each stage of a run took, from the run's own progress; all of them sum to the whole.

    The time from one event to the next belongs to the step that began last and has not ended, and
    to nobody else: a step that is skipped never began, and one that begins within another stops it.
    """

    def __init__(self, clock: Callable[[], Spent] = now) -> None:
        self.stages: dict[str, Spent] = defaultdict(Spent)
        self._clock = clock
        self._at = clock()
        self._running: list[str] = []

    def step(self, step: Step) -> None:
        """An event of the run."""
        self.lap()
        if step.state == "started":
            self._running.append(step.name)
        elif step.state in ("done", "failed", "skipped") and step.name in self._running:
            self._running.remove(step.name)

    def lap(self) -> None:
        """Give the time since the last event to whom it belongs."""
        at = self._clock()
        stage = stage_of(self._running[-1]) if self._running else BETWEEN
        self.stages[stage] += at - self._at
        self._at = at
