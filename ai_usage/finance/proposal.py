"""A proposal for the next quarter's budgets, as lines of `budgets.csv` for a person to edit."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from ai_usage.days.months import months_before
from ai_usage.finance.exact import ZERO
from ai_usage.text.csv_cells import csv_cell
from ai_usage.text.words import counted

MONTHS = 3
"""Final months that a proposal stands on."""

_NO_SCOPE = frozenset({"Unassigned", "No project"})
"""Cost that has no scope of the kind: nobody is there to keep a budget."""


@dataclass(frozen=True)
class Spent:
    """What a scope cost in one month, US dollars, as `vw_budget_status` has it."""

    month: date
    scope_type: str
    scope_value: str
    cost: Decimal
    one_time: Decimal = ZERO
    budget: Decimal | None = None
    category: str | None = None
    is_final: bool = True
    """The month is over, loaded whole, and no vendor may still change a cost of it."""


@dataclass(frozen=True)
class Proposed:
    """A budget a month of the next quarter, whole US dollars, and what it stands on."""

    scope_type: str
    scope_value: str
    amount: Decimal
    mean: Fraction
    budget: Decimal | None
    category: str | None


@dataclass(frozen=True)
class Proposal:
    """The lines, the quarter that they are for, and the final months that they stand on."""

    first: date
    last: date
    months: tuple[date, ...]
    lines: tuple[Proposed, ...]


def spent(row: Mapping[str, Any]) -> Spent:
    """A row of `vw_budget_status`."""
    return Spent(
        row["month"],
        row["scope_type"],
        row["scope_value"],
        row["cost_to_date"],
        row["one_time_cost"],
        row["budget_usd"],
        row["budget_category"],
        is_final=not row["is_partial"] and row["provisional_cost"] == 0,
    )


def propose(costs: Iterable[Spent], today: date, months: int = MONTHS) -> Proposal:
    """The mean of the last final months, without one-time cost, rounded up to the dollar.

    A month counts where the whole of it is final, for every scope alike: one without a row of a
    scope is a month in which it cost nothing. Fewer months than `months` are what the proposal
    stands on, where there are no more; without any there are no lines. Scopes that cost nothing
    have no line, nor has cost that no scope bears. The quarter is the calendar's next.
    """
    rows = list(costs)
    open_months = {row.month for row in rows if not row.is_final}
    final = sorted({row.month for row in rows} - open_months)[-months:]
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    newest: dict[tuple[str, str], Spent] = {}
    for row in sorted(rows, key=lambda row: row.month):
        scope = (row.scope_type, row.scope_value)
        if row.scope_value in _NO_SCOPE:
            continue
        newest[scope] = row
        if row.month in final:
            sums[scope] += Fraction(row.cost) - Fraction(row.one_time)
    first = _next_quarter(today)
    lines = [
        Proposed(*scope, _dollars(mean), mean, newest[scope].budget, newest[scope].category)
        for scope, cost in sorted(sums.items())
        if (mean := cost / len(final)) > 0
    ]
    last = months_before(first, -3) - timedelta(days=1)
    return Proposal(first, last, tuple(final), tuple(lines))


def proposal_csv(proposal: Proposal) -> str:
    """Lines of `budgets.csv`, after comments that say what they stand on.

    It is read as it is; before it is used, a budget that goes on into the quarter must end.
    """
    to = io.StringIO()
    writer = csv.writer(to, lineterminator="\n")
    names = ", ".join(f"{month:%Y-%m}" for month in proposal.months)
    basis = f"{counted(len(proposal.months), 'final month')}{f' ({names})' if names else ''}"
    to.write(f"# A proposal to edit: the mean of {basis} without one-time cost, to the dollar.\n")
    to.write("# Budgets that are valid beyond the day before need a valid_to first.\n")
    columns = ("scope_type", "scope_value", "amount", "currency", "valid_from", "valid_to")
    writer.writerow((*columns, "category"))
    for line in proposal.lines:
        writer.writerow(
            map(
                csv_cell,
                (
                    line.scope_type,
                    line.scope_value,
                    line.amount,
                    "USD",
                    proposal.first,
                    proposal.last,
                    line.category,
                ),
            )
        )
    return to.getvalue()


def _next_quarter(today: date) -> date:
    """The first day of the calendar quarter after the day's."""
    begun = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    return months_before(begun, -3)


def _dollars(amount: Fraction) -> Decimal:
    """Whole dollars, up: a budget below the usual would be over at once."""
    return Decimal(ceil(amount))
