"""`ai-usage close`: a month's totals recorded, once nothing of it is missing, open or wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
from rich.console import Console

from ai_usage.checks.charges import unknown_charges
from ai_usage.checks.metrics import loaded_fetches
from ai_usage.commands.words import counted, ranges
from ai_usage.definitions import build_defs
from ai_usage.errors import AiUsageError
from ai_usage.finance import read_contracts
from ai_usage.ledger.closing import (
    ClosedTotal,
    history,
    month_window,
    record_close,
    record_reopening,
)
from ai_usage.ledger.totals import totals_of
from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import Endpoint, Vendor, Window, discovered_vendors
from ai_usage.platforms.rows import RawEvent
from ai_usage.reference import reference_file
from ai_usage.reference.cycles import cycle_of
from ai_usage.reference_state import newest_rows, pending_changes
from ai_usage.running import Refetch, outdated, run_assets, run_blocking_checks
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.io_managers import warehouse_resource

FOLLOWS = 'key:"closed_months" or key:"vw_adjustments"'
"""What is materialised after a close, so that the warehouse knows of it at once."""

_PROVISIONAL = """
SELECT platform, source_endpoint, event_date AS day
FROM raw_ai_events
WHERE event_date >= @start AND event_date < @end AND is_provisional
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""


def close_month(console: Console, settings: Settings, month: date) -> None:
    """Record the month's totals; from then on it stands still until somebody asks for it.

    Raises `AiUsageError` where it may still change by itself, is not all there, or breaks a
    blocking check: one line, what to do included.
    """
    archive = Archive(settings.archive_root)
    warehouse = warehouse_resource(settings).warehouse()
    name, window = f"{month:%Y-%m}", month_window(month)
    standing = history(archive).standing.get(month)
    if standing is not None:
        raise AiUsageError(
            f"{name} was closed on {standing.fetched_at:%Y-%m-%d %H:%M} UTC. To accept what has "
            f"changed since: `ai-usage close {name} --reopen`, then close it again."
        )
    for reason in _open(settings, archive, warehouse, name, window):
        raise AiUsageError(f"{name} cannot be closed: {reason}")
    defs = build_defs(settings)
    _refuse_failing(defs, settings, name, window)
    totals = totals_of(warehouse, month, settings.now)
    if not totals:
        raise AiUsageError(f"{name} cannot be closed: nobody used or cost anything in it.")
    record_close(archive, month, totals, settings.now)
    _follow(defs, settings, archive)
    for platform, total in sorted(_by_platform(totals).items()):
        _say(console, f"{platform:<12} ${total:,.2f}")
    whole = sum((total.total_cost_usd for total in totals), Decimal())
    _say(
        console,
        f"{name} is closed at ${whole:,.2f} in {counted(len(totals), 'row')} of closed_months. It "
        "stands still now; what changes shows in vw_adjustments.",
    )


def reopen_month(console: Console, settings: Settings, month: date) -> None:
    """Let the month change again. Raises `AiUsageError` if it is not closed."""
    archive = Archive(settings.archive_root)
    name, known = f"{month:%Y-%m}", history(archive)
    if month not in known.standing:
        raise AiUsageError(f"{name} is not closed: there is nothing to open.")
    later = [m for m in known.standing if m > month]
    record_reopening(archive, month, settings.now)
    _follow(build_defs(settings), settings, archive)
    _say(console, f"{name} is open again; what it was closed at is kept in the archive.")
    if later:
        _say(
            console,
            f"{later[-1]:%Y-%m} is closed, and so the days before it still change only when asked.",
        )


def _open(
    settings: Settings, archive: Archive, warehouse: Warehouse, name: str, window: Window
) -> Iterator[str]:
    """Why the month cannot be closed yet; nothing where it can but for its checks."""
    last = window.end - timedelta(days=1)
    if window.end > settings.today:
        yield f"it runs until {last}."
    if window.start < settings.first_day:
        yield (
            f"its days before the first partition {settings.first_day} are not loaded; set "
            f"AI_USAGE_START_DATE={window.start} and `ai-usage backfill --from {window.start}`."
        )
    for contract in read_contracts(newest_rows(archive, reference_file("seats.csv")) or []):
        cycle = cycle_of(last, contract.billing_day)
        bought = any(t.span.first <= last and t.span.last >= cycle.first for t in contract.terms)
        if contract.pricing == "full_month" and bought and cycle.last >= settings.today:
            yield (
                f"the seat month of contract {contract.contract_id} is paid as a whole and runs "
                f"until {cycle.last}."
            )
    for change in pending_changes(archive, settings):
        if change.day < window.end:
            yield f"{change.file.name} has changed since it was built; `ai-usage run` takes it in."
    older = outdated(settings)
    if older is not None and older.day < window.end:
        yield (
            f"its days from {max(older.day, window.start)} on were built by the rules of an older "
            "version; `ai-usage run` rebuilds them."
        )
    if not all(warehouse.exists(table) for table in ("raw_ai_events", "fact_ai_costs")):
        yield f"the warehouse is empty; `ai-usage backfill --from {window.start}`."
        return
    yield from _unfinished(settings, archive, warehouse, window)
    yield from _not_known(warehouse, window)


def _not_known(warehouse: Warehouse, window: Window) -> Iterator[str]:
    """Charges that nobody knows."""
    for found in unknown_charges(warehouse, window):
        yield (
            f"what {counted(found.count, 'record')} of {found.source} on {ranges(found.days)} bill "
            "is not known, and in no cost."
        )


def _unfinished(
    settings: Settings, archive: Archive, warehouse: Warehouse, window: Window
) -> Iterator[str]:
    """Days that are missing, that vendors may still change, or whose answer is not built."""
    loaded = loaded_fetches(warehouse, window)
    for vendor, endpoint in _asked(settings, archive, window):
        source = f"{vendor.name}.{endpoint.name}"
        served = {
            day: fetch
            for fetch, days in archive.coverage(vendor.name, endpoint.name, window)
            for day in days
        }
        missing = [day for day in window.days() if day not in served]
        if missing:
            yield f"{source} has no complete answer for {ranges(missing)}; {_backfill(missing)}."
        early = [day for day, fetch in served.items() if not fetch.settled(day, endpoint.settle)]
        if early:
            settled = Window.day(max(early)).end_at + endpoint.settle
            yield (
                f"{source} of {ranges(early)} is provisional: it was asked before "
                f"{settled:%Y-%m-%d %H:%M} UTC, when the vendor's figures settle; after that, "
                f"{_backfill(early)}."
            )
        old = [
            day
            for day, fetch in served.items()
            if loaded.get((vendor.name, endpoint.name, day), fetch.fetched_at) < fetch.fetched_at
        ]
        if old:
            yield (
                f"the facts do not have the newest answer of {source} for {ranges(old)}; "
                f"{_backfill(old)}."
            )
    bound = {"start": window.start, "end": window.end}
    days: dict[str, list[date]] = defaultdict(list)
    for row in warehouse.rows(Query(_PROVISIONAL, bound)):
        days[f"{row['platform']}.{row['source_endpoint']}"].append(row["day"])
    for source, early in days.items():
        yield f"{source} of {ranges(early)} is provisional in the facts; {_backfill(early)}."


def _asked(
    settings: Settings, archive: Archive, window: Window
) -> Iterator[tuple[Vendor, Endpoint]]:
    """The endpoints that must be complete: of vendors that are configured, or were in the month."""
    for vendor in discovered_vendors():
        reporting = [endpoint for endpoint in vendor.endpoints if endpoint.yields is RawEvent]
        configured = settings.vendor_secret(vendor.key_setting) is not None
        if configured or any(archive.coverage(vendor.name, e.name, window) for e in reporting):
            yield from ((vendor, endpoint) for endpoint in reporting)


def _refuse_failing(defs: dg.Definitions, settings: Settings, name: str, window: Window) -> None:
    for check in run_blocking_checks(defs, settings, window):
        if not check.passed:
            days = f" on {ranges(check.days)}" if check.days else ""
            raise AiUsageError(
                f"{name} cannot be closed: the check {check.asset}.{check.name} fails{days} "
                f"({check.promise.rstrip('.')}); mend it and run "
                f"`ai-usage backfill --from {window.start} --to {window.end - timedelta(days=1)}`."
            )


def _follow(defs: dg.Definitions, settings: Settings, archive: Archive) -> None:
    """Bring what was recorded into the warehouse; the next run would."""
    result = run_assets(
        defs, settings, FOLLOWS, Window.day(settings.today), refetch=Refetch.nothing()
    )
    if result.errors:
        raise AiUsageError(
            f"it is recorded in {archive!r}, but not in the warehouse yet: {result.errors[0]} The "
            "next run brings it there."
        )


def _by_platform(totals: Sequence[ClosedTotal]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for total in totals:
        found[total.platform_code] += total.total_cost_usd
    return found


def _backfill(days: Sequence[date]) -> str:
    return f"`ai-usage backfill --from {min(days)} --to {max(days)}`"


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
