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
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from ai_usage.days.windows import Window
from ai_usage.finance.exact import cents
from ai_usage.text.printable import one_line
from ai_usage.warehouse.base import Parameters, Query, Warehouse
from ai_usage.warehouse.files import load

FIRST_DAYS = 3
"""Days that are named of those without cost."""

COMPARED = (
    ("usage", "usage", "invoiced_usage_usd", "facts_usage_usd"),
    ("seats", "seat", "invoiced_seats_usd", "facts_seats_usd"),
)
"""What is reconciled: in words, the kind of cost, and what `vw_reconciliation` calls the sums."""

_ACCOUNTS = """
SELECT account FROM int_cycle_days
WHERE platform = @platform AND COALESCE(billing_account_id, '') = @account AND day = @day
  AND period_from = @period_from AND period_to = @period_to AND cost_kind = @kind
"""


class Cycle(NamedTuple):
    """A billing cycle of an account (empty where the vendor has one only), both days included."""

    platform: str
    account: str
    period_from: date
    period_to: date

    @property
    def period(self) -> Window:
        """The days of the cycle."""
        return Window(self.period_from, self.period_to + timedelta(days=1))

    @property
    def bound(self) -> dict[str, str | date]:
        """The cycle as a query's parameters."""
        return self._asdict()

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


class ReportedLine(NamedTuple):
    """What the vendor's reports bill on a day under one item, model, workspace and key."""

    what: str
    key: str
    archive_page: str | None
    lines: int
    cost_usd: Decimal


class PartedDay(NamedTuple):
    """A day on which invoice and facts part: the facts' lines of it, the largest first."""

    day: date
    cost_usd: Decimal
    lines: Sequence[ReportedLine]


class Parting(NamedTuple):
    """Where the usage, or the seats, of an invoiced cycle part; without days if none tells."""

    name: str
    kind: str
    invoiced_usd: Decimal
    facts_usd: Decimal
    reason: str
    days: Sequence[PartedDay]


def partings(warehouse: Warehouse, row: Mapping[str, Any]) -> Iterator[Parting]:
    """Where the invoices of a row of `vw_reconciliation` part from the facts, kind by kind.

    Nothing where they tie, or where days were not loaded: what these cost is not known.
    """
    if is_unloaded(row):
        return
    account = row["billing_account_id"] or ""
    cycle = Cycle(row["platform_code"], account, row["period_from"], row["period_to"])
    for name, kind, billed, facts in COMPARED:
        # As they are compared: each kind summed, then rounded to the cent.
        amounts = cents(row[billed]), cents(row[facts])
        if amounts[0] != amounts[1]:
            days = days_of_cycles(warehouse, cycle.period, (kind,)).get(cycle, [])
            parted, reason = parting(cycle.period, *amounts, days)
            own = [_parted_day(warehouse, cycle, kind, day) for day in parted]
            yield Parting(name, kind, *amounts, reason, own)


def is_unloaded(row: Mapping[str, Any]) -> bool:
    """Whether days of the cycle of a row of `vw_reconciliation` were not loaded."""
    return "not loaded" in (row["residues"] or "")


def _parted_day(warehouse: Warehouse, cycle: Cycle, kind: str, day: date) -> PartedDay:
    """The day's reported lines of the kind that the cycle covers, the largest first."""
    bound: Parameters = {**cycle.bound, "day": day, "kind": kind}
    accounts = {row["account"] for row in warehouse.rows(Query(_ACCOUNTS, bound))}
    asked: Parameters = {"start": day, "end": day + timedelta(days=1), "platform": cycle.platform}
    own = [
        row
        for row in warehouse.rows(Query(load("reports", "cycle_lines"), asked))
        if row["cost_kind"] == kind and row["account"] in accounts and row["cost_usd"]
    ]
    own.sort(key=lambda row: (-abs(row["cost_usd"]), row["item"], row["model"], row["key"]))
    lines = [
        ReportedLine(
            " ".join(one_line(row[n]) for n in ("item", "model", "workspace_id") if row[n]),
            one_line(row["key"]),
            row["archive_page"],
            row["lines"],
            row["cost_usd"],
        )
        for row in own
    ]
    return PartedDay(day, sum((line.cost_usd for line in lines), Decimal()), lines)
