"""Checks run as Dagster runs them, in a real instance, over tables filled by the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.instance.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from ai_usage.orchestration.io_managers import DuckDBWarehouseResource
from ai_usage.orchestration.resources import ClockResource
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.layers import statement
from ai_usage.warehouse.relations import layer_of

PARTITIONS = dg.DailyPartitionsDefinition("2026-03-01", end_offset=1, timezone="UTC")


@dataclass(frozen=True)
class Ran:
    """A run: whether it succeeded, which assets were built, and what is recorded of each check.

    `recorded` maps a check's name to its partitions (None: the summary) and their status.
    """

    success: bool
    built: set[str]
    recorded: Mapping[str, Mapping[str | None, str]]
    summaries: Mapping[str, dg.AssetCheckEvaluation]

    def found(self, name: str) -> dict[str | None, str]:
        """What a check found; Dagster plans a result for each day of a run, of whole tables too."""
        return {day: what for day, what in self.recorded[name].items() if what != "PLANNED"}


def run(
    warehouse: DuckDBWarehouse,
    table: str,
    checks: Sequence[dg.AssetChecksDefinition],
    first: date,
    last: date,
    *,
    one_partition: bool = False,
    persistent: bool = False,
    resources: Mapping[str, Any] | None = None,
) -> Ran:
    """Materialise an asset of the table's name, its checks, and an asset downstream of it.

    Rollups that the checks read are built first, of what the test filled the facts with.

    `resources` are what the checks ask besides the warehouse; by default the machine's clock.

    The instance keeps its records in memory, or, `persistent`, on disk as a person's does.
    """

    @dg.asset(name=table, partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def checked() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    @dg.asset(
        name="downstream",
        deps=[table],
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def downstream() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    days = Window(PARTITIONS.start.date(), last + timedelta(days=1))
    build_rollups(warehouse, _rollups_read_by(checks), days)
    resource = DuckDBWarehouseResource(path=str(warehouse.path), dataset=warehouse.dataset)
    defs = dg.Definitions(
        [checked, downstream],
        asset_checks=checks,
        resources={"clock": ClockResource(), **(resources or {}), "warehouse": resource},
    )
    tags = {
        ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
    }
    target: dict[str, Any] = (
        {"partition_key": first.isoformat()} if one_partition else {"tags": tags}
    )
    kept = dg.instance_for_test() if persistent else dg.DagsterInstance.ephemeral()
    with kept as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, raise_on_error=False, **target
        )
        recorded: dict[str, dict[str | None, str]] = {}
        for check in checks:
            for key in check.check_keys:
                history = instance.event_log_storage.get_asset_check_execution_history(key, 1000)
                recorded[key.name] = {}
                for record in history:
                    assert record.partition not in recorded[key.name], "one row a partition"
                    recorded[key.name][record.partition] = record.status.value
    evaluations = result.get_asset_check_evaluations()
    return Ran(
        success=result.success,
        built={
            e.asset_key.path[-1] for e in result.get_asset_materialization_events() if e.asset_key
        },
        recorded=recorded,
        summaries={e.check_name: e for e in evaluations},
    )


def build_rollups(warehouse: DuckDBWarehouse, rollups: Iterable[str], days: Window) -> None:
    """Build rollups from what stands, as a run would."""
    for rollup in rollups:
        query = Query(statement(rollup), {"start": days.start, "end": days.end})
        warehouse.replace(rollup, days, query)


def _rollups_read_by(checks: Sequence[dg.AssetChecksDefinition]) -> list[str]:
    read = {
        dep.asset_key.path[-1]
        for check in checks
        for spec in check.check_specs
        for dep in spec.additional_deps
    }
    return sorted(name for name in read if layer_of(name) == "rollups")
