"""Jobs by which runs of the command line are known in the run list.

Dagster's own job of all assets is hidden there: a run of it is only a list of assets.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""For runs of a person: their progress is shown, Dagster's log is kept in its event log."""


def command_job(defs: dg.Definitions, command: str) -> dg.JobDefinition:
    """The job of all assets and checks, named after the command of `ai-usage` that runs it."""
    repository = defs.get_repository_def()
    job = dg.define_asset_job(job_name(command), selection=dg.AssetSelection.all())
    return job.resolve(
        asset_graph=defs.resolve_asset_graph(),
        default_executor_def=dg.in_process_executor,
        resource_defs=repository.get_top_level_resources(),
    )


def job_name(command: str) -> str:
    """The name of the runs of a command: `ai_usage_backfill`."""
    return f"ai_usage_{command.replace('-', '_').replace(' ', '_')}"
