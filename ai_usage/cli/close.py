"""`ai-usage close`: a month's totals recorded, once nothing of it is missing, open or wrong."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.cli.open_points import OpenPoint, open_points, summary
from ai_usage.days.cycles import cycle_of
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance import read_contracts
from ai_usage.instance.names import DASHBOARD_COPY
from ai_usage.ledger.adopted import pending_changes
from ai_usage.ledger.bills import pending_bills
from ai_usage.ledger.closing import (
    ClosedTotal,
    Signature,
    history,
    month_window,
    record_close,
    record_reopening,
)
from ai_usage.ledger.deferred import open_whole_months
from ai_usage.ledger.totals import totals_of
from ai_usage.orchestration.adopting import outdated
from ai_usage.orchestration.checks.metrics import loaded_fetches
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.resources import Resources, resources_of
from ai_usage.orchestration.runs import Refetch, run_assets, run_blocking_checks
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings, acting_user
from ai_usage.text.printable import one_line
from ai_usage.text.words import counted, few, ranges
from ai_usage.vendors.base import Endpoint, Vendor, discovered_vendors
from ai_usage.vendors.line_files import files_of
from ai_usage.warehouse.base import Query, Warehouse

FOLLOWS = f'key:"closed_months" or key:"vw_adjustments" or key:"{DASHBOARD_COPY}"'
"""What is materialised after a close, so that warehouse and dashboard know of it at once."""

_PROVISIONAL = """
SELECT platform, source_endpoint, event_date AS day
FROM raw_ai_events
WHERE event_date >= @start AND event_date < @end AND is_provisional
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class _Closable:
    """A month that nothing forbids to close: its totals, and what is open in it all the same."""

    month: date
    totals: Sequence[ClosedTotal]
    open: Sequence[OpenPoint]


def close_month(
    console: Console,
    settings: Settings,
    month: date,
    *,
    with_earlier: bool = False,
    accept: str | None = None,
) -> None:
    """Record the month's totals; from then on it is locked until somebody asks for it.

    `with_earlier` closes the loaded months before it that are still open, the earliest first; none
    is closed unless all can be. `accept` is why a month is closed though something is open in it;
    on a terminal a person is asked. Raises `AiUsageError` where the month may still change by
    itself, is not all there, breaks a blocking check or has something open that nobody accepts:
    one line, what to do included.
    """
    by, reason = acting_user(settings), None if accept is None else one_line(accept)
    if reason == "":
        raise AiUsageError('--accept is empty: say why the month is closed, --accept "why".')
    archive = Archive.of(settings)
    warehouse = warehouse_resource(settings).warehouse()
    defs = build_defs(settings)
    _refuse_early(settings, archive, month)
    earlier = open_whole_months(settings, archive, warehouse, month)
    if earlier and not with_earlier:
        raise AiUsageError(
            f"{month:%Y-%m} cannot be closed: {_named(earlier)} before it, loaded and still open; "
            f"`ai-usage close {earlier[0]:%Y-%m}` first, or `ai-usage close {month:%Y-%m} "
            "--with-earlier` for all in order."
        )
    ready = [_closable(defs, settings, archive, warehouse, own) for own in [*earlier, month]]
    signed = [(one, _signature(console, one, by, reason)) for one in ready]
    for one, signature in signed:
        record_close(archive, one.month, one.totals, settings.now, signature)
    _follow(defs, settings, archive)
    for one, signature in signed:
        _say_closed(console, one, signature)


def _refuse_early(settings: Settings, archive: Archive, month: date) -> None:
    """Raise `AiUsageError` for a month that is closed, still runs, or is not loaded whole."""
    name, window = f"{month:%Y-%m}", month_window(month)
    standing = history(archive).standing.get(month)
    if standing is not None:
        raise AiUsageError(
            f"{name} was closed on {standing.fetched_at:%Y-%m-%d %H:%M} UTC. To accept what has "
            f"changed since: `ai-usage close {name} --reopen`, then close it again."
        )
    if window.end > settings.today:
        last = window.end - timedelta(days=1)
        raise AiUsageError(f"{name} cannot be closed: it runs until {last}.")
    if window.start < settings.first_day:
        raise AiUsageError(
            f"{name} cannot be closed: its days before the first partition {settings.first_day} "
            f"are not loaded; set AI_USAGE_START_DATE={window.start} and `ai-usage backfill --from "
            f"{window.start}`."
        )


def _named(months: Sequence[date]) -> str:
    names = few([f"{month:%Y-%m}" for month in months])
    return f"{names} {'lies' if len(months) == 1 else 'lie'}"


def _closable(
    defs: dg.Definitions, settings: Settings, archive: Archive, warehouse: Warehouse, month: date
) -> _Closable:
    """The month, to be closed. Raises `AiUsageError` for the first reason why it cannot be."""
    name, window = f"{month:%Y-%m}", month_window(month)
    for reason in _open(settings, archive, warehouse, window):
        raise AiUsageError(f"{name} cannot be closed: {reason}")
    _refuse_failing(defs, settings, name, window)
    totals = totals_of(warehouse, month, settings.now)
    if not totals:
        raise AiUsageError(f"{name} cannot be closed: nobody used or cost anything in it.")
    asked = _asked(settings, archive, window)
    return _Closable(month, totals, open_points(settings, archive, warehouse, asked, window))


def _signature(console: Console, one: _Closable, by: str, reason: str | None) -> Signature:
    """Who closes the month, and why what is open is accepted.

    Shows what is open. Raises `AiUsageError` where nobody accepts it.
    """
    if not one.open:
        return Signature(by=by)
    name = f"{one.month:%Y-%m}"
    say(console, f"open in {name}:")
    for point in one.open:
        say(console, f"  {point.line}.")
    if reason is None and console.is_terminal and sys.stdin.isatty():
        answer = console.input("Why is it closed all the same? (nothing: it is not) ")
        reason = one_line(answer) or None
    if reason is None:
        raise AiUsageError(
            f"{name} cannot be closed: it has {summary(one.open)}. Clear what can be cleared, or "
            f'close it all the same with --accept "why": your name and reason are recorded.'
        )
    return Signature(by=by, reason=reason, accepted=tuple(point.line for point in one.open))


def _say_closed(console: Console, one: _Closable, signature: Signature) -> None:
    for platform, total in sorted(_by_platform(one.totals).items()):
        say(console, f"{platform:<12} ${total:,.2f}")
    whole = sum((total.total_cost_usd for total in one.totals), Decimal())
    accepted = f" ({summary(one.open)} accepted)" if one.open else ""
    say(
        console,
        f"{one.month:%Y-%m} is closed by {signature.by} at ${whole:,.2f} in "
        f"{counted(len(one.totals), 'row')} of closed_months{accepted}. It is locked now; what "
        "changes shows in vw_adjustments.",
    )


def reopen_month(console: Console, settings: Settings, month: date) -> None:
    """Let the month change again. Raises `AiUsageError` if it is not closed."""
    archive = Archive.of(settings)
    name, known = f"{month:%Y-%m}", history(archive)
    if month not in known.standing:
        raise AiUsageError(f"{name} is not closed: there is nothing to open.")
    later = [f"{m:%Y-%m}" for m in known.standing if m > month]
    record_reopening(archive, month, settings.now, Signature(by=acting_user(settings)))
    _follow(build_defs(settings), settings, archive)
    say(console, f"{name} is open again; what it was closed at is kept in the archive.")
    if later:
        say(
            console,
            f"Later months stay closed: {few(later)}. The next run builds what was held back from "
            f"{name}; no later month closes before `ai-usage close {name}`.",
        )


def _open(
    settings: Settings, archive: Archive, warehouse: Warehouse, window: Window
) -> Iterator[str]:
    """Why the month cannot be closed yet; nothing where it can but for its checks."""
    last = window.end - timedelta(days=1)
    for contract in read_contracts(newest_rows(archive, reference_file("seats.csv")) or []):
        cycle = cycle_of(last, contract.billing_day)
        bought = any(t.span.first <= last and t.span.last >= cycle.first for t in contract.terms)
        if contract.pricing == "full_month" and bought and cycle.last >= settings.today:
            yield (
                f"the seat month of contract {contract.contract_id} is paid as a whole and runs "
                f"until {cycle.last}."
            )
    for change in pending_changes(archive, settings.reference_path, settings):
        if change.day < window.end:
            yield f"{change.file.name} has changed since it was built; `ai-usage run` takes it in."
    for bill in pending_bills(archive, settings.first_day):
        if bill.bill.key.period.start < window.end and window.start < bill.bill.key.period.end:
            yield f"{bill}; `ai-usage run` takes it in."
    older = outdated(Resources.named(resources_of(settings)), settings.first_day)
    own = [part for part in older.open if _meet(part, window)] if older else []
    if own:
        yield (
            f"its days from {max(own[0].start, window.start)} on were built by the rules of an "
            "older version; `ai-usage run` rebuilds them."
        )
    if not all(warehouse.exists(table) for table in ("raw_ai_events", "fact_ai_costs")):
        yield f"the warehouse is empty; `ai-usage backfill --from {window.start}`."
        return
    yield from _unfinished(settings, archive, warehouse, window)


def _meet(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


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
        early = [
            day
            for day, fetch in served.items()
            if not fetch.settled(day, endpoint.finalization_lag)
        ]
        if early:
            settled = Window.day(max(early)).end_at + endpoint.finalization_lag
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
        reporting = [e for e in vendor.event_endpoints if e.files is None]
        configured = settings.vendor_secret(vendor.key_setting) is not None
        if configured or any(archive.coverage(vendor.name, e.name, window) for e in reporting):
            yield from ((vendor, endpoint) for endpoint in reporting)
        for endpoint in vendor.from_files:
            configured = settings.vendor_value(files_of(endpoint).setting) is not None
            if configured or archive.coverage(vendor.name, endpoint.name, window):
                yield vendor, endpoint


def _refuse_failing(defs: dg.Definitions, settings: Settings, name: str, window: Window) -> None:
    for check in run_blocking_checks(defs, settings, window):
        if not check.passed:
            days = f" on {ranges(check.days)}" if check.days else ""
            raise AiUsageError(
                f"{name} cannot be closed: the check {check.asset}.{check.name} fails{days} "
                f"({check.promise.rstrip('.')}); fix it and run "
                f"`ai-usage backfill --from {window.start} --to {window.end - timedelta(days=1)}`."
            )


def _follow(defs: dg.Definitions, settings: Settings, archive: Archive) -> None:
    """Bring what was recorded into the warehouse; the next run would."""
    result = run_assets(
        defs,
        settings,
        FOLLOWS,
        Window.day(settings.today),
        refetch=Refetch.nothing(),
        command="close",
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
