"""What the vendors billed: invoices of the closed periods, from what their reports say.

Cursor bills seats and usage together from the 15th to the 14th, Anthropic the API by calendar
month in dollars and the Team plan by calendar month in euros. Every invoice's usage and seat lines
equal the reported cost of its period to the cent, but for one that bills too much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from ai_usage.simulator import billed, purchases
from ai_usage.simulator.company import Company
from ai_usage.simulator.vendors import VENDORS, SimulatedVendor

LineKind = Literal["usage", "seat", "tax", "credit", "commitment"]
Status = Literal["reconciled", "disputed"]

ARRIVES_AFTER_DAYS: Final = 5
"""An invoice is written this long after its period: the reports have settled by then."""
OVERCHARGED: Final = Decimal("12.50")
"""Dollars that the disputed invoice bills beyond the report."""
_TAX: Final = Decimal("0.19")
_CREDIT: Final = Decimal("-25.00")
_DISPUTED_AT: Final = 2
"""The disputed invoice: the second last of Cursor's."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line, in the invoice's currency."""

    kind: LineKind
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice and what reconciling it must say."""

    invoice_id: str
    platform: str
    account: str | None
    first: date
    last: date
    currency: Literal["USD", "EUR"]
    rate: Decimal
    """US dollars for a unit of the currency."""
    lines: tuple[InvoiceLine, ...]
    status: Status

    def dollars(self, *kinds: LineKind) -> Decimal:
        """The lines of those kinds in US dollars, to the cent."""
        total = sum((line.amount for line in self.lines if line.kind in kinds), Decimal())
        return _cents(total * self.rate)


def invoices(company: Company, periods: int, *, of_all: bool = False) -> list[Invoice]:
    """The newest closed periods' invoices, at most so many of each kind, the oldest first.

    A period that begins before the history is not among them. `of_all`: not of the vendors with
    contracts alone, but of everyone that the company buys from.
    """
    found = [
        *_cursor(company, periods),
        *_api(company, periods),
        *_team(company, periods),
    ]
    known = {invoice.platform for invoice in found}
    for vendor in VENDORS if of_all else ():
        if vendor.name not in known:
            found += _of_use(company, periods, vendor)
    return found


def _of_use(company: Company, periods: int, vendor: SimulatedVendor) -> list[Invoice]:
    """By calendar month, of months with use that is billed."""
    found = []
    for first, last in _closed(company, 1, periods):
        used = _cents(_total(vendor.billed(company, day) for day in company.days(first, last)))
        if used:
            found.append(
                Invoice(
                    f"{vendor.name}-{first:%Y-%m}",
                    vendor.name,
                    None,
                    first,
                    last,
                    "USD",
                    Decimal(1),
                    (InvoiceLine("usage", used),),
                    "reconciled",
                )
            )
    return found


def _cursor(company: Company, periods: int) -> list[Invoice]:
    day = purchases.CURSOR_BILLING_DAY
    cycles = _closed(company, day, periods)
    found = []
    for at, (first, last) in enumerate(cycles):
        disputed = at == len(cycles) - _DISPUTED_AT
        used = _total(billed.by_cursor(company, day) for day in company.days(first, last))
        usage = _cents(used) + (OVERCHARGED if disputed else 0)
        bought = [b for b in purchases.cursor_bought(company) if b.since <= first][-1]
        seats = purchases.CURSOR_PRICE * bought.quantity
        lines = (
            InvoiceLine("seat", seats),
            InvoiceLine("usage", usage),
            InvoiceLine("tax", _cents((seats + usage) * _TAX)),
        )
        found.append(
            Invoice(
                f"CUR-{last:%Y-%m}",
                "cursor",
                None,
                first,
                last,
                "USD",
                Decimal(1),
                lines,
                "disputed" if disputed else "reconciled",
            )
        )
    return found


def _api(company: Company, periods: int) -> list[Invoice]:
    months = _closed(company, 1, periods)
    commitments = {
        cost.first: cost.dollars
        for cost in purchases.other_costs(company)
        if cost.kind == "commitment"
    }
    found = []
    for at, (first, last) in enumerate(months):
        used = _total(billed.by_anthropic(company, day) for day in company.days(first, last))
        lines = [InvoiceLine("usage", _cents(used))]
        if first in commitments:
            lines.append(InvoiceLine("commitment", commitments[first]))
        if at == len(months) - 1:
            lines.append(InvoiceLine("credit", _CREDIT))
        found.append(
            Invoice(
                f"ANT-{first:%Y-%m}",
                "anthropic",
                None,
                first,
                last,
                "USD",
                Decimal(1),
                tuple(lines),
                "reconciled",
            )
        )
    return found


def _team(company: Company, periods: int) -> list[Invoice]:
    found = []
    for first, last in _closed(company, 1, periods):
        bought = [b for b in purchases.claude_bought(company) if b.since <= first][-1]
        seats = purchases.CLAUDE_PRICE_EUR * bought.quantity
        found.append(
            Invoice(
                f"ANT-TEAM-{first:%Y-%m}",
                "anthropic",
                purchases.CLAUDE_ACCOUNT,
                first,
                last,
                "EUR",
                purchases.euro_rate(company, first),
                (InvoiceLine("seat", seats), InvoiceLine("tax", _cents(seats * _TAX))),
                "reconciled",
            )
        )
    return found


def _closed(company: Company, day: int, periods: int) -> list[tuple[date, date]]:
    """The newest closed periods that begin on that day of the month, the oldest first."""
    found: list[tuple[date, date]] = []
    month = purchases.month_first(company.today)
    while len(found) < periods:
        first = month.replace(day=day)
        last = purchases.month_first(month, 1).replace(day=day) - timedelta(days=1)
        if first < company.history_start:
            break
        if last + timedelta(days=ARRIVES_AFTER_DAYS) < company.today:
            found.append((first, last))
        month = purchases.month_first(month, -1)
    return found[::-1]


def _total(dollars: Iterable[Decimal]) -> Decimal:
    return sum(dollars, Decimal())


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
