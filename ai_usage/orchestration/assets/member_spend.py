"""`raw_member_spend`: what a vendor says its members have spent, a snapshot a day."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN, window_of
from ai_usage.orchestration.assets.common import FINANCE, explained, table_metadata
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.resources import ArchiveResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import read_rows
from ai_usage.vendors.rows import MemberSpend
from ai_usage.warehouse.base import Warehouse, Write
from ai_usage.warehouse.schema import table_schema

_log = dg.get_dagster_logger()


def member_spend_asset(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The asset of `raw_member_spend`, downstream of every endpoint that yields it."""
    reported = [
        (vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is MemberSpend
    ]

    @dg.asset(
        name="raw_member_spend",
        description=table_schema("raw_member_spend").description,
        deps=[source_key(vendor, endpoint) for vendor, endpoint in reported],
        group_name="raw",
        kinds={"python", "table"},
        owners=[FINANCE],
        metadata=table_metadata("raw_member_spend"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def raw_member_spend(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> Write:
        with explained():
            held = archive.archive()
            window = _with_older_rows(warehouse.warehouse(), window_of(context))
            rows = table_schema("raw_member_spend").to_arrow(
                row
                for vendor, endpoint in reported
                for row in _rows(vendor, endpoint, held, window, context.run_id)
            )
        return Write(rows, window)

    return raw_member_spend


def _with_older_rows(warehouse: Warehouse, window: Window) -> Window:
    """The window, from the first day on whose rows were written before `cycle_started_at` was."""
    warehouse.ensure_table("raw_member_spend")
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


def _rows(
    vendor: Vendor, endpoint: Endpoint, archive: Archive, window: Window, run_id: str
) -> Iterator[dict[str, Any]]:
    for reading in read_rows(vendor, endpoint, window, archive):
        for row in reading.rows:
            if isinstance(row, MemberSpend):
                yield {
                    "snapshot_date": reading.days[0],
                    "platform": vendor.name,
                    "vendor_user_id": row.vendor_user_id,
                    "user_email": row.user_email,
                    "cycle_start": row.cycle_start.date() if row.cycle_start else None,
                    "cycle_started_at": row.cycle_start,
                    "spend_usd": row.spend_usd,
                    "overall_spend_usd": row.overall_spend_usd,
                    "included_spend_usd": row.included_spend_usd,
                    "ingest_timestamp": reading.fetch.fetched_at,
                    "pipeline_run_id": run_id,
                }
