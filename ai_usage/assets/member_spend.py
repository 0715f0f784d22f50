"""`raw_member_spend`: what a vendor says its members have spent, a snapshot a day."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.assets.common import FINANCE, explained, table_metadata
from ai_usage.assets.sources import source_key
from ai_usage.partitions import ONE_RUN, window_of
from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import Endpoint, Vendor, Window
from ai_usage.platforms.fetching import read_rows
from ai_usage.platforms.rows import MemberSpend
from ai_usage.warehouse.schema import table_schema


def member_spend_asset(
    vendors: Sequence[Vendor], archive: Archive, partitions: dg.PartitionsDefinition[str]
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
    def raw_member_spend(context: dg.AssetExecutionContext) -> pa.Table:
        window = window_of(context)
        with explained():
            return table_schema("raw_member_spend").to_arrow(
                row
                for vendor, endpoint in reported
                for row in _rows(vendor, endpoint, archive, window, context.run_id)
            )

    return raw_member_spend


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
                    "spend_usd": row.spend_usd,
                    "overall_spend_usd": row.overall_spend_usd,
                    "included_spend_usd": row.included_spend_usd,
                    "ingest_timestamp": reading.fetch.fetched_at,
                    "pipeline_run_id": run_id,
                }
