"""One asset a vendor endpoint: fetch a range of days into the archive. Nothing is parsed here."""

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from ai_usage.days.clock import Clock
from ai_usage.days.windows import Window
from ai_usage.instance.dagster_private import DATA_VERSION_TAG
from ai_usage.instance.partitions import ONE_RUN, days_of
from ai_usage.orchestration.assets.common import DATA_PLATFORM, explained, note_of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.run_log import note_fetch, skipped, spoken, told_progress
from ai_usage.orchestration.stages import ASKED_FIRST
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import DaySaid, FetchReport, fetch_window

LOOKBACK_TAG = "ai_usage/lookback"
"""Says which look-back a source has: usage or cost."""


class SourceConfig(dg.Config):
    """How a source is fetched."""

    refetch_since: str = ""
    """Ask again for days from this one (YYYY-MM-DD) on, though the archive holds them."""
    reach_back: bool = False
    """Ask for those days also where they lie before the run's own: in a closed month, which stands
    still, it must be seen when a vendor restates it."""

    def windows(self, window: Window) -> Iterator[tuple[Window, bool]]:
        """The window in two: what is asked only if it is not held, and what is asked again."""
        since = date.fromisoformat(self.refetch_since) if self.refetch_since else window.end
        if self.reach_back and since < window.start:
            window = Window(since, window.end)
        cut = min(max(since, window.start), window.end)
        if window.start < cut:
            yield Window(window.start, cut), False
        if cut < window.end:
            yield Window(cut, window.end), True


def source_key(vendor: Vendor, endpoint: Endpoint) -> dg.AssetKey:
    """The asset key of a vendor endpoint."""
    return dg.AssetKey(f"source_{vendor.name}_{endpoint.name}")


def source_assets(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The sources of every vendor."""
    return [
        _source(vendor, endpoint, partitions)
        for vendor in vendors
        for endpoint in vendor.every_endpoint
    ]


def _source(
    vendor: Vendor, endpoint: Endpoint, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    asked = vendor.client_of(endpoint)
    origin = f"`{endpoint.api_path}` of {vendor.title}, every answer"
    if endpoint.files is not None:
        origin = f"{endpoint.files.written_by} into {endpoint.files.setting}, every line"
        origin = origin[:1].upper() + origin[1:]

    @dg.asset(
        key=source_key(vendor, endpoint),
        description=f"{endpoint.description}\n\n{origin} kept in the archive as it came.",
        group_name=f"sources_{vendor.name}",
        kinds={"python", "json"},
        owners=[DATA_PLATFORM],
        tags={"vendor": vendor.name, LOOKBACK_TAG: endpoint.lookback},
        op_tags=ASKED_FIRST,
        required_resource_keys={"archive", "clock", asked},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def source(
        context: dg.AssetExecutionContext, config: SourceConfig
    ) -> dg.MaterializeResult[None]:
        given = Resources(context.resources)
        note = given.client(asked).why_not()
        if note is not None:
            return skipped(context, note)
        clock, archive = given.clock, given.archive
        days = _asked(endpoint, days_of(context), clock)
        with explained(), spoken(context), given.client(asked).connect() as client:
            asked_again = list(config.windows(days))
            reports = [
                fetch_window(
                    vendor,
                    endpoint,
                    window,
                    client=client,
                    archive=archive,
                    now=clock.now,
                    refetch=again,
                    progress=told_progress(context),
                )
                for window, again in asked_again
            ]
        for report, (_, again) in zip(reports, asked_again, strict=True):
            note_fetch(context, report)
            if endpoint.kind == "range":
                _note_days(context, report, is_new=report.new_pages > 0 or not again)
        note_of_run(
            context,
            {
                "days_fetched": sum(len(report.fetched_days) for report in reports),
                "days_held": sum(len(report.held_days) for report in reports),
                "pages": sum(report.pages for report in reports),
                "new_pages": sum(report.new_pages for report in reports),
                "fetched_records": sum(report.records for report in reports),
            },
        )
        return dg.MaterializeResult(metadata={"status": "fetched"})

    return source


def _note_days(context: dg.AssetExecutionContext, report: FetchReport, *, is_new: bool) -> None:
    """Note on each of the run's days what was fetched of it: records, and dollars billed.

    A run that starts by itself writes the newest partition alone: of the others it says something
    where the answer `is_new`, so that what stands is no event an hour.
    """
    written = set(context.partition_keys)
    within = days_of(context)
    for day in report.fetched_days:
        key, said = day.isoformat(), report.by_day.get(day, DaySaid())
        metadata = {"records": said.records, "usd": float(said.usd)}
        if key in written:
            context.add_asset_metadata(metadata, partition_key=key)
        elif is_new and within.start <= day < within.end:
            version = {DATA_VERSION_TAG: context.run_id}
            context.log_event(
                dg.AssetMaterialization(
                    context.asset_key, partition=key, metadata=metadata, tags=version
                )
            )


def _asked(endpoint: Endpoint, window: Window, clock: Clock) -> Window:
    """The days to ask for. A directory can only be asked for today, and any run needs one.

    Without it a backfill of past days alone would know no key's owner.
    """
    return Window.day(clock.today) if endpoint.kind == "snapshot" else window
