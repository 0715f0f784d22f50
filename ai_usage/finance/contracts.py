"""Contracts on seats: the terms of `seats.csv`, and which seats are bought on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ai_usage.days.spans import Span, span_of
from ai_usage.reference.column import Row

Pricing = Literal["daily", "full_month"]


@dataclass(frozen=True)
class Terms:
    """What a contract says from `span.first` to `span.last`: seats 1 to `quantity`, at a price.

    `price` is a seat's for one billing month, `overage_rate` that of a unit beyond what the seats
    cover; both in the contract's currency.
    """

    span: Span
    plan: str | None
    quantity: int
    price: Decimal
    overage_rate: Decimal | None = None
    billing_account_id: str | None = None
    cost_center: str | None = None


@dataclass(frozen=True)
class Contract:
    """A contract and its successive terms, which never overlap."""

    contract_id: str
    platform: str
    platform_subtype: str
    currency: str
    pricing: Pricing
    billing_day: int
    terms: tuple[Terms, ...]

    @property
    def seats(self) -> int:
        """The most seats that it ever had."""
        return max(terms.quantity for terms in self.terms)


def read_contracts(rows: Iterable[Row]) -> list[Contract]:
    """The contracts of seats.csv, in the order in which they began."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["contract_id"]].append(row)
    contracts = [_contract(own) for own in groups.values()]
    return sorted(contracts, key=lambda c: (c.terms[0].span.first, c.contract_id))


def _contract(rows: Sequence[Row]) -> Contract:
    head = rows[0]
    terms = (
        Terms(
            span=span_of(row["valid_from"], row["valid_to"]),
            plan=row["plan"],
            quantity=row["quantity"],
            price=row["price"],
            overage_rate=row["overage_rate"],
            billing_account_id=row["billing_account_id"],
            cost_center=row["cost_center"],
        )
        for row in rows
    )
    return Contract(
        contract_id=head["contract_id"],
        platform=head["platform"],
        platform_subtype=head["platform_subtype"],
        currency=head["currency"],
        pricing=head["pricing"],
        billing_day=head["billing_day"],
        terms=tuple(sorted(terms, key=lambda t: t.span)),
    )
