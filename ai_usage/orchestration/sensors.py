"""What sets alerts off in Dagster's daemon. Commands set them off themselves, after their run.

Open-source Dagster has no sensor on checks, and a failed check that does not block leaves its run
a success: so both ends of runs are watched, and their check results read. Runs that a command
executed belong to no code location: hence all locations are monitored.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from ai_usage.alerts.alerts import Alerts
from ai_usage.alerts.findings import STARTED_BY
from ai_usage.errors import AiUsageError
from ai_usage.instance.dead_runs import process_is_gone
from ai_usage.orchestration.run_history import DagsterRunHistory
from ai_usage.text.masking import mask_text

SECONDS = 30
DELIVERY_SECONDS = 60


def alert_sensors(alerts: Alerts) -> list[dg.SensorDefinition]:
    """Sensors on runs that succeeded and failed, and the one that tries again."""

    def on_run(name: str, status: dg.DagsterRunStatus, description: str) -> dg.SensorDefinition:
        @dg.run_status_sensor(
            name=name,
            run_status=status,
            description=description,
            monitor_all_code_locations=True,
            minimum_interval_seconds=SECONDS,
            default_status=dg.DefaultSensorStatus.RUNNING,
        )
        def sensor(context: dg.RunStatusSensorContext) -> dg.SkipReason:
            if not alerts.routes:
                return dg.SkipReason("AI_USAGE_NOTIFY_URLS is not set: nobody is told.")
            return _guarded(
                context.log.error,
                lambda: _report(context, alerts),
            )

        return sensor

    @dg.sensor(
        name="alerts_courier",
        description="Tries again what a channel did not take, sends digests of ended backfills, "
        "reports runs whose command was stopped before it could, and tells when none ends at all.",
        minimum_interval_seconds=DELIVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def delivery_worker(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not alerts.routes:
            return dg.SkipReason("AI_USAGE_NOTIFY_URLS is not set: nobody is told.")

        def work() -> str:
            history = _history(context.instance, alerts)
            alerts.settle(history)
            alerts.heartbeat(history)
            return _delivered(context.instance, context.log.error, alerts)

        return _guarded(context.log.error, work)

    return [
        on_run(
            "alerts_on_success",
            dg.DagsterRunStatus.SUCCESS,
            "Tells of failed checks in runs that succeeded, and of what recovered.",
        ),
        on_run(
            "alerts_on_failure",
            dg.DagsterRunStatus.FAILURE,
            "Tells of failed runs: what was not built, and which checks failed.",
        ),
        delivery_worker,
    ]


def _report(context: dg.RunStatusSensorContext, alerts: Alerts) -> str:
    run = context.dagster_run
    if run.tags.get(STARTED_BY) == "cli" and not process_is_gone(run):
        # Its command reports it, and is about to; if it was killed, the courier will.
        return "A command's run: it reports itself."
    alerts.report(_history(context.instance, alerts), context.dagster_run.run_id)
    return _delivered(context.instance, context.log.error, alerts)


def _delivered(instance: dg.DagsterInstance, error: Callable[[str], None], alerts: Alerts) -> str:
    for problem in alerts.problems:
        error(problem)
    history = _history(instance, alerts)
    done = alerts.deliver(history)
    for line in done.failed:
        error(line)
    return f"{done.sent} sent, {alerts.waiting(history)} waiting."


def _history(instance: dg.DagsterInstance, alerts: Alerts) -> DagsterRunHistory:
    return DagsterRunHistory(instance, alerts.catalogue)


def _guarded(error: Callable[[str], None], work: Callable[[], str]) -> dg.SkipReason:
    """Do the work; a board that is busy is left for the next tick, never a failed one."""
    try:
        return dg.SkipReason(work())
    except AiUsageError as busy:
        error(mask_text(str(busy)))
        return dg.SkipReason("Busy; tried again at the next tick.")
