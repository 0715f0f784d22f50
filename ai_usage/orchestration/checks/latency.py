"""How long reading a view takes: measured once a day, for it costs what reading the view costs."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ai_usage.dashboard.copied import COPIED
from ai_usage.instance.dagster_private import AssetCheckExecutionRecordStatus
from ai_usage.orchestration.checks.view_checks import Found, plot, view_check
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.settings import Settings

LATENCY = "latency"
_KEPT_BYTES = 10_000_000
"""Rows of a view up to which they are left to the pages' copy, which reads the same."""
_NOTED = ("measured_at", "view_latency_seconds", "rows")
"""Metadata of the check by which a later run knows what was measured."""


def latency_check(view: str, settings: Settings) -> dg.AssetChecksDefinition:
    """Reading the whole view is quick; the seconds are plotted on the view's page.

    Reading it costs what it costs a person: the first run of a UTC day measures, the others tell
    what it found. A run that checks the view and does not build it was asked for, and measures.
    """

    def evaluate(given: Resources, context: dg.AssetCheckExecutionContext) -> Found:
        now, measured = given.clock.now, _measured(context, view)
        asked = f"SELECT * FROM {view}"
        if measured is None or measured.at.date() != now.date() or _asked_for(context, view):
            started = time.perf_counter()
            rows = given.warehouse.query(asked)
            measured = _Measured(now, time.perf_counter() - started, rows.num_rows)
            if asked in COPIED.values() and rows.nbytes <= _KEPT_BYTES:
                of_run(context.op_execution_context.run_id).read[asked] = rows
            plot(context, view, {"view_latency_seconds": measured.seconds})
        slow = measured.seconds >= settings.view_latency_seconds
        return Found(
            {LATENCY: 1} if slow else {},
            {
                "view_latency_seconds": dg.MetadataValue.float(measured.seconds),
                "rows": dg.MetadataValue.int(measured.rows),
                "measured_at": dg.MetadataValue.timestamp(measured.at),
            },
        )

    promise = f"Reading the whole view takes less than {settings.view_latency_seconds:g} s."
    return view_check(view, LATENCY, promise, evaluate, {"clock"})


@dataclass(frozen=True)
class _Measured:
    """When a view was read as a whole, how many seconds that took, and its rows."""

    at: datetime
    seconds: float
    rows: int


def _measured(context: dg.AssetCheckExecutionContext, view: str) -> _Measured | None:
    """How quick the view was when it was last measured; None where that is not known."""
    done = AssetCheckExecutionRecordStatus
    records = context.op_execution_context.instance.event_log_storage
    for record in records.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(view), LATENCY), 1, status={done.SUCCEEDED, done.FAILED}
    ):
        event = record.event.dagster_event if record.event else None
        if event is not None:
            noted = event.asset_check_evaluation_data.metadata
            values: list[Any] = [noted[name].value for name in _NOTED if name in noted]
            if len(values) == len(_NOTED):
                at, seconds, rows = values
                return _Measured(datetime.fromtimestamp(at, UTC), seconds, rows)
    return None


def _asked_for(context: dg.AssetCheckExecutionContext, view: str) -> bool:
    """Whether somebody wants the view checked as it is: the run does not build it."""
    job = context.op_execution_context.job_def
    return dg.AssetKey(view) not in job.asset_layer.executable_asset_keys
