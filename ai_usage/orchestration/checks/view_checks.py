"""Checks of a view as it stands, whatever days a run covers: they warn, and block nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from ai_usage.orchestration.checks.factory import resources_of_check
from ai_usage.orchestration.resources import Resources


@dataclass(frozen=True)
class Found:
    """What a check of a view found: what broke the promise, and what was measured."""

    failures: Mapping[str, int]
    metadata: Mapping[str, dg.MetadataValue[Any]]


def view_check(
    view: str,
    name: str,
    promise: str,
    evaluate: Callable[[Resources, dg.AssetCheckExecutionContext], Found],
    needs: Collection[str] = (),
) -> dg.AssetChecksDefinition:
    """A check of a view as it stands, without partitions: one result a run."""

    @dg.asset_check(
        asset=view,
        name=name,
        description=promise,
        blocking=False,
        required_resource_keys={"warehouse", *needs},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        found = evaluate(resources_of_check(context), context)
        metadata = dict(found.metadata)
        if found.failures:
            metadata["failing_rows"] = dg.MetadataValue.int(sum(found.failures.values()))
            metadata["failures"] = dg.MetadataValue.json(dict(found.failures))
        return dg.AssetCheckResult(
            passed=not found.failures, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
        )

    return check


def plot(context: dg.AssetCheckExecutionContext, view: str, numbers: Mapping[str, float]) -> None:
    """Observe the view: Dagster plots what is observed of an asset, not what checks find."""
    context.op_execution_context.log_event(
        dg.AssetObservation(
            asset_key=view,
            metadata={name: dg.MetadataValue.float(value) for name, value in numbers.items()},
        )
    )
