"""The copy that the dashboard reads: published when everything that it is made of is built."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from ai_usage.dashboard.copied import COPIED
from ai_usage.dashboard.published import Published, publish
from ai_usage.errors import WarehouseError
from ai_usage.instance.names import DASHBOARD_COPY
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import FINANCE, explained
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.resources import ClockResource
from ai_usage.orchestration.run_log import say
from ai_usage.orchestration.run_states import states
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.sql import references

AFTER_ALL_CHECKS: Mapping[str, str] = {"dagster/priority": "-2"}
"""Op tags of the copy: it tells how they have ended. An order and no dependency."""


def dashboard_copy_asset(
    settings: Settings,
    partitions: dg.PartitionsDefinition[str],
    checks: Sequence[dg.AssetChecksDefinition],
) -> dg.AssetsDefinition:
    """The published copy, swapped by rename after each run; it tells how the checks have ended."""
    path: Path = settings.published_path

    @dg.asset(
        name=DASHBOARD_COPY,
        description="What the dashboard reads: rollups, dimensions and views in a file beside the "
        "warehouse, swapped by rename, so that no reader waits for a writer nor a writer for one.",
        deps=sorted({name for sql in COPIED.values() for name in references(sql)}),
        group_name="dashboard",
        kinds={"duckdb"},
        owners=[FINANCE],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        op_tags=AFTER_ALL_CHECKS,
    )
    def copied(
        context: dg.AssetExecutionContext,
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> dg.MaterializeResult[None]:
        # Whoever asks for the copy alone gets a new one.
        is_asked_for = context.run.asset_selection == {context.asset_key}
        stands = not is_asked_for and still_stands(path, settings, clock)
        if stands:
            say(context, f"the pages' copy is less than {settings.copy_stands_for} old, and stays.")
        else:
            with explained():
                publish(
                    warehouse.warehouse(),
                    path,
                    as_of=clock.today,
                    now=clock.now,
                    run_id=context.run_id,
                    states=states(
                        context.instance, (spec for check in checks for spec in check.check_specs)
                    ),
                    # What a check has read of the views by now.
                    read=of_run(context.run_id).read,
                )
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path)),
                "bytes": path.stat().st_size,
                **({"unchanged": True} if stands else {}),
            }
        )

    return copied


def still_stands(path: Path, settings: Settings, clock: ClockResource) -> bool:
    """Whether the copy that is there is of this day and version, and young enough to stay."""
    try:
        about = Published(path).about
    except WarehouseError:
        return False
    age = clock.now - about.published_at
    return about.as_of == clock.today and age < settings.copy_stands_for
