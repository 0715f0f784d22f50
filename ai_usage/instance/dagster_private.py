"""Every name that Dagster keeps to itself and the package needs: imported here and nowhere else.

The version of Dagster is pinned. Whoever raises it runs `ai_usage_tests/architecture/
test_private_names.py`, which says of each name whether it is still there; PRIVATE_MEMBERS are the
attributes that a class of ours uses or replaces in one of Dagster's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph as AssetGraph
from dagster._core.definitions.data_version import DATA_VERSION_TAG as DATA_VERSION_TAG
from dagster._core.events import ASSET_CHECK_EVENTS as ASSET_CHECK_EVENTS
from dagster._core.events import ASSET_EVENTS as ASSET_EVENTS
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES as BULK_ACTION_TERMINAL_STATUSES,
)
from dagster._core.run_coordinator import QueuedRunCoordinator as QueuedRunCoordinator
from dagster._core.run_coordinator import SubmitRunContext as SubmitRunContext
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES as IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.event_log import (
    ConsolidatedSqliteEventLogStorage as ConsolidatedSqliteEventLogStorage,
)
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable as AssetCheckExecutionsTable,
)
from dagster._core.storage.event_log.schema import AssetEventTagsTable as AssetEventTagsTable
from dagster._core.storage.event_log.schema import (
    SqlEventLogStorageTable as SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage as SqlEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS as SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG as ASSET_PARTITION_RANGE_END_TAG,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG as ASSET_PARTITION_RANGE_START_TAG,
)
from dagster._core.storage.tags import BACKFILL_ID_TAG as BACKFILL_ID_TAG
from dagster._core.storage.tags import PARTITION_NAME_TAG as PARTITION_NAME_TAG
from dagster._serdes import ConfigurableClassData as ConfigurableClassData

PRIVATE_MEMBERS: Mapping[type, tuple[str, ...]] = {
    ConsolidatedSqliteEventLogStorage: (
        "_connect",
        "_event_to_row",
        "_has_asset_key_col_on_connection",
        "_store_asset_check_evaluation_planned",
        "_store_asset_event",
        "_store_asset_event_tags",
    ),
    QueuedRunCoordinator: ("_instance",),
}


def dev_command() -> Any:
    """The command `dagster dev`. Imported when it is asked for: it takes seconds."""
    from dagster._cli.dev import dev_command as command

    return command
