"""What only tests need of the names that Dagster keeps to itself; see `ai_usage.instance`."""

from __future__ import annotations

from dagster._core.definitions.freshness import (
    TimeWindowFreshnessPolicy as TimeWindowFreshnessPolicy,
)
from dagster._core.errors import (
    DagsterExecutionInterruptedError as DagsterExecutionInterruptedError,
)
from dagster._core.execution.backfill import BulkActionStatus as BulkActionStatus
from dagster._core.execution.backfill import PartitionBackfill as PartitionBackfill
from dagster._core.execution.plan.objects import StepFailureData as StepFailureData
from dagster._core.remote_origin import InProcessCodeLocationOrigin as InProcessCodeLocationOrigin
from dagster._core.remote_origin import RegisteredCodeLocationOrigin as RegisteredCodeLocationOrigin
from dagster._core.remote_origin import RemoteJobOrigin as RemoteJobOrigin
from dagster._core.remote_origin import RemoteRepositoryOrigin as RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test as create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin as LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext as WorkspaceProcessContext
from dagster._core.workspace.load_target import (
    InProcessWorkspaceLoadTarget as InProcessWorkspaceLoadTarget,
)
from dagster._utils.tags import TagConcurrencyLimitsCounter as TagConcurrencyLimitsCounter
