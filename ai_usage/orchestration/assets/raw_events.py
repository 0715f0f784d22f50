"""`raw_ai_events`: what the archive holds of a range of days, typed and scored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, starmap
from typing import NamedTuple

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.identity.bridge import BridgeRow
from ai_usage.identity.one_source import OneSource
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.instance.progress import Step, tell
from ai_usage.migration.archived import legacy_batches
from ai_usage.normalised.events import Normalised
from ai_usage.normalised.kept import NOTHING_KEPT, KeptEvents
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
            directory = Directory(declared, known, clock, archive.kept_lists())
            events = event_batches(
                vendors, known, window, context.run_id, directory.bridge, archive.kept_events()
            )
            finance_snapshot = FinanceSnapshot(directory)
            booked = finance_snapshot.batches(window, context.run_id)
            old = legacy_batches(known, window, context.run_id)
            bills = finance_snapshot.bill_batches(window, context.run_id)
            others = score(chain(booked, old, bills), billing(vendors))
            schema = table_schema("raw_ai_events").arrow_schema
            return pa.RecordBatchReader.from_batches(schema, chain(events, others))

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
    kept: KeptEvents = NOTHING_KEPT,
) -> Iterator[pa.RecordBatch]:
    """Every event of the window, scored, by vendor, endpoint and fetch.

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
    bills = billing(vendors)

    def of(vendor: Vendor, endpoint: Endpoint) -> Iterator[pa.RecordBatch]:
        normalised = Normalised(vendor, endpoint, archive, bills, kept)
        return _batches(normalised, window, run_id)

    if not fillers:
        for vendor, endpoint in others:
            yield from of(vendor, endpoint)
        return
    products = {row.platform_subtype for vendor, _ in fillers for row in vendor.platforms}
    one = OneSource(products, bridge())
    for vendor, endpoint in others:
        for batch in of(vendor, endpoint):
            for _ in one.reported(vendor.name, _told(batch)):
                pass
            yield batch
    for vendor, endpoint in fillers:
        for batch in of(vendor, endpoint):
            gaps = [event.row for event in one.gaps(vendor.name, _told(batch))]
            yield batch.take(pa.array(gaps, pa.int64()))


class _Told(NamedTuple):
    """What `OneSource` asks of an event, and which row of its batch it is."""

    event_date: date
    event_type: str
    platform_subtype: str | None
    user_email: str | None
    api_key_id: str | None
    actor_name: str | None
    vendor_user_id: str | None
    row: int


def _told(batch: pa.RecordBatch) -> Iterator[_Told]:
    columns = [batch.column(name).to_pylist() for name in _Told._fields if name != "row"]
    return starmap(_Told, zip(*columns, range(batch.num_rows), strict=True))


def _batches(
    normalised: Normalised, window: Window, run_id: str | None
) -> Iterator[pa.RecordBatch]:
    vendor, endpoint = normalised.vendor.name, normalised.endpoint.name
    schema = table_schema("raw_ai_events").arrow_schema
    place = schema.get_field_index("pipeline_run_id")
    run = pa.scalar(run_id, schema.field(place).type)
    for fetch, days in normalised.archive.coverage(vendor, endpoint, window):
        tell(Step("raw_ai_events", "reading", f"{vendor} {endpoint}, {ranges(days)}"))
        for batch in normalised.events(fetch, days):
            yield batch.set_column(place, schema.field(place), pa.repeat(run, batch.num_rows))
