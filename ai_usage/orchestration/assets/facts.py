"""The two facts: one SQL statement each, run inside the warehouse for a whole range of days."""

from datetime import date, timedelta

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import (
    ENGINEERING,
    FINANCE,
    explained,
    note_lineage,
    table_metadata,
)
from ai_usage.orchestration.open_days import windows_to_build
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.warehouse.base import Query, Warehouse, Write
from ai_usage.warehouse.files import load
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references


def _deps(fact: str) -> list[str]:
    # dim_dates is not read, but every fact's date_sk must stand in it.
    return sorted(references(load("facts", fact)) | {"dim_dates"})


def fact_assets(
    archive: Archive, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """`fact_ai_usage` and `fact_ai_costs`."""

    @dg.asset(
        name="fact_ai_usage",
        description=table_schema("fact_ai_usage").description,
        deps=_deps("fact_ai_usage"),
        group_name="facts",
        kinds={"sql", "table"},
        owners=[ENGINEERING],
        metadata=table_metadata("fact_ai_usage"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def fact_ai_usage(context: dg.AssetExecutionContext) -> list[Write]:
        sql = load("facts", "fact_ai_usage")
        note_lineage(context, sql)

        def rows(window: Window) -> Query:
            bound = {"start": window.start, "end": window.end, "run_id": context.run_id}
            return Query(sql, bound)

        with explained():
            return [Write(rows(window), window) for window in windows_to_build(context, archive)]

    @dg.asset(
        name="fact_ai_costs",
        description=table_schema("fact_ai_costs").description
        + " Writing a day extends to the last loaded day of its month, so that month-to-date "
        "columns never go stale.",
        deps=_deps("fact_ai_costs"),
        group_name="facts",
        kinds={"sql", "table"},
        owners=[FINANCE],
        metadata=table_metadata("fact_ai_costs"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def fact_ai_costs(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> list[Write]:
        sql = load("facts", "fact_ai_costs")
        note_lineage(context, sql)

        def rows(window: Window) -> Query:
            bound = {
                "start": window.start,
                "end": window.end,
                "month_start": window.start.replace(day=1),
                "run_id": context.run_id,
            }
            return Query(sql, bound)

        with explained():
            windows = [
                to_loaded_month_end(warehouse.warehouse(), window)
                for window in windows_to_build(context, archive)
            ]
        return [Write(rows(window), window) for window in windows]

    return [fact_ai_usage, fact_ai_costs]


def to_loaded_month_end(warehouse: Warehouse, window: Window) -> Window:
    """The window, extended to the last loaded day of the month in which it ends."""
    last = window.end - timedelta(days=1)
    next_month = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    if not warehouse.exists("fact_ai_costs"):
        return window
    found = warehouse.query(
        Query(
            "SELECT MAX(DATE(cost_timestamp, 'UTC')) AS last_day FROM fact_ai_costs "
            "WHERE cost_timestamp >= TIMESTAMP(@end, 'UTC') "
            "AND cost_timestamp < TIMESTAMP(@next_month, 'UTC')",
            {"end": window.end, "next_month": next_month},
        )
    ).to_pylist()
    loaded: date | None = found[0]["last_day"]
    return window if loaded is None else Window(window.start, loaded + timedelta(days=1))
