"""What a seat and a unit beyond it cost on a day, product by product, from the contracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.finance.contracts import Contract, Terms
from ai_usage.finance.currency import Rates
from ai_usage.finance.exact import micros

Product = tuple[str, str]
"""(platform, platform_subtype)."""


def list_prices(
    contracts: Iterable[Contract], rates: Rates, day: date
) -> dict[Product, dict[str, Any]]:
    """The derived columns of `dim_platforms` of every product with seats on the day.

    US dollars at the day's rate; of several contracts the mean over the seats bought, rounded to a
    millionth. Raises `ReferenceFileError` where a rate is missing.
    """
    running: dict[Product, list[tuple[Contract, Terms]]] = defaultdict(list)
    for contract in contracts:
        for terms in contract.terms:
            if terms.span.first <= day <= terms.span.last and terms.quantity:
                running[contract.platform, contract.platform_subtype].append((contract, terms))

    def mean(of: list[tuple[Contract, Terms]], column: str) -> Decimal | None:
        priced = [(c, t, getattr(t, column)) for c, t in of if getattr(t, column) is not None]
        seats = sum(terms.quantity for _contract, terms, _amount in priced)
        if not seats:
            return None
        dollars = [
            rates.converted(amount, contract.currency, day)[0] * terms.quantity
            for contract, terms, amount in priced
        ]
        return micros(sum(dollars, Decimal()) / seats)

    return {
        product: {
            "base_subscription_cost_usd": mean(of, "price"),
            "overage_rate_per_unit": mean(of, "overage_rate"),
        }
        for product, of in running.items()
    }
