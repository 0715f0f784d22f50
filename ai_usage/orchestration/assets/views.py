"""The views: created in the warehouse in their current definition."""

from typing import Any

import dagster as dg

from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import ENGINEERING, FINANCE, explained, note_lineage
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.sql import Literals, references
from ai_usage.warehouse.views import ViewSchema, view_names, view_schema

OWNERS = {"vw_team_productivity": ENGINEERING}
"""Who answers for a view; finance for all others."""


def view_assets(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Every view of the product."""
    return [_view(settings, view_schema(name), partitions) for name in view_names()]


def view_literals(settings: Settings, view: ViewSchema) -> Literals:
    """The render parameters of the deployed view: seen from today, the others as it labels them."""
    return {"as_of": settings.as_of, **view.defaults}


def _view(
    settings: Settings, view: ViewSchema, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        name=view.name,
        description=view.description,
        deps=sorted(references(view.query)),
        group_name="views",
        kinds={"sql", "view"},
        owners=[OWNERS.get(view.name, FINANCE)],
        metadata=_metadata(view),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def created(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> dg.MaterializeResult[None]:
        with explained():
            opened = warehouse.warehouse()
            opened.create_view(view, view_literals(settings, view))
            counted, details = opened.measured(f"SELECT COUNT(*) AS n FROM {view.name}")
        note_lineage(context, view.query)
        rows = counted.to_pylist()[0]["n"]
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, **details})

    return created


def _metadata(view: ViewSchema) -> dict[str, Any]:
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, description=description)
                for name, description in view.columns
            ]
        ),
        "dagster/table_name": view.name,
    }
