"""`raw_ai_events`: what the archive holds of a range of days, typed and scored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import cast

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.identity.bridge import BridgeRow
from ai_usage.identity.one_source import OneSource
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.instance.progress import Step, tell
from ai_usage.migration.archived import legacy_batches
from ai_usage.orchestration.assets.common import (
    DATA_PLATFORM,
    explained,
    note_data_version,
    table_metadata,
)
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.assets.finance import FinanceSnapshot, finance_snapshot_keys
from ai_usage.orchestration.assets.focus import bill_keys
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.code_versions import declared_version
from ai_usage.orchestration.open_days import windows_as_known
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.quality.scoring import score
from ai_usage.text.words import ranges
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.fetching import read_rows
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.base import Write
from ai_usage.warehouse.schema import table_schema


def raw_events_asset(
    declared: Declared, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The asset of `raw_ai_events`, downstream of every endpoint that yields events."""
    vendors = declared.vendors

    @dg.asset(
        name="raw_ai_events",
        code_version=declared_version("raw_ai_events"),
        description=table_schema("raw_ai_events").description
        + " Read from the newest complete fetch of every endpoint and day; seats and other costs "
        "follow from the files that finance maintains, charges of other vendors from their bills. "
        "Rows of old tables stand for days that no vendor has answered.",
        deps=[
            *(
                source_key(vendor, endpoint)
                for vendor in vendors
                for endpoint in vendor.event_endpoints
            ),
            *finance_snapshot_keys(vendors),
            *bill_keys(),
        ],
        group_name="raw",
        kinds={"python", "table"},
        owners=[DATA_PLATFORM],
        metadata=table_metadata("raw_ai_events"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def raw_ai_events(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
    ) -> list[Write]:
        note_data_version(context)
        held = archive.archive()

        def rows(window: Window, known: Archive) -> pa.RecordBatchReader:
            # Keys are asked for before this (`ASKED_FIRST`); a list that fails must not stop it.
            directory = Directory(declared, known, clock)
            events = event_batches(vendors, known, window, context.run_id, directory.bridge)
            finance_snapshot = FinanceSnapshot(directory)
            booked = finance_snapshot.batches(window, context.run_id)
            old = legacy_batches(known, window, context.run_id)
            bills = finance_snapshot.bill_batches(window, context.run_id)
            scored = score(chain(events, booked, old, bills), billing(vendors))
            schema = table_schema("raw_ai_events").arrow_schema
            return pa.RecordBatchReader.from_batches(schema, scored)

        with explained():
            return [
                Write(rows(window, known), window)
                for window, known in windows_as_known(context, held)
            ]

    return raw_ai_events


def billing(vendors: Sequence[Vendor]) -> frozenset[tuple[str, str]]:
    """The vendors' endpoints that report what is billed, each with its vendor's name first."""
    return frozenset((v.name, e.name) for v in vendors for e in v.endpoints if e.has_cost)


def event_batches(
    vendors: Sequence[Vendor],
    archive: Archive,
    window: Window,
    run_id: str | None,
    bridge: Callable[[], Iterable[BridgeRow]] = list,
) -> Iterator[pa.RecordBatch]:
    """Every event of the window, by vendor, endpoint and fetch; not yet scored.

    Endpoints that fill gaps come last: what reports tell by then, by whom `bridge` says who is
    who, they do not tell again.
    """
    reports = [(vendor, endpoint) for vendor in vendors for endpoint in vendor.event_endpoints]
    fillers = [
        (vendor, endpoint)
        for vendor, endpoint in reports
        if endpoint.fills_gaps and archive.coverage(vendor.name, endpoint.name, window)
    ]
    others = [(vendor, endpoint) for vendor, endpoint in reports if not endpoint.fills_gaps]
    if not fillers:
        for vendor, endpoint in others:
            yield from _batches(vendor, endpoint, archive, window, run_id)
        return
    products = {row.platform_subtype for vendor, _ in fillers for row in vendor.platforms}
    one = OneSource(products, bridge())
    for vendor, endpoint in others:
        yield from _batches(vendor, endpoint, archive, window, run_id, one.reported)
    for vendor, endpoint in fillers:
        yield from _batches(vendor, endpoint, archive, window, run_id, one.gaps)


def _batches(
    vendor: Vendor,
    endpoint: Endpoint,
    archive: Archive,
    window: Window,
    run_id: str | None,
    through: Callable[[str, Iterable[RawEvent]], Iterable[RawEvent]] = lambda _, events: events,
) -> Iterator[pa.RecordBatch]:
    for reading in read_rows(vendor, endpoint, window, archive):
        note = f"{vendor.name} {endpoint.name}, {ranges(reading.days)}"
        tell(Step("raw_ai_events", "reading", note))
        provenance = Provenance(
            platform=vendor.name,
            endpoint=endpoint.name,
            fetched_at=reading.fetch.fetched_at,
            provisional_days=frozenset(filter(reading.is_provisional, reading.days)),
            run_id=run_id,
        )
        events = cast("Iterator[RawEvent]", reading.rows)
        yield from batches(through(vendor.name, events), provenance)
