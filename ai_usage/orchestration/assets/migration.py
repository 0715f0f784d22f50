"""`migration_log`: what was done in the migration from old tables, as the archive has it."""

import dagster as dg
import pyarrow as pa

from ai_usage.instance.partitions import ONE_RUN
from ai_usage.migration.log import entries, log_rows
from ai_usage.orchestration.assets.common import (
    DATA_PLATFORM,
    explained,
    note_data_version,
    table_metadata,
)
from ai_usage.orchestration.resources import ArchiveResource
from ai_usage.warehouse.schema import table_schema


def migration_log_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset of `migration_log`, written as a whole; empty where nobody migrates anything."""

    @dg.asset(
        name="migration_log",
        description=table_schema("migration_log").description,
        group_name="raw",
        kinds={"python", "table"},
        owners=[DATA_PLATFORM],
        metadata=table_metadata("migration_log"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def migration_log(
        context: dg.AssetExecutionContext, archive: dg.ResourceParam[ArchiveResource]
    ) -> pa.Table:
        note_data_version(context)
        with explained():
            kept = entries(archive.archive())
        return table_schema("migration_log").to_arrow(log_rows(kept, context.run_id))

    return migration_log
