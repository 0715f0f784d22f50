"""The migration from old tables: what was done, what is compared, what old tables are written."""

from collections.abc import Callable, Sequence

import dagster as dg
import pyarrow as pa

from ai_usage.instance.partitions import ONE_RUN, window_of
from ai_usage.migration.description import FILE_NAME
from ai_usage.migration.differences import comparisons, difference_rows
from ai_usage.migration.dual_write import write_days
from ai_usage.migration.log import entries, log_rows
from ai_usage.migration.states import state_of
from ai_usage.orchestration.assets.common import (
    DATA_PLATFORM,
    explained,
    note_data_version,
    table_metadata,
)
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.schema import table_schema


def _table(
    name: str, partitions: dg.PartitionsDefinition[str], deps: Sequence[str] = ()
) -> Callable[[Callable[..., pa.Table]], dg.AssetsDefinition]:
    """What makes a function the asset of one of the migration's tables."""
    return dg.asset(
        name=name,
        description=table_schema(name).description,
        deps=deps,
        group_name="raw",
        kinds={"python", "table"},
        owners=[DATA_PLATFORM],
        metadata=table_metadata(name),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )


def migration_log_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset of `migration_log`, written as a whole; empty where nobody migrates anything."""

    @_table("migration_log", partitions)
    def migration_log(
        context: dg.AssetExecutionContext, archive: dg.ResourceParam[ArchiveResource]
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            kept = entries(archive.archive())
        return table_schema("migration_log").to_arrow(log_rows(kept, context.run_id))

    return migration_log


def migration_differences_asset(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The asset of `migration_differences`; without rows where no migration.yaml is there."""

    @_table(
        "migration_differences",
        partitions,
        # raw_restatements: what a vendor said before explains an old row.
        deps=["raw_ai_events", "loaded_days", "raw_restatements"],
    )
    def migration_differences(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            file, state = settings.home / FILE_NAME, state_of(entries(archive.archive()))
            found = comparisons(file, state, warehouse.warehouse(), window_of(context))
            return table_schema("migration_differences").to_arrow(
                row for one in found for row in difference_rows(one, clock.now, context.run_id)
            )

    return migration_differences


def migration_writes_asset(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The asset of `migration_writes`: dual write, which fails nothing but its own check."""

    @_table(
        "migration_writes",
        partitions,
        # Not read: the old tables come after the new ones.
        deps=["raw_ai_events", "fact_ai_costs", "fact_ai_usage"],
    )
    def migration_writes(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            written = write_days(
                settings.home / FILE_NAME,
                archive.archive(),
                warehouse.warehouse(),
                window_of(context),
                clock.now,
            )
            return table_schema("migration_writes").to_arrow(
                {
                    "written_day": one.day,
                    "table_name": one.table,
                    "outcome": one.outcome,
                    "rows_written": one.rows,
                    "error": one.error,
                    "tried_at": clock.now,
                    "pipeline_run_id": context.run_id,
                }
                for one in written
            )

    return migration_writes
