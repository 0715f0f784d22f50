"""Every table that a statement of `sql/` builds, as an asset by itself, from its folder alone.

A table with partitions is built for the run's days, one without as a whole by every run, for closed
months too: an invoice that comes after the close is judged without opening the month, and none of
its totals moves.
"""

from datetime import date, timedelta

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.instance.progress import Step, tell
from ai_usage.orchestration.assets.common import (
    explained,
    key_metadata,
    note_lineage,
    owner_of,
    table_metadata,
)
from ai_usage.orchestration.code_versions import code_version_of
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.open_days import windows_to_build
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.orchestration.run_log import say
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.quality.rules import RELATIONS
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Warehouse, Write
from ai_usage.warehouse.building import (
    built_from,
    follows_its_month,
    is_partitioned,
    query_of,
    windows_of_table,
)
from ai_usage.warehouse.filling import EVERY_DAY, bring_forward, complete_sources
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references

_INVOICES = reference_file("invoices.csv")
_LOADED = "loaded_days"


def sql_table_assets(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The assets of all tables that statements build."""
    return [_table(name, settings.first_day, partitions) for name in built_tables()]


def table_deps(table: str) -> list[str]:
    """What a table is built after: what it reads, and where its foreign keys must stand."""
    keys = {relation.target for relation in RELATIONS.get(table, ())}
    return sorted(references(statement(table)) | keys)


def all_days(
    archive: Archive, warehouse: Warehouse, first_day: date, today: date, run_id: str
) -> Window:
    """From the first day that anything is known of to today: what a whole table is built from.

    Every invoice is compared anew, for a day of its period may have been restated; an account may
    be named by costs from before the first invoice alone. Days may have been loaded when the first
    partition was an earlier one.
    """
    starts = [row["period_from"] for row in newest_rows(archive, _INVOICES) or []]
    loaded = _first_loaded(warehouse, run_id)
    starts += [loaded] if loaded is not None else []
    return Window(min([*starts, first_day]), today + timedelta(days=1))


_OF_RUN: dict[str, date | None] = {}
"""The first loaded day that the run that goes on has found."""


def _first_loaded(warehouse: Warehouse, run_id: str) -> date | None:
    """The first day that was loaded before this run; the run itself loads none before its own.

    Asked once a run: a question costs a second and ten megabytes on BigQuery.
    """
    if run_id not in _OF_RUN:
        found: date | None = None
        if warehouse.exists(_LOADED):
            days = table_schema(_LOADED).days_from("DATE '1900-01-01'")
            rows = warehouse.rows(f"SELECT MIN(day) AS day FROM {_LOADED} WHERE {days}")
            found = next(iter(rows))["day"]
        _OF_RUN.clear()
        _OF_RUN[run_id] = found
    return _OF_RUN[run_id]


def _table(
    name: str, first_day: date, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
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
        others = _built_by_others(name, context.run)
        with explained():
            opened, into, today = archive.archive(), warehouse.warehouse(), clock.today

            def rows(table: str, window: Window) -> Query:
                return query_of(table, window, context.run_id, today)

            def filling(note: str) -> None:
                say(context, f"{name}: filling {note}")
                tell(Step(name, "filling", note))

            if not is_partitioned(name):
                ever = all_days(opened, into, first_day, today, context.run_id)
                complete_sources(into, others, ever, rows, filling)
                return [Write(rows(name, ever), ever)]
            windows = windows_to_build(context, opened)
            if others or name in EVERY_DAY:
                ever = all_days(opened, into, first_day, today, context.run_id)
                complete_sources(into, others, ever, rows, filling)
                # A run of a part of the graph may write what others are filled from meanwhile.
                gaps = None if others else of_run(context.run_id).gaps_of(into, ever)
                bring_forward(into, name, ever, rows, filling, windows, gaps)
            return [
                Write(rows(name, window), window)
                for window in windows_of_table(into, name, windows)
            ]

    return built


def _built_by_others(table: str, run: dg.DagsterRun) -> list[str]:
    """What a table is built from that this run, being of a part of the graph, does not build."""
    chosen = run.asset_selection
    if chosen is None:
        return []
    return [name for name in built_from(table) if dg.AssetKey(name) not in chosen]


def _described(table: str) -> str:
    described = table_schema(table).description
    if not is_partitioned(table) or not follows_its_month(table):
        return described
    return (
        described + " Writing a day extends to the last loaded day of its month, so that "
        "month-to-date columns never go stale."
    )


def _group(table: str) -> str:
    """The layer; what is judged as a whole, as invoices are, stands beside what finance keeps."""
    layer = str(layer_of(table))
    return "finance" if layer == "facts" and not is_partitioned(table) else layer
