"""`loaded_days`: which days of which endpoint `raw_ai_events` holds an answer of, empty or not."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.finance.events import COST_KINDS
from ai_usage.focus.events import FOCUS, platforms_of
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import newest_bills
from ai_usage.instance.partitions import ONE_RUN, days_of
from ai_usage.migration.archived import legacy_days
from ai_usage.orchestration.assets.common import DATA_PLATFORM, explained, table_metadata
from ai_usage.orchestration.assets.finance import SERVICES_FILE
from ai_usage.orchestration.assets.focus import bill_keys
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.open_days import windows_as_known
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.warehouse.base import Warehouse, Write
from ai_usage.warehouse.schema import table_schema

EVERY_PLATFORM = "*"
"""The platform of finance's files: they say of every platform what it costs, or that it does not
cost anything."""


def loaded_days_asset(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The asset of `loaded_days`, after the events that it speaks of."""
    reported = [(vendor, endpoint) for vendor in vendors for endpoint in vendor.event_endpoints]

    @dg.asset(
        name="loaded_days",
        description=table_schema("loaded_days").description
        + " The first run fills it for all days that the archive and raw_ai_events hold.",
        deps=[
            *(source_key(vendor, endpoint) for vendor, endpoint in reported),
            *bill_keys(),
            "raw_ai_events",
        ],
        group_name="raw",
        kinds={"python", "table"},
        owners=[DATA_PLATFORM],
        metadata=table_metadata("loaded_days"),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def loaded_days(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> list[Write]:
        held = archive.archive()

        def rows(window: Window, known: Archive) -> pa.Table:
            found = [
                *_answered(reported, known, window),
                *_migrated(reported, known, window),
                *_maintained(clock, window),
                *_billed(known, window),
            ]
            # A saved answer may hold days that are still to come: nothing else reads them yet.
            return table_schema("loaded_days").to_arrow(
                row | {"pipeline_run_id": context.run_id}
                for row in found
                if row["day"] <= clock.today
            )

        with explained():
            opened, asked = warehouse.warehouse(), days_of(context)
            windows = windows_as_known(context, held, asked)
            if not _is_filled(opened) and _holds_others(opened, asked):
                windows = [(_all_days(reported, held, opened, asked), held)]
            return [Write(rows(window, known), window) for window, known in windows]

    return loaded_days


def _answered(
    reported: Sequence[tuple[Vendor, Endpoint]], archive: Archive, window: Window
) -> Iterator[dict[str, Any]]:
    """The days with a complete answer, of the fetch that `raw_ai_events` reads too."""
    for vendor, endpoint in reported:
        for fetch, days in archive.coverage(vendor.name, endpoint.name, window):
            for day in days:
                yield {
                    "day": day,
                    "platform": vendor.name,
                    "source_endpoint": endpoint.name,
                    "cost_kind": "usage" if endpoint.has_cost else None,
                    "is_provisional": not fetch.settled(day, endpoint.finalization_lag),
                    "ingest_timestamp": fetch.fetched_at,
                }


def _migrated(
    reported: Sequence[tuple[Vendor, Endpoint]], archive: Archive, window: Window
) -> Iterator[dict[str, Any]]:
    """The days on which an old table stands for endpoints, under their names.

    So a month is whole in which the one goes on where the other ends.
    """
    endpoints = {f"{v.name}/{e.name}": (v, e) for v, e in reported}
    found: dict[tuple[date, str], dict[str, Any]] = {}
    for own in legacy_days(archive, window):
        for name in own.head.replaces:
            if name not in endpoints:
                continue
            vendor, endpoint = endpoints[name]
            bills = endpoint.has_cost and own.head.has_cost
            for day in own.days:
                before = found.get((day, name), {})
                found[day, name] = {
                    "day": day,
                    "platform": vendor.name,
                    "source_endpoint": endpoint.name,
                    # Of two tables that stand for one endpoint, one has its cost.
                    "cost_kind": "usage" if bills else before.get("cost_kind"),
                    "is_provisional": False,
                    "ingest_timestamp": own.fetch.fetched_at,
                }
    yield from found.values()


def _billed(archive: Archive, window: Window) -> Iterator[dict[str, Any]]:
    """The days that bills of other vendors speak of, by the platforms that they bring cost of."""
    services = Services(newest_rows(archive, reference_file(SERVICES_FILE)) or [])
    newest: dict[tuple[date, str], datetime] = {}
    for bill in newest_bills(archive):
        days = set(bill.key.period.days()) & set(window.days())
        for platform in platforms_of(bill, services) if days else ():
            for day in days:
                before = newest.get((day, platform), bill.fetch.fetched_at)
                newest[day, platform] = max(before, bill.fetch.fetched_at)
    for (day, platform), at in sorted(newest.items()):
        yield {
            "day": day,
            "platform": platform,
            "source_endpoint": FOCUS,
            "cost_kind": "usage",
            "is_provisional": False,
            "ingest_timestamp": at,
        }


def _maintained(clock: Clock, window: Window) -> Iterator[dict[str, Any]]:
    """Finance's files hold for every day that is built."""
    for day in window.days():
        for endpoint, kind in COST_KINDS.items():
            yield {
                "day": day,
                "platform": EVERY_PLATFORM,
                "source_endpoint": endpoint,
                "cost_kind": kind,
                # Who sat on a seat today is only known when the day is over.
                "is_provisional": day == clock.today,
                "ingest_timestamp": clock.now,
            }


def _is_filled(warehouse: Warehouse) -> bool:
    if not warehouse.exists("loaded_days"):
        return False
    found = warehouse.rows("SELECT COUNT(*) AS n FROM loaded_days WHERE day >= DATE '1900-01-01'")
    return int(next(found)["n"]) > 0


def _all_days(
    reported: Sequence[tuple[Vendor, Endpoint]],
    archive: Archive,
    warehouse: Warehouse,
    window: Window,
) -> Window:
    """The window, from the first to the last day that was ever fetched or has an event."""
    complete = [
        fetch.window
        for vendor, endpoint in reported
        for fetch in archive.fetches(vendor.name, endpoint.name)
        if fetch.complete
    ]
    held = [window, *complete, *_held(warehouse)]
    return Window(min(w.start for w in held), max(w.end for w in held))


def _holds_others(warehouse: Warehouse, window: Window) -> bool:
    """Whether an older version loaded other days; of an empty warehouse only the run's are known.

    What the archive holds besides is not loaded: `ai-usage rebuild` brings it.
    """
    return any(w.start < window.start or w.end > window.end for w in _held(warehouse))


def _held(warehouse: Warehouse) -> Iterator[Window]:
    found = next(
        warehouse.rows(
            "SELECT MIN(event_date) AS first_day, MAX(event_date) AS last_day "
            "FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
        )
    )
    first: date | None = found["first_day"]
    if first is not None:
        yield Window(first, found["last_day"] + timedelta(days=1))
