"""The ledger in the warehouse: what vendors restated, and the totals of closed months."""

from collections.abc import Iterator, Sequence

import dagster as dg
import msgspec
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.partitions import ONE_RUN, days_of
from ai_usage.ledger.closing import closings, history
from ai_usage.ledger.missing_days import complete_fetches
from ai_usage.ledger.restatements import Restatements
from ai_usage.ledger.rows import restatement_batches
from ai_usage.orchestration.assets.common import DATA_PLATFORM, FINANCE, explained, table_metadata
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.resources import ArchiveResource
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Write
from ai_usage.warehouse.schema import table_schema

_log = dg.get_dagster_logger()


def ledger_assets(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """`raw_restatements` and `closed_months`."""
    reported = [(vendor, endpoint) for vendor in vendors for endpoint in vendor.event_endpoints]

    @dg.asset(
        name="raw_restatements",
        description=table_schema("raw_restatements").description
        + " Also written for all earlier days that vendors were asked for during the run's days: "
        "closed months are asked again, though they are not built anew.",
        deps=[source_key(vendor, endpoint) for vendor, endpoint in reported],
        group_name="raw",
        kinds={"python", "table"},
        owners=[DATA_PLATFORM],
        metadata=table_metadata("raw_restatements"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def raw_restatements(
        context: dg.AssetExecutionContext, archive: dg.ResourceParam[ArchiveResource]
    ) -> Write:
        with explained():
            held = archive.archive()
            window = asked_window(vendors, held, days_of(context))
            found = Restatements(vendors, held, window, history(held))
        rows = pa.RecordBatchReader.from_batches(
            table_schema("raw_restatements").arrow_schema, _logged(found, context.run_id)
        )
        return Write(rows, window)

    @dg.asset(
        name="closed_months",
        description=table_schema("closed_months").description,
        # Not read, but every user_sk must stand in it, however history was corrected since.
        deps=["dim_users"],
        group_name="finance",
        kinds={"python", "table"},
        owners=[FINANCE],
        metadata=table_metadata("closed_months"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def closed_months(archive: dg.ResourceParam[ArchiveResource]) -> pa.Table:
        with explained():
            return table_schema("closed_months").to_arrow(
                {
                    "month": one.month,
                    "closed_at": one.closed_at,
                    "closed_by": one.signature.by,
                    "accepted_reason": one.signature.reason,
                    **msgspec.structs.asdict(total),
                }
                for one in closings(archive.archive())
                for total in one.totals
            )

    return [raw_restatements, closed_months]


def asked_window(vendors: Sequence[Vendor], archive: Archive, window: Window) -> Window:
    """The window, from the first day that any vendor was asked for since it began."""
    starts = [
        fetch.window.start
        for fetch in complete_fetches(archive, vendors)
        if fetch.fetched_at >= window.start_at
    ]
    return Window(min([window.start, *starts]), window.end)


def _logged(found: Restatements, run_id: str) -> Iterator[pa.RecordBatch]:
    yield from restatement_batches(found, run_id)
    for line in found.unreadable:
        _log.warning(line)
