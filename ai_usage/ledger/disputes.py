"""Where an invoice and the facts part: a vendor's invoice has a period and no days.

So the days are told from the facts, in this order:

1. days that the vendor restated, if the invoice is what the facts were before;
2. one day whose whole cost is what the invoice lacks;
3. where the facts are above the invoice, the first day on which their sum, counted from the
   period's first day, is above what it bills: from there on it cannot contain them;
4. where they are below it, the first days of the period without cost: what it bills besides may
   belong there. A period with cost on every day gives no day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from ai_usage.days.windows import Window
from ai_usage.finance.exact import cents
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.files import load

FIRST_DAYS = 3
"""Days that are named of those without cost."""


class Cycle(NamedTuple):
    """A billing cycle of an account (empty where the vendor has one only), both days included."""

    platform: str
    account: str
    period_from: date
    period_to: date

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Cycle:
        """The cycle that a row of a query names."""
        return cls(row["platform"], row["account"], row["period_from"], row["period_to"])


class Day(NamedTuple):
    """What the facts hold of a day of an invoiced cycle, US dollars."""

    day: date
    cost_usd: Decimal
    restated_usd: Decimal = Decimal(0)
    """By how much the vendor changed the day after it was final; in `cost_usd` already."""


def parting(
    period: Window, invoiced: Decimal, reported: Decimal, days: Sequence[Day]
) -> tuple[list[date], str]:
    """The first days on which invoice and facts part, and how they tell; see the module."""
    excess = reported - invoiced
    known = sorted(days)
    restated = [day for day in known if day.restated_usd]
    for own in (restated, *([day] for day in restated)):
        if own and cents(sum((day.restated_usd for day in own), Decimal())) == excess:
            return [day.day for day in own], "the invoice has what the vendor said before"
    whole = [day.day for day in known if cents(day.cost_usd) == excess]
    if len(whole) == 1:
        return whole, "the invoice lacks just that day's cost"
    if excess > 0:
        running = Decimal()
        for day in known:
            running += day.cost_usd
            if cents(running) > invoiced:
                return [day.day], "from there on the facts' sum is above what it bills"
    with_cost = {day.day for day in known if day.cost_usd}
    empty = [day for day in period.days() if day not in with_cost]
    if excess < 0 and empty:
        return empty[:FIRST_DAYS], "the first days for which the facts have no cost of it"
    return [], "no single day tells where"


def days_of_cycles(
    warehouse: Warehouse, span: Window, kinds: Collection[str] = ("usage", "seat")
) -> dict[Cycle, list[Day]]:
    """By cycle that lies in the span, the reported cost of these kinds of each of its days.

    Of a cost that several accounts share it is the cycle's part.
    """
    costs: dict[Cycle, dict[date, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    restated: dict[tuple[str, date], Decimal] = {}
    bound = {"start": span.start, "end": span.end}
    for row in warehouse.rows(Query(load("reports", "cycle_days"), bound)):
        if row["cost_kind"] not in kinds:
            continue
        part = Fraction(row["cost_usd"]) * row["weight"] / row["weights"]
        costs[Cycle.of(row)][row["day"]] += part
        restated[row["platform"], row["day"]] = row["restated_usd"]
    return {
        cycle: [
            Day(day, Decimal(usd.numerator) / usd.denominator, restated[cycle.platform, day])
            for day, usd in own.items()
        ]
        for cycle, own in costs.items()
    }
