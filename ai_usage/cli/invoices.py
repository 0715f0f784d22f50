"""An invoice of `invoices.csv` as commands look it up: its cycles, and what it bills by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance.chargeback import Kind
from ai_usage.finance.exact import cents
from ai_usage.ledger.disputes import Cycle
from ai_usage.warehouse.base import Query, Warehouse

_LINES = """
SELECT invoice_id, platform, COALESCE(billing_account_id, '') AS account, period_from, period_to,
  line_kind, amount, currency_code, amount_usd
FROM raw_invoices
ORDER BY period_from, platform, invoice_id, invoice_line
"""


@dataclass(frozen=True)
class Bill:
    """What an invoice bills of one cycle: its lines, and those of all invoices of the cycle."""

    invoice_id: str
    cycle: Cycle
    lines: tuple[Mapping[str, Any], ...]
    of_cycle: tuple[Mapping[str, Any], ...]

    @property
    def period(self) -> Window:
        """The days of the cycle."""
        return self.cycle.period

    @property
    def billed(self) -> dict[Kind, Decimal]:
        """What it bills of each kind, US dollars in cents."""
        return _by_kind(self.lines)

    @property
    def billed_in_cycle(self) -> dict[Kind, Decimal]:
        """What all invoices of the cycle bill of each kind, US dollars in cents."""
        return _by_kind(self.of_cycle)

    @property
    def total(self) -> Decimal:
        """What is to be paid, US dollars in cents."""
        return sum(self.billed.values(), Decimal())

    @property
    def others(self) -> list[str]:
        """The numbers of the cycle's other invoices."""
        return sorted({line["invoice_id"] for line in self.of_cycle} - {self.invoice_id})


def kind_of(line_kind: str) -> Kind:
    """The kind of cost that a line of an invoice bills."""
    if line_kind == "usage":
        return "usage"
    return "seat" if line_kind == "seat" else "other"


def find_bills(warehouse: Warehouse, invoice_id: str, platform: str | None) -> list[Bill]:
    """The invoice of that number, cycle by cycle: it may bill a year's seats and a month's usage.

    Raises `AiUsageError` where there is none, or two platforms have one.
    """
    cycles: dict[Cycle, list[Mapping[str, Any]]] = defaultdict(list)
    for line in warehouse.rows(Query(_LINES)):
        cycles[Cycle.of(line)].append(line)
    found = [
        Bill(invoice_id, cycle, own, tuple(lines))
        for cycle, lines in cycles.items()
        if (own := tuple(line for line in lines if line["invoice_id"] == invoice_id))
        and platform in (None, cycle.platform)
    ]
    if not found:
        of = f" of {platform}" if platform else ""
        raise AiUsageError(
            f"invoices.csv has no invoice {invoice_id}{of}; `ai-usage invoice` lists those there "
            "are, `ai-usage run` takes in a changed file."
        )
    platforms = sorted({bill.cycle.platform for bill in found})
    if len(platforms) > 1:
        raise AiUsageError(
            f"{' and '.join(platforms)} each have an invoice {invoice_id}: say which, --platform "
            f"{platforms[0]}."
        )
    return found


def _by_kind(lines: tuple[Mapping[str, Any], ...]) -> dict[Kind, Decimal]:
    sums: dict[Kind, Decimal] = dict.fromkeys(get_args(Kind), Decimal())
    for line in lines:
        sums[kind_of(line["line_kind"])] += line["amount_usd"]
    return {kind: cents(amount) for kind, amount in sums.items()}
