"""Rows of `dim_budgets` from `budgets.csv`. The directory's own budgets stand in dim_users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ai_usage.days.spans import span_of
from ai_usage.finance.currency import ONE, Rates, in_usd
from ai_usage.finance.exact import micros
from ai_usage.identity.aliases import Aliases
from ai_usage.reference.column import Row

SOURCE = "budgets.csv"


def dim_budgets(
    rows: Iterable[Row], rates: Rates, aliases: Aliases | None = None
) -> list[dict[str, Any]]:
    """One row a person, team or cost centre and range of months with one rate, US dollars.

    A month takes the rate of its first day, so a budget in another currency is as many rows as
    its rate changes. A person stands under their own address. Raises `ReferenceFileError` where a
    rate is missing.
    """
    resolve = (aliases or Aliases()).resolve
    found = []
    for row in rows:
        person = row["scope_type"] == "person"
        period = span_of(row["valid_from"], row["valid_to"])
        for months, rate in rates.by_month(row["currency"], period):
            found.append(
                {
                    "scope_type": row["scope_type"],
                    "scope_value": resolve(row["scope_value"]) if person else row["scope_value"],
                    "monthly_budget_usd": micros(in_usd(row["amount"], rate)),
                    "budget_category": row["category"],
                    "valid_from": months.first,
                    "valid_to": months.last,
                    "budget_source": SOURCE,
                    "amount": row["amount"],
                    "currency_code": row["currency"],
                    "exchange_rate": rate.rate,
                    "exchange_rate_date": rate.rate_date,
                    "exchange_rate_source": rate.source,
                    "is_rate_stale": None if rate is ONE else rate.is_stale,
                }
            )
    return sorted(found, key=lambda r: (r["scope_type"], r["scope_value"], r["valid_from"]))
