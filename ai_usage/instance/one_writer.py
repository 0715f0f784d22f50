"""One transformation at a time: two at once do the same work twice, and the slower one is older.

Whatever writes to the warehouse carries a tag, of which the queue lets one run go at a time
(`dagster.yaml`). A command executes its run in its own process, past the queue: it waits here until
no such run of the same instance is under way. Runs of two instances cannot know each other; what
then keeps an older row from overwriting a newer one is the warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

import dagster as dg

from ai_usage.errors import AiUsageError
from ai_usage.instance.dagster_private import (
    IN_PROGRESS_RUN_STATUSES,
    QueuedRunCoordinator,
    SubmitRunContext,
)
from ai_usage.instance.dead_runs import fail_orphaned_runs
from ai_usage.instance.names import WHOLE_GRAPH
from ai_usage.warehouse.relations import relations

WRITES_TAG = "ai_usage/writes"
WRITES: Mapping[str, str] = {WRITES_TAG: "warehouse"}
"""The tag of a run that writes tables or views; an instance has one warehouse."""

_PATIENCE_SECONDS = 2 * 3600.0
_POLL_SECONDS = 5.0


def writes(assets: Collection[dg.AssetKey]) -> bool:
    """Whether any of the assets is a table or view of the warehouse."""
    return not {key.path[-1] for key in assets}.isdisjoint(relations())


class OneWriterCoordinator(QueuedRunCoordinator):
    """Dagster's queue, which tags a run that writes to the warehouse, whoever asked for it.

    What a person materialises or backfills in the UI is a run of no job of ours.
    """

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Put the run into the queue, with the tag that it lacks."""
        run = context.dagster_run
        whole = run.job_name == WHOLE_GRAPH and not run.asset_selection
        if WRITES_TAG not in run.tags and (whole or writes(run.asset_selection or ())):
            self._instance.add_run_tags(run.run_id, dict(WRITES))
        return super().submit_run(context)


def wait_for_turn(
    instance: dg.DagsterInstance,
    tell: Callable[[str], None],
    *,
    patience: float = _PATIENCE_SECONDS,
    poll: float = _POLL_SECONDS,
) -> None:
    """Wait until no run of the instance writes to the warehouse; `tell` is told what is awaited.

    Raises `AiUsageError` naming the run where it does not end.
    """
    last = time.monotonic() + patience
    told: str | None = None
    while True:
        fail_orphaned_runs(instance)
        under_way = instance.get_runs(
            dg.RunsFilter(tags=dict(WRITES), statuses=list(IN_PROGRESS_RUN_STATUSES)), limit=1
        )
        if not under_way:
            return
        (run,) = under_way
        if time.monotonic() > last:
            raise AiUsageError(
                f"Run {run.run_id} still writes to the warehouse, and one run at a time may: wait "
                "for its end, or terminate it in the UI; then run the same command again."
            )
        if told != run.run_id:
            tell(f"run {run.run_id} writes to the warehouse")
            told = run.run_id
        time.sleep(poll)
