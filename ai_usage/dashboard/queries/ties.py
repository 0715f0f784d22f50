"""Whether the months tie to the invoices, and what is left over, by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.days.months import months_before


@dataclass(frozen=True)
class Cycle:
    """A billing cycle, or a month's days that no invoice covers, beside the facts."""

    platform: str
    account: str | None
    first: date
    last: date
    invoices: str | None
    status: str
    difference: Decimal | None
    facts: Decimal
    residues: str | None


@dataclass(frozen=True)
class Ties:
    """The cycles that overlap the months. Amounts are None for who sees a part of the company."""

    cycles: tuple[Cycle, ...]
    sees_amounts: bool

    @property
    def disputed(self) -> list[Cycle]:
        """Invoiced otherwise than reported."""
        return [cycle for cycle in self.cycles if cycle.status == "disputed"]

    @property
    def pending(self) -> list[Cycle]:
        """Not over, not loaded, or without an invoice."""
        return [cycle for cycle in self.cycles if cycle.status == "pending"]

    @property
    def reconciled(self) -> list[Cycle]:
        """Invoiced as reported, to the cent."""
        return [cycle for cycle in self.cycles if cycle.status == "reconciled"]

    @property
    def residue(self) -> Decimal:
        """What the disputed cycles bill more (above 0) or less than is reported."""
        return sum((cycle.difference or Decimal(0) for cycle in self.disputed), Decimal(0))


def ties(published: Published, viewer: Viewer, filters: Filters) -> Ties:
    """The company's cycles that overlap the filters' months, the latest first.

    An invoice bills the whole company: whose cost is chosen plays no part in it.
    """
    rows = published.rows(
        """
SELECT platform_code, billing_account_id, period_from, period_to, invoice_ids,
  reconciliation_status, difference_usd, facts_usd, residues
FROM reconciliation
WHERE period_from < $after AND period_to >= $first
ORDER BY period_from DESC, platform_code, billing_account_id, covers
""",
        {"first": filters.first, "after": months_before(filters.last, -1)},
    )
    sees = viewer.rights.rows is Rows.ALL and not viewer.cost_centers
    return Ties(
        tuple(
            Cycle(
                row["platform_code"],
                row["billing_account_id"],
                row["period_from"],
                row["period_to"],
                row["invoice_ids"],
                row["reconciliation_status"],
                row["difference_usd"] if sees else None,
                row["facts_usd"] if sees else Decimal(0),
                row["residues"],
            )
            for row in rows
        ),
        sees,
    )
