"""`raw_member_spend`, `raw_group_spend`: what a vendor says was spent, a snapshot a day."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN, days_of
from ai_usage.orchestration.assets.common import FINANCE, explained, table_metadata
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.resources import ArchiveResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import read_rows
from ai_usage.vendors.rows import GroupSpend, MemberSpend, Row
from ai_usage.warehouse.base import Warehouse, Write
from ai_usage.warehouse.schema import table_schema

MEMBERS, GROUPS = "raw_member_spend", "raw_group_spend"
REPORTED_SPEND = (MEMBERS, GROUPS)
"""The tables. Each row tells when its vendor was asked, so each answer writes the day anew."""

_log = dg.get_dagster_logger()


def reported_spend_assets(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The tables, each downstream of every endpoint that yields its rows."""
    return [
        _asset(MEMBERS, MemberSpend, _of_member, _with_older_rows, vendors, partitions),
        _asset(GROUPS, GroupSpend, _of_group, _as_asked, vendors, partitions),
    ]


def _asset(
    table: str,
    kind: type[Row],
    values: Callable[[Any], Mapping[str, Any]],
    widened: Callable[[Warehouse, Window], Window],
    vendors: Sequence[Vendor],
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    reported = [
        (vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is kind
    ]

    @dg.asset(
        name=table,
        description=table_schema(table).description,
        deps=[source_key(vendor, endpoint) for vendor, endpoint in reported],
        group_name="raw",
        kinds={"python", "table"},
        owners=[FINANCE],
        metadata=table_metadata(table),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def spend(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> Write:
        with explained():
            held = archive.archive()
            window = widened(warehouse.warehouse(), days_of(context))
            rows = table_schema(table).to_arrow(
                {**place, **values(row)}
                for vendor, endpoint in reported
                for place, row in _rows(vendor, endpoint, held, window, context.run_id)
                if isinstance(row, kind)
            )
        return Write(rows, window)

    return spend


def _rows(
    vendor: Vendor, endpoint: Endpoint, archive: Archive, window: Window, run_id: str
) -> Iterator[tuple[dict[str, Any], Row]]:
    """Each row with where it is from."""
    for reading in read_rows(vendor, endpoint, window, archive):
        place = {
            "snapshot_date": reading.days[0],
            "platform": vendor.name,
            "ingest_timestamp": reading.fetch.fetched_at,
            "pipeline_run_id": run_id,
        }
        for row in reading.rows:
            yield place, row


def _of_member(row: MemberSpend) -> Mapping[str, Any]:
    return {
        "vendor_user_id": row.vendor_user_id,
        "user_email": row.user_email,
        "cycle_start": row.cycle_start.date() if row.cycle_start else None,
        "cycle_started_at": row.cycle_start,
        "spend_usd": row.spend_usd,
        "overall_spend_usd": row.overall_spend_usd,
        "included_spend_usd": row.included_spend_usd,
    }


def _of_group(row: GroupSpend) -> Mapping[str, Any]:
    return {
        "group_kind": row.kind,
        "group_id": row.group_id,
        "group_name": row.group_name,
        "directory_group_id": row.directory_group_id,
        "is_unassigned": row.is_unassigned,
        "current_members": row.current_members,
        "former_members": row.former_members,
        "cycle_started_at": row.cycle_start,
        "cycle_ends_at": row.cycle_end,
        "spend_usd": row.spend_usd,
        "included_spend_usd": row.included_spend_usd,
        "budget_usd": row.budget_usd,
    }


def _as_asked(warehouse: Warehouse, window: Window) -> Window:
    return window


def _with_older_rows(warehouse: Warehouse, window: Window) -> Window:
    """The window, from the first day on whose rows were written before `cycle_started_at` was."""
    warehouse.ensure_table(MEMBERS)
    found = next(
        warehouse.rows(
            "SELECT MIN(snapshot_date) AS first_day FROM raw_member_spend "
            "WHERE snapshot_date >= DATE '1900-01-01' "
            "AND cycle_start IS NOT NULL AND cycle_started_at IS NULL"
        )
    )
    first: date = found["first_day"] or window.start
    if first < window.start:
        _log.info(f"raw_member_spend is built from {first} on: its cycles lack their instant.")
    return Window(min(first, window.start), window.end)
