"""What is open in a month that could be closed: it may stand, if somebody says why.

Nothing here forbids a close; what does is in `close`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.ledger.disputes import Cycle, days_of_cycles, parting
from ai_usage.orchestration.checks.bills import missing_bills
from ai_usage.orchestration.checks.charges import unknown_charges
from ai_usage.settings import Settings
from ai_usage.text.words import counted, few, ranges
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.files import load


class Kind(Enum):
    """What can be open; the value is what it is called, where it is several, too."""

    DISPUTED = ("disputed invoice",)
    UNATTRIBUTED = ("unattributed amount",)
    LATE = ("late endpoint",)
    NO_BILL = ("missing bill",)
    UNKNOWN_CHARGE = ("endpoint with unknown charges", "endpoints with unknown charges")


@dataclass(frozen=True)
class OpenPoint:
    """One thing that is open: what kind of thing, and a line that says what and what to do."""

    kind: Kind
    line: str
    usd: Decimal | None = None
    """Dollars that it is about, without sign; None where it is about none."""
    short: str | None = None
    """What it is about in few words, where that is no dollars."""


def open_points(
    settings: Settings,
    archive: Archive,
    warehouse: Warehouse,
    asked: Iterable[tuple[Vendor, Endpoint]],
    window: Window,
) -> list[OpenPoint]:
    """Everything that is open in the month; `asked` are the endpoints that must be complete."""
    return [
        *_disputed(warehouse, window),
        *_unattributed(warehouse, window),
        *_late(settings, archive, asked, window),
        *_without_bill(archive, window),
        *_unknown_charges(warehouse, window),
    ]


def summary(points: Sequence[OpenPoint]) -> str:
    """`2 disputed invoices (30.00 US dollars), 1 late endpoint (acme.bills)`."""
    parts = []
    for kind in Kind:
        own = [point for point in points if point.kind is kind]
        amounts = [point.usd for point in own if point.usd is not None]
        about = few([point.short for point in own if point.short is not None])
        if amounts:
            about = f"{sum(amounts, Decimal()):,.2f} US dollars"
        if own:
            parts.append(f"{counted(len(own), *kind.value)} ({about})")
    return ", ".join(parts)


def _disputed(warehouse: Warehouse, window: Window) -> Iterator[OpenPoint]:
    if not all(map(warehouse.exists, ("invoice_reconciliation", "int_cycle_days"))):
        return
    rows = sorted(warehouse.rows(_query("open_disputes", window)), key=Cycle.of)
    periods = [Cycle.of(row).period for row in rows]
    if not periods:
        return
    span = Window(min(p.start for p in periods), max(p.end for p in periods))
    days = days_of_cycles(warehouse, span)
    for row in rows:
        cycle = Cycle.of(row)
        invoiced, reported = row["invoiced_usd"], row["reported_usd"]
        parted, reason = parting(cycle.period, invoiced, reported, days.get(cycle, []))
        where = f"they part on {ranges(parted)}: {reason}" if parted else reason
        account = f" {cycle.account}" if cycle.account else ""
        yield OpenPoint(
            Kind.DISPUTED,
            f"invoice {row['invoice_ids']} of {cycle.platform}{account} for {cycle.period} is "
            f"disputed: it bills {invoiced:,.2f}, the facts have {reported:,.2f}, "
            f"{invoiced - reported:+,.2f} US dollars; {where}",
            abs(invoiced - reported),
        )


def _unattributed(warehouse: Warehouse, window: Window) -> Iterator[OpenPoint]:
    rows = list(warehouse.rows(_query("open_unattributed", window)))
    for row in sorted(rows, key=lambda row: str(row["platform"])):
        yield OpenPoint(
            Kind.UNATTRIBUTED,
            f"{row['cost_usd']:,.2f} US dollars of {row['platform']} belong to nobody, the first "
            f"on {row['first_day']}; `ai-usage keys gaps` has whose they may be",
            abs(row["cost_usd"]),
        )


def _late(
    settings: Settings,
    archive: Archive,
    asked: Iterable[tuple[Vendor, Endpoint]],
    window: Window,
) -> Iterator[OpenPoint]:
    """Endpoints that the look-back would have asked again, and that have not answered since."""
    limit = settings.now - timedelta(hours=settings.freshness_hours)
    for vendor, endpoint in asked:
        again = timedelta(days=_lookback(settings, endpoint))
        late, newest = [], None
        for fetch, days in archive.coverage(vendor.name, endpoint.name, window):
            if fetch.fetched_at >= limit:
                continue
            own = [day for day in days if fetch.fetched_at.date() < day + again]
            if own:
                late += own
                newest = max(newest or fetch.fetched_at, fetch.fetched_at)
        if newest is not None:
            yield OpenPoint(
                Kind.LATE,
                f"{vendor.name}.{endpoint.name} is late: what the vendor may have changed since "
                f"{newest:%Y-%m-%d %H:%M} UTC on {ranges(late)} is not known; `ai-usage backfill "
                f"--from {min(late)} --to {max(late)} --refetch` asks",
                short=f"{vendor.name}.{endpoint.name}",
            )


def _without_bill(archive: Archive, window: Window) -> Iterator[OpenPoint]:
    """Accounts that billed a tool before and have sent no bill of the month, due or not."""
    for bill in missing_bills(archive, window):
        yield OpenPoint(Kind.NO_BILL, f"{bill}; import it", short=f"account {bill.account}")


def _unknown_charges(warehouse: Warehouse, window: Window) -> Iterator[OpenPoint]:
    for found in unknown_charges(warehouse, window):
        records = f"{counted(found.count, 'record')} of {found.source} on {ranges(found.days)}"
        yield OpenPoint(
            Kind.UNKNOWN_CHARGE, f"what {records} bill is not known, and in no cost", short=records
        )


def _lookback(settings: Settings, endpoint: Endpoint) -> int:
    of_cost = endpoint.lookback == "cost"
    return settings.lookback_cost_days if of_cost else settings.lookback_usage_days


def _query(name: str, window: Window) -> Query:
    return Query(load("checks", name), {"start": window.start, "end": window.end})
