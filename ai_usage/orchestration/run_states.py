"""The newest evaluations of all checks and the last runs, as tables that the dashboard shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.dashboard.published import STATES
from ai_usage.orchestration.run_history import name_of

LAST_RUNS = 20


def states(
    instance: dg.DagsterInstance, promises: Iterable[dg.AssetCheckSpec]
) -> dict[str, pa.Table]:
    """The tables of `STATES`: of each check its newest evaluation that has ended."""
    specs = {spec.key: spec for spec in promises}
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(specs))
    checks: list[dict[str, Any]] = []
    for key, record in newest.items():
        event = record.event.dagster_event if record.event else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        found = event.asset_check_evaluation_data
        checks.append(
            {
                "asset": key.asset_key.path[-1],
                "check_name": key.name,
                "passed": found.passed,
                "is_error": found.severity == dg.AssetCheckSeverity.ERROR,
                "promise": specs[key].description or "",
                "evaluated_at": _instant(record.create_timestamp),
                "run_id": record.run_id,
            }
        )
    runs = [
        {
            "run_id": record.dagster_run.run_id,
            "name": name_of(record.dagster_run),
            "status": record.dagster_run.status.value,
            "started_at": _instant(record.start_time),
            "ended_at": _instant(record.end_time),
        }
        for record in instance.get_run_records(limit=LAST_RUNS)
    ]
    return {
        "checks": pa.Table.from_pylist(checks, STATES["checks"]),
        "runs": pa.Table.from_pylist(runs, STATES["runs"]),
    }


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
