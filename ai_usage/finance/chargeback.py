"""Who is charged what: a month's cost, or an invoice, in cents that sum to it.

Rounded once, by largest remainder over all lines. What no cost centre bears, and what no invoice
bills, are lines of their own, so that nothing is spread silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from ai_usage.finance.exact import ZERO, cents, cents_that_sum

Kind = Literal["usage", "seat", "other"]
"""Kind of cost: metered usage, seats; other is one-time cost, tax, credits and commitments."""

COST_CENTER = "cost centre"
UNBORNE = "unborne"
"""Cost that no cost centre bears; of an invoice also what it bills and the facts do not have."""
UNINVOICED = "uninvoiced"
"""Cost that no invoice covers; of an invoice, below 0, what the facts have and it does not bill."""

NO_COST_CENTER = "Unassigned"
NOT_IN_THE_FACTS = "not in the facts"
NOT_BILLED = "not billed"
"""What stands for the cost centre where invoice and facts part: nobody is charged for it yet."""


@dataclass(frozen=True)
class Cost:
    """Exact cost of one kind, US dollars, and who is charged for it.

    `bearer` says who bears it where no cost centre does: Unattributed, Shared, or Unassigned for
    people without one. `invoice_id` is None where no invoice covers it.
    """

    kind: Kind
    cost_center: str
    bearer: str
    product: str
    usd: Fraction
    invoice_id: str | None = None


CURRENCY = "USD"
NAMES = ("charged", "line", "cost_center", "product", "cost", "invoice_id", "currency", "amount")
"""The columns of a chargeback's file."""

_Place = tuple[str, str, str, Kind, str]
"""Line, cost centre, product, kind of cost and invoice (empty for none)."""


@dataclass(frozen=True)
class Line:
    """One line of a chargeback, US dollars in whole cents.

    `line` is cost centre, unborne or uninvoiced, `cost` the kind of cost.
    """

    line: str
    cost_center: str
    product: str
    cost: Kind
    invoice_id: str | None
    amount: Decimal


def cost_of(row: Mapping[str, Any], usd: Fraction) -> Cost:
    """The cost of a row of the reports `month_costs` or `cycle_costs`, of which `usd` counts."""
    return Cost(
        row["cost_kind"],
        row["cost_center"],
        row["bearer"],
        row["platform_name"],
        usd,
        row.get("invoice_id"),
    )


def charge_rows(rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    """`charge_month` of a month's rows of the report `month_costs`."""
    return charge_month(cost_of(row, Fraction(row["total_cost_usd"])) for row in rows)


def cells(what: str, line: Line) -> tuple[str | Decimal | None, ...]:
    """A line under `NAMES`; `what` is the month or the invoice that is charged."""
    named = (what, line.line, line.cost_center, line.product or None, line.cost, line.invoice_id)
    return (*named, CURRENCY, line.amount)


def charge_month(costs: Iterable[Cost]) -> list[Line]:
    """One line per cost centre, product, kind of cost and invoice.

    They sum to the month's cost, rounded once.
    """
    sums: dict[_Place, Fraction] = defaultdict(Fraction)
    for cost in costs:
        line, name = _charged(cost)
        if cost.invoice_id is None and line == COST_CENTER:
            line = UNINVOICED
        sums[line, name, cost.product, cost.kind, cost.invoice_id or ""] += cost.usd
    return _in_cents(sums)


def charge_invoice(
    invoice_id: str,
    billed: Mapping[Kind, Decimal],
    billed_in_cycle: Mapping[Kind, Decimal],
    costs: Sequence[Cost],
) -> list[Line]:
    """One line per cost centre and product, and what the invoice and the facts part by.

    `billed` is what the invoice bills of each kind, `billed_in_cycle` what all invoices of its
    cycle do, US dollars; `costs` are the facts of the cycle. Of several invoices each has the facts
    in proportion to what it bills of the kind. The lines sum to the invoice's kinds, each rounded
    to the cent.
    """
    lines: list[Line] = []
    for kind in billed:
        part = _part(billed[kind], billed_in_cycle[kind])
        sums: dict[_Place, Fraction] = defaultdict(Fraction)
        for cost in costs:
            if cost.kind == kind:
                sums[*_charged(cost), cost.product, kind, invoice_id] += cost.usd * part
        own = _in_cents(sums)
        rest = cents(billed[kind]) - sum((line.amount for line in own), ZERO)
        if rest > 0:
            own.append(Line(UNBORNE, NOT_IN_THE_FACTS, "", kind, invoice_id, rest))
        elif rest < 0:
            own.append(Line(UNINVOICED, NOT_BILLED, "", kind, invoice_id, rest))
        lines += own
    return lines


def _in_cents(sums: Mapping[_Place, Fraction]) -> list[Line]:
    """The lines that have any cost, in order."""
    places = sorted((place for place, usd in sums.items() if usd), key=_order)
    amounts = cents_that_sum([sums[place] for place in places])
    return [
        Line(*place[:4], place[4] or None, amount)
        for place, amount in zip(places, amounts, strict=True)
    ]


def _part(billed: Decimal, in_cycle: Decimal) -> Fraction:
    """What of a cycle's facts one of its invoices has: none where the invoices bill none of it."""
    return Fraction(billed) / Fraction(in_cycle) if in_cycle else Fraction()


def _charged(cost: Cost) -> tuple[str, str]:
    """The kind of the line, and the name that it carries."""
    if cost.cost_center == NO_COST_CENTER:
        return UNBORNE, cost.bearer
    return COST_CENTER, cost.cost_center


def _order(place: _Place) -> tuple[object, ...]:
    """Cost centres by name, then what is uninvoiced, then what nobody bears."""
    return [COST_CENTER, UNINVOICED, UNBORNE].index(place[0]), *place[1:]
