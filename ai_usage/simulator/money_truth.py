"""What seats and other costs really cost, and what reconciling must say, added up by hand.

Everything here is worked out from `purchases` with whole numbers, in a way of its own: the
pipeline's finance is checked against it. Days are UTC days, dollars exact `Decimal`s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from ai_usage.simulator import purchases
from ai_usage.simulator.company import Company
from ai_usage.simulator.invoices import OVERCHARGED, invoices
from ai_usage.simulator.roster import EARLIER_JOINER, NEVER_ACTIVE


class SeatKey(NamedTuple):
    """A day's seats of one bearer; `email` None is nobody: the seats are shared."""

    day: date
    platform: Literal["cursor", "anthropic"]
    email: str | None


class OtherKey(NamedTuple):
    """A day's part of one cost; all of them are shared."""

    day: date
    platform: Literal["cursor", "anthropic"]
    kind: str


class InvoiceTruth(NamedTuple):
    """An invoice in US dollars, and its status once its period is loaded and final."""

    invoice_id: str
    platform: str
    billing_account_id: str | None
    period_from: date
    period_to: date
    invoiced_usd: Decimal
    """Usage and seat lines."""
    other_invoiced_usd: Decimal
    reported_usd: Decimal
    """What the reports and the contracts make of the period, to the cent."""
    reconciliation_status: Literal["reconciled", "disputed"]


def seat_dollars(company: Company, start: date, end: date) -> dict[SeatKey, Decimal]:
    """Dollars a day, platform and bearer, `start` to `end` both inclusive."""
    found: dict[SeatKey, Decimal] = defaultdict(Decimal)
    for day in _days(start, min(end, company.today)):
        for platform, email, micros in (*_cursor(company, day), *_claude(company, day)):
            found[SeatKey(day, platform, email)] += Decimal(micros).scaleb(-6)
    return dict(found)


def other_dollars(company: Company, start: date, end: date) -> dict[OtherKey, Decimal]:
    """Dollars a day, platform and kind of what other_costs.csv holds."""
    found: dict[OtherKey, Decimal] = defaultdict(Decimal)
    for cost in purchases.other_costs(company):
        days = (cost.last - cost.first).days + 1
        whole = int(cost.dollars * 1_000_000)
        for day in _days(max(start, cost.first), min(end, cost.last)):
            n = (day - cost.first).days + 1
            part = n * whole // days - (n - 1) * whole // days
            found[OtherKey(day, cost.platform, cost.kind)] += Decimal(part).scaleb(-6)
    return dict(found)


def invoice_truths(company: Company, periods: int, *, of_all: bool = False) -> list[InvoiceTruth]:
    """Every invoice that `write_reference_files` writes with so many periods."""
    return [
        InvoiceTruth(
            invoice.invoice_id,
            invoice.platform,
            invoice.account,
            invoice.first,
            invoice.last,
            invoice.dollars("usage", "seat"),
            invoice.dollars("tax", "credit", "commitment"),
            invoice.dollars("usage", "seat") - (OVERCHARGED if invoice.status == "disputed" else 0),
            invoice.status,
        )
        for invoice in invoices(company, periods, of_all=of_all)
    ]


_Part = tuple[Literal["cursor", "anthropic"], str | None, int]
"""(platform, bearer, millionths of a dollar)."""


def _cursor(company: Company, day: date) -> Iterator[_Part]:
    """Every seat costs the day's share of a billing month that begins on the 15th."""
    bought = [b for b in purchases.cursor_bought(company) if b.since <= day]
    if not bought:
        return
    first = day.replace(day=purchases.CURSOR_BILLING_DAY)
    if day < first:
        first = purchases.month_first(day, -1).replace(day=purchases.CURSOR_BILLING_DAY)
    after = purchases.month_first(first, 1).replace(day=purchases.CURSOR_BILLING_DAY)
    length, n = (after - first).days, (day - first).days + 1
    price = int(purchases.CURSOR_PRICE * 1_000_000)
    share = n * price // length - (n - 1) * price // length
    holders = [
        person.email
        for person in purchases.cursor_members(company)
        if person.employed(day) and person.start_date <= company.today
    ]
    for email in holders:
        yield "cursor", email, share
    if bought[-1].quantity > len(holders):
        yield "cursor", None, (bought[-1].quantity - len(holders)) * share


def _claude(company: Company, day: date) -> Iterator[_Part]:
    """Every seat costs a whole calendar month; the month of the handover is its first holder's."""
    bought = [b for b in purchases.claude_bought(company) if b.since <= day]
    if not bought:
        return
    first = purchases.month_first(day)
    length, n = (purchases.month_first(day, 1) - first).days, day.day
    rate = purchases.euro_rate(company, first)
    price = int(purchases.CLAUDE_PRICE_EUR * rate * 1_000_000)
    share = n * price // length - (n - 1) * price // length
    given = purchases.handover(company)
    taken_over = given < company.today and first > given
    bearers = [person.email for person in purchases.claude_holders(company)]
    bearers.append(company.people[EARLIER_JOINER if taken_over else NEVER_ACTIVE].email)
    for email in bearers:
        yield "anthropic", email, share
    if bought[-1].quantity > len(bearers):
        yield "anthropic", None, (bought[-1].quantity - len(bearers)) * share


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]
