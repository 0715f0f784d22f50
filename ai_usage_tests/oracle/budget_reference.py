"""A person's budget of a month beside each of their costs, and what is left of it on the day."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
ZERO = Decimal(0)


def add_budgets(rows: list[Row], tables: Tables) -> None:
    spent: dict[tuple[str, date], list[tuple[date, Decimal]]] = defaultdict(list)
    for row in rows:
        if row["email"]:
            spent[row["email"], row["day"].replace(day=1)].append(
                (row["day"], row["total_cost_usd"])
            )
    known: dict[tuple[str, date], tuple[Decimal | None, str | None]] = {}
    for row in rows:
        month = row["day"].replace(day=1)
        budget, category = None, None
        if row["email"]:
            place = (row["email"], month)
            if place not in known:
                known[place] = _budget(*place, tables)
            budget, category = known[place]
        left = None
        if budget is not None:
            left = budget - sum(
                (amount for day, amount in spent[row["email"], month] if day <= row["day"]), ZERO
            )
        row |= {
            "budget_category": category,
            "budget_allocated_usd": budget,
            "budget_remaining_usd": left,
            "is_over_budget": None if left is None else left < 0,
        }


def _budget(email: str, month: date, tables: Tables) -> tuple[Decimal | None, str | None]:
    """budgets.csv before the directory; of each the last of the month."""
    end = month.replace(day=monthrange(month.year, month.month)[1])
    maintained = [
        row
        for row in tables["dim_budgets"]
        if row["scope_type"] == "person"
        and row["scope_value"] == email
        and row["valid_from"] <= end
        and row["valid_to"] >= month
    ]
    if maintained:
        last = max(maintained, key=lambda row: row["valid_from"])
        return last["monthly_budget_usd"], last["budget_category"] or "person"
    versions = [
        row
        for row in tables["dim_users"]
        if row["user_email"] == email
        and row["user_sk"] > 0
        and row["effective_date"] <= end
        and row["expiration_date"] >= month
    ]
    amount = max(versions, key=lambda row: row["effective_date"])["ai_budget_monthly_usd"]
    return (amount, "directory") if amount is not None else (None, None)
