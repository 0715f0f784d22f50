"""Every table that a statement of `sql/` builds, as an asset by itself, from its folder alone.

A table with partitions is built for the run's days, one without as a whole by every run, for closed
months too: an invoice that comes after the close is judged without opening the month, and none of
its totals moves.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import (
    explained,
    key_metadata,
    note_lineage,
    owner_of,
    table_metadata,
)
from ai_usage.orchestration.code_versions import code_version_of
from ai_usage.orchestration.open_days import windows_to_build
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.quality.rules import RELATIONS
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Parameter, Query, Warehouse, Write
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import tables_read

_MONTH_TO_DATE = "month_start"
"""The parameter of statements whose rows add up what came before in the month."""


def sql_table_assets(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The assets of all tables that statements build."""
    return [_table(name, settings.first_day, partitions) for name in built_tables()]


def table_deps(table: str) -> list[str]:
    """What a table is built after: what it reads, and where its foreign keys must stand."""
    keys = {relation.target for relation in RELATIONS.get(table, ())}
    return sorted(references(statement(table)) | keys)


@cache
def follows_its_month(table: str) -> bool:
    """Whether rows of a day depend on earlier days of its month, also through other tables."""
    return _MONTH_TO_DATE in statement_parameters(table) or any(
        follows_its_month(read)
        for read in tables_read(statement(table)) & set(built_tables())
        if read != table
    )


def windows_of_table(warehouse: Warehouse, table: str, windows: Sequence[Window]) -> list[Window]:
    """The windows that must be written together with these, of a table with partitions."""
    if not follows_its_month(table):
        return list(windows)
    return [to_loaded_month_end(warehouse, table, window) for window in windows]


def query_of(table: str, window: Window, run_id: str, today: date) -> Query:
    """The rows of a table for the window."""
    known: Mapping[str, Parameter] = {
        "start": window.start,
        "end": window.end,
        _MONTH_TO_DATE: window.start.replace(day=1),
        "run_id": run_id,
        "today": today,
    }
    asked = {name: known[name] for name in sorted(statement_parameters(table))}
    return Query(statement(table), asked)


def all_days(archive: Archive, first_day: date, today: date) -> Window:
    """From the first day that anything is known of to today: what a whole table is built from.

    Every invoice is compared anew, for a day of its period may have been restated; an account may
    be named by costs from before the first invoice alone.
    """
    invoices = newest_rows(archive, reference_file("invoices.csv")) or []
    starts = [row["period_from"] for row in invoices]
    return Window(min([*starts, first_day]), today + timedelta(days=1))


def to_loaded_month_end(warehouse: Warehouse, table: str, window: Window) -> Window:
    """The window, extended to the table's last day in the month in which it ends."""
    last = window.end - timedelta(days=1)
    next_month = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    if not warehouse.exists(table):
        return window
    schema = table_schema(table)
    found = warehouse.query(
        Query(
            f"SELECT MAX({schema.day_expression}) AS last_day FROM {table} "
            f"WHERE {schema.days_from('@end', '@next_month')}",
            {"end": window.end, "next_month": next_month},
        )
    ).to_pylist()
    loaded: date | None = found[0]["last_day"]
    return window if loaded is None else Window(window.start, loaded + timedelta(days=1))


def _table(
    name: str, first_day: date, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    schema = table_schema(name)
    partitioned = schema.partition_column is not None

    @dg.asset(
        name=name,
        description=_described(name),
        deps=table_deps(name),
        group_name=_group(name),
        kinds={"sql", "table"},
        owners=[owner_of(name)],
        code_version=code_version_of(statement(name)),
        metadata={**table_metadata(name), **key_metadata(name)},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def built(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> list[Write]:
        note_lineage(context, statement(name))
        with explained():
            opened, today = archive.archive(), clock.today
            windows = (
                windows_of_table(warehouse.warehouse(), name, windows_to_build(context, opened))
                if partitioned
                else [all_days(opened, first_day, today)]
            )
            return [Write(query_of(name, w, context.run_id, today), w) for w in windows]

    return built


def _described(table: str) -> str:
    schema = table_schema(table)
    if schema.partition_column is None or not follows_its_month(table):
        return schema.description
    return (
        schema.description + " Writing a day extends to the last loaded day of its month, so that "
        "month-to-date columns never go stale."
    )


def _group(table: str) -> str:
    """The layer; what is judged as a whole, as invoices are, stands beside what finance keeps."""
    layer = str(layer_of(table))
    whole = table_schema(table).partition_column is None
    return "finance" if layer == "facts" and whole else layer
