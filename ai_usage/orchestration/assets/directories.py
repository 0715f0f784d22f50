"""One asset a directory of the company: ask it once a run, keep its answer as today's snapshot."""

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES, DirectorySource
from ai_usage.instance.partitions import ONE_RUN, window_of
from ai_usage.orchestration.assets.common import DATA_PLATFORM, explained, note_of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.run_log import note_fetch, skipped, spoken
from ai_usage.orchestration.stages import ASKED_FIRST
from ai_usage.reference import RefusedFileError
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.rows import LeftOut

_MOST_LINES = 20


def directory_key(directory: DirectorySource) -> dg.AssetKey:
    """The asset key of a directory."""
    return dg.AssetKey(f"source_{directory.name}")


def directory_assets(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Every directory of the company, configured or not."""
    return [_directory(settings, directory, partitions) for directory in DIRECTORIES]


def _directory(
    settings: Settings, directory: DirectorySource, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    vendor, endpoint = directory.endpoint(settings)

    @dg.asset(
        key=directory_key(directory),
        description=f"{endpoint.description}\n\n`{endpoint.api_path}`, with "
        f"{' and '.join(f'`{name}`' for name in directory.needs)}. The answer is the snapshot of "
        "the day it is fetched on and of no other; one that is refused leaves the last good state.",
        group_name="directories",
        kinds={"python", "json"},
        owners=[DATA_PLATFORM],
        tags={"vendor": vendor.name},
        op_tags=ASKED_FIRST,
        required_resource_keys={"archive", "clock", directory.name},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def source(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        given = Resources(context.resources)
        clock, archive = given.clock, given.archive
        with explained():
            asked = given.client(directory.name)
            note = asked.why_not()
            if note is not None:
                return skipped(context, note)
            try:
                with spoken(context), asked.connect() as client:
                    report = fetch_window(
                        vendor,
                        endpoint,
                        window_of(context),
                        client=client,
                        archive=archive,
                        now=clock.now,
                    )
            except RefusedFileError as refused:
                for line in refused.lines():
                    context.log.warning(line)
                raise
            note_fetch(context, report)
            if not report.fetches:
                return dg.MaterializeResult(metadata={"status": "only today can be asked"})
            counts, left_out = _read(vendor, endpoint, directory, archive, clock.today)
            for line in told(left_out):
                context.log.warning(line)
            note_of_run(
                context,
                {
                    "pages": report.pages,
                    "changed": report.new_pages > 0,
                    "left_out": len(left_out),
                    **counts,
                },
            )
        return dg.MaterializeResult(metadata={"status": "fetched"})

    return source


def _read(
    vendor: Vendor,
    endpoint: Endpoint,
    directory: DirectorySource,
    archive: Archive,
    today: date,
) -> tuple[dict[str, int], list[LeftOut]]:
    """Rows of today's snapshot by the snapshot source that they belong to, and what is left out."""
    counts: dict[str, int] = {}
    left_out: dict[LeftOut, None] = {}
    for reading in read_rows(vendor, endpoint, Window.day(today), archive):
        for snapshot in directory.snapshots(reading.days[0], reading.rows):
            odd = [row for row in snapshot.rows if isinstance(row, LeftOut)]
            counts[f"rows_{snapshot.source}"] = len(snapshot.rows) - len(odd)
            left_out.update(dict.fromkeys(left for left in odd if left.why != "follows"))
    return counts, list(left_out)


def told(left_out: Sequence[LeftOut]) -> Iterator[str]:
    """What is left out, a line each, as everybody who sees a run may read it.

    Accounts that are nobody's are counted.
    """
    odd = [left for left in left_out if left.why == "odd"]
    for left in odd[:_MOST_LINES]:
        yield mask_text(f"left out: {left.who}: {left.what}; {left.remedy}")
    if odd:
        more = len(odd) - _MOST_LINES
        yield (f"left out: {more} more. " if more > 0 else "") + "`ai-usage doctor` has the names."
    nobodys = sum(1 for left in left_out if left.why == "nobody")
    if nobodys:
        yield f"accounts without an e-mail address, left out: {nobodys}"
