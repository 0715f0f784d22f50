"""Rows of `dim_budgets` from `budgets.csv`. The directory's own budgets stand in dim_users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ai_usage.finance.currency import Rates
from ai_usage.finance.exact import micros
from ai_usage.identity.aliases import Aliases
from ai_usage.identity.days import span_of
from ai_usage.reference.column import Row

SOURCE = "budgets.csv"


def dim_budgets(
    rows: Iterable[Row], rates: Rates, aliases: Aliases | None = None
) -> list[dict[str, Any]]:
    """One row a person, team or cost centre and period; US dollars at the rate of valid_from.

    A person stands under their own address. Raises `ReferenceFileError` where a rate is missing.
    """
    resolve = (aliases or Aliases()).resolve
    found = []
    for row in rows:
        span = span_of(row["valid_from"], row["valid_to"])
        usd, _rate = rates.converted(row["amount"], row["currency"], span.first)
        person = row["scope_type"] == "person"
        found.append(
            {
                "scope_type": row["scope_type"],
                "scope_value": resolve(row["scope_value"]) if person else row["scope_value"],
                "monthly_budget_usd": micros(usd),
                "budget_category": row["category"],
                "valid_from": span.first,
                "valid_to": span.last,
                "budget_source": SOURCE,
            }
        )
    return sorted(found, key=lambda r: (r["scope_type"], r["scope_value"], r["valid_from"]))
