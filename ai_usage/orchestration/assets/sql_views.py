"""The views, those of staging and helper views too: created in their current definition."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import (
    explained,
    key_metadata,
    note_lineage,
    note_of_run,
    owner_of,
)
from ai_usage.orchestration.code_versions import code_version_of
from ai_usage.orchestration.resources import ClockResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.sql import AS_OF, Literals, references
from ai_usage.warehouse.views import ViewSchema, view_names, view_schema


def view_assets(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """Every view of the product."""
    return [_view(view_schema(name), partitions) for name in view_names()]


def view_literals(as_of: date | None, view: ViewSchema) -> Literals:
    """The render parameters of the deployed view: seen from `as_of`, the others as it labels them.

    None: seen from the current UTC day, whenever it is read.
    """
    return {AS_OF: as_of, **view.defaults}


def _view(view: ViewSchema, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=view.name,
        description=view.description,
        deps=sorted(references(view.query)),
        group_name=layer_of(view.name),
        kinds={"sql", "view"},
        owners=[owner_of(view.name)],
        code_version=code_version_of(view.query),
        metadata={**_metadata(view, {}), **key_metadata(view.name)},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def created(
        context: dg.AssetExecutionContext,
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> dg.MaterializeResult[None]:
        with explained():
            opened = warehouse.warehouse()
            with opened.held():
                details = opened.create_view(view, view_literals(clock.pretended, view))
                types = opened.column_types(view.name)
        # Its rows are not counted: that evaluates it, as the check `latency` does once a day.
        # The engine knows the types; when the graph is loaded, there is no engine to ask.
        # A view has no rows of a day: what it holds now is noted once, on the run's last day.
        note_of_run(context, {**_metadata(view, types), **details})
        note_lineage(context, view.query)
        return dg.MaterializeResult()

    return created


def _metadata(view: ViewSchema, types: Mapping[str, str]) -> dict[str, Any]:
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, description=description, type=types.get(name, "?"))
                for name, description in view.columns
            ]
        ),
        "dagster/table_name": view.name,
    }
