"""Rows of `dim_budgets` from `budgets.csv`. The directory's own budgets stand in dim_users."""

from __future__ import annotations

from collections import defaultdict
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
    """One row per scope and range of months with one rate, US dollars.

    A month takes the rate of its first day, so a budget in another currency is as many rows as
    its rate changes. A person stands under their own address. `within` are the months that are
    asked for, apart and in order; a line under that address counts before one under another of
    theirs. Raises `ReferenceFileError` where a rate of theirs is missing.
    """
    resolve = (aliases or Aliases()).resolve

    def scope_value(row: Row) -> str:
        value: str = row["scope_value"]
        return resolve(value) if row["scope_type"] == "person" else value

    taken: dict[tuple[str, str], list[Span]] = defaultdict(list)
    found = []
    for row in sorted(rows, key=lambda row: scope_value(row) != row["scope_value"]):
        own = taken[row["scope_type"], scope_value(row)]
        period = span_of(row["valid_from"], row["valid_to"])
        asked = [m for span in within for piece in period.minus(own) if (m := piece & span)]
        own.append(period)
        converted = (pair for span in asked for pair in rates.by_month(row["currency"], span))
        for months, rate in converted:
            found.append(
                {
                    "scope_type": row["scope_type"],
                    "scope_value": scope_value(row),
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
