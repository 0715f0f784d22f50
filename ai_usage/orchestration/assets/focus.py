"""`source_focus`: bills of other vendors, from a watched folder into the archive."""

from collections.abc import Sequence

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window, windows_of
from ai_usage.errors import AiUsageError
from ai_usage.finance import Rates
from ai_usage.focus.bills import PeriodRunsError
from ai_usage.focus.folder import SETTING, Folder, Found, at_rest, exports, note_seen, seen
from ai_usage.focus.mapping import Services
from ai_usage.focus.same_dollars import Source, contracts, cost_entries, old_table
from ai_usage.focus.shelf import keep
from ai_usage.focus.taking import Known, plan, told
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.ledger.closing import history
from ai_usage.migration.archived import legacy_days
from ai_usage.orchestration.assets.common import FINANCE, explained, note_of_run
from ai_usage.orchestration.assets.reference import reference_key
from ai_usage.orchestration.resources import ArchiveResource, ClockResource
from ai_usage.orchestration.run_log import say, skipped
from ai_usage.reference import Reading, Row, read_path, reference_file
from ai_usage.reference.known import SEATS
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor

KEY = dg.AssetKey("source_focus")
OTHER_COSTS = "other_costs.csv"


def bill_keys() -> list[dg.AssetKey]:
    """What the events of bills are made of, besides exchange rates."""
    return [KEY, reference_key(reference_file("focus_mapping.csv"))]


def known_of(settings: Settings, archive: Archive, vendors: Sequence[Vendor]) -> Known:
    """What bills are judged by, as the maintained files lie there now.

    A vendor's cost comes from itself where it has a key, or has ever answered what it bills.
    Raises `RefusedFileError`.
    """

    def rows(name: str) -> list[Row]:
        return list(read(name).rows)

    def read(name: str) -> Reading:
        return read_path(reference_file(name), settings.reference_path)

    direct = [
        vendor
        for vendor in vendors
        for costs in [[endpoint for endpoint in vendor.endpoints if endpoint.has_cost]]
        if costs
        and (
            settings.vendor_secret(vendor.key_setting) is not None
            or any(f.complete for e in costs for f in archive.fetches(vendor.name, e.name))
        )
    ]
    seats, costs = read(SEATS), read(OTHER_COSTS)
    files = [
        *contracts(seats.rows, [line.number for line in seats.lines]),
        *cost_entries(costs.rows, [line.number for line in costs.lines]),
    ]
    return Known(
        Services(rows("focus_mapping.csv")),
        Rates(rows("fx_rates.csv")),
        direct,
        lambda period: [*files, *of_old_tables(archive, period)],
    )


def of_old_tables(archive: Archive, window: Window) -> list[Source]:
    """The old tables that stand for cost of the window's days."""
    return [
        source
        for own in legacy_days(archive, window)
        if own.head.has_cost
        for source in old_table(own.table, own.head.platform, windows_of(own.days))
    ]


def focus_asset(
    settings: Settings, vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The source of other vendors' bills."""

    @dg.asset(
        key=KEY,
        description="Bills of any other vendor in the FOCUS format, 1.0 to 1.4, as CSV or Parquet, "
        f"in the folder or bucket prefix `{SETTING}`. A bill takes the place of the one before of "
        "its account and billing period; `focus_mapping.csv` says what of it is cost of AI tools. "
        "A file that is refused holds back no other.",
        group_name="sources_focus",
        kinds={"python", "csv", "parquet"},
        owners=[FINANCE],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def source(
        context: dg.AssetExecutionContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
    ) -> dg.MaterializeResult[None]:
        if settings.focus_path is None:
            return skipped(context, f"no folder is watched for FOCUS files; set {SETTING}.")
        held = archive.archive()
        with explained():
            folder = Folder(settings.focus_path, key_file=settings.bigquery_credentials)
            known = known_of(settings, held, vendors)
            files, before = folder.files(), seen(held)
        after = {f.name: f.state for f in files if before.get(f.name) == f.state}
        refused: list[str] = []
        waiting = bills = 0
        for export in exports(files):
            if all(file.name in after for file in export):
                continue
            names = ", ".join(file.name for file in export)
            if not at_rest(export, clock.real_now):
                say(context, f"{names}: has just changed, and waits until it is whole.")
                waiting += 1
                continue
            try:
                bills += _take(context, folder, export, held, clock, known)
                after |= {file.name: file.state for file in export}
            except PeriodRunsError as error:
                say(context, f"waits: {error}")
                waiting += 1
            except AiUsageError as error:
                context.log.warning(f"{error}")
                refused.append(f"{error}")
        with explained():
            note_seen(held, after, clock.now)
        note_of_run(
            context,
            {"files": len(files), "bills": bills, "waiting": waiting, "refused": len(refused)},
        )
        if refused:
            more = f" (and {len(refused) - 1} more refused)" if len(refused) > 1 else ""
            raise dg.Failure(f"{refused[0]}{more}", allow_retries=False)
        return dg.MaterializeResult(metadata={"status": "read"})

    return source


def _take(
    context: dg.AssetExecutionContext,
    folder: Folder,
    export: Sequence[Found],
    archive: Archive,
    clock: ClockResource,
    known: Known,
) -> int:
    """Take what an export brings; the number of new bills. Raises `AiUsageError`."""
    with folder.opened(export) as files:
        takings = plan(files, archive, clock.today, known)
        closed = history(archive)
        for taking in takings:
            if closed.locked(taking.bill.key.period) and not taking.is_held:
                raise AiUsageError(
                    f"{taking.bill.names}: {taking.head.name} reaches into closed books: `ai-usage "
                    "import --closed` takes it in as an adjustment."
                )
            for line in told(taking):
                say(context, line)
            for service in taking.sorted.unmapped:
                context.log.warning(f"in no line of focus_mapping.csv: {service}")
        new = [taking.bill for taking in takings if not taking.is_held]
        keep(archive, new, clock.now)
    return len(new)
