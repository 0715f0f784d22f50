"""Rows of `dim_budgets` from `budgets.csv`. The directory's own budgets stand in dim_users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ai_usage.days.spans import EVER, Span, day_before, span_of
from ai_usage.finance.currency import ONE, Rates, in_usd
from ai_usage.finance.exact import micros
from ai_usage.identity.aliases import Aliases
from ai_usage.reference.column import Row

SOURCE = "budgets.csv"


def dim_budgets(
    rows: Iterable[Row],
    rates: Rates,
    aliases: Aliases | None = None,
    within: Sequence[Span] = (EVER,),
) -> list[dict[str, Any]]:
    """One row per person, team or cost centre and range of months with one rate, US dollars.

    A month takes the rate of its first day, so a budget in another currency is as many rows as
    its rate changes. A person stands under their own address. `within` are the months that are
    asked for, apart and in order. Raises `ReferenceFileError` where a rate of theirs is missing.
    """
    resolve = (aliases or Aliases()).resolve
    found = []
    for row in rows:
        person = row["scope_type"] == "person"
        period = span_of(row["valid_from"], row["valid_to"])
        asked = [months for span in within if (months := period & span)]
        converted = (pair for span in asked for pair in rates.by_month(row["currency"], span))
        for months, rate in converted:
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
    return joined(found)


def joined(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `dim_budgets` in order; those that say the same of months in a row are one."""
    found: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: (r["scope_type"], r["scope_value"], r["valid_from"])):
        before = found[-1] if found else None
        days = {"valid_from": row["valid_from"], "valid_to": row["valid_to"]}
        if before and before | days == row and day_before(row["valid_from"]) == before["valid_to"]:
            before["valid_to"] = row["valid_to"]
        else:
            found.append(row)
    return found
