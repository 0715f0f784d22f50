"""One tick of the schedules as the daemon has it: every fetch's run, then the transformation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from ai_usage.alerts.alerts import Alerts
from ai_usage.orchestration.automation import HOURLY, TRANSFORM
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.named_jobs import QUIET
from ai_usage.orchestration.run_history import DagsterRunHistory, catalogue_of
from ai_usage.orchestration.runs import dagster_instance
from ai_usage.settings import Settings
from ai_usage.vendors.base import discovered_vendors


@dataclass(frozen=True)
class Ticked:
    """What the runs of a tick did: which jobs failed, and which assets were not built.

    The assets of a vendor whose schedule had nothing to ask for are not among the latter.
    """

    failed_jobs: frozenset[str]
    not_built: frozenset[str]


def tick(settings: Settings) -> Ticked:
    """Evaluate every hourly schedule, execute what it asks for, then what the sensor asks for.

    Every run is reported as the daemon's alert sensors report it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        defs = build_defs(settings)
        repository = defs.get_repository_def()
    catalogue = catalogue_of(defs.resolve_asset_graph())
    alerts = Alerts(settings, discovered_vendors(), catalogue)
    failed: set[str] = set()
    built: set[str] = set()
    idle: set[str] = set()
    at = datetime.now(UTC).replace(microsecond=0)
    with dagster_instance(settings) as instance:

        def execute(job: str, request: dg.RunRequest) -> None:
            result = defs.resolve_job_def(job).execute_in_process(
                instance=instance,
                run_config={**request.run_config, **QUIET},
                tags=dict(request.tags),
                raise_on_error=False,
            )
            built.update(
                event.asset_key.path[-1]
                for event in result.get_asset_materialization_events()
                if event.asset_key is not None
            )
            failed.update(() if result.success else [job])
            history = DagsterRunHistory(instance, catalogue)
            alerts.report(history, result.run_id)
            alerts.deliver(history)

        def assets_of(job: str) -> set[str]:
            layer = defs.resolve_job_def(job).asset_layer
            return {key.path[-1] for key in layer.executable_asset_keys}

        resources = dict(defs.resources or {})
        for schedule in repository.schedule_defs:
            if not schedule.name.endswith(HOURLY):
                continue
            with dg.build_schedule_context(
                instance=instance,
                scheduled_execution_time=at,
                repository_def=repository,
                resources=resources,
            ) as asked:
                ticked = schedule.evaluate_tick(asked)
            if ticked.skip_message:
                idle.update(assets_of(schedule.job_name))
            for request in ticked.run_requests or []:
                execute(schedule.job_name, request)
        with dg.build_sensor_context(
            instance=instance, repository_def=repository, resources=resources
        ) as woken:
            sensor = repository.get_sensor_def("transform_after_ingest")
            for request in sensor.evaluate_tick(woken).run_requests or []:
                execute(TRANSFORM, request)
    every = {key.path[-1] for key in defs.resolve_asset_graph().executable_asset_keys}
    return Ticked(frozenset(failed), frozenset(every - built - idle))
