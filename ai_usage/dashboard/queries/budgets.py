"""Budgets against cost: where each stands, and where it ends at the month's pace."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError, sees_people, spend
from ai_usage.dashboard.viewers import Rows, Viewer


def status(published: Published, viewer: Viewer, filters: Filters, scope: Dimension) -> pa.Table:
    """The filters' last month: one row a person, team or cost centre with cost or a budget.

    The columns of `vw_budget_status`. Raises `ForbiddenError` for who may not see them.
    """
    if not sees_people(viewer) or viewer.rights.rows is not Rows.ALL:
        raise ForbiddenError("budgets are shown to who sees all cost by person.")
    found = published.query(
        """
SELECT scope_value AS name, COALESCE(full_name, scope_value) AS label, budget_usd, budget_category,
  budget_source, cost_to_date, remaining_usd, used_share, is_over_budget, is_partial,
  forecast_cost, forecast_remaining_usd, is_forecast_over_budget, is_budget_rate_stale,
  final_days, provisional_cost
FROM budgets
WHERE month = $month AND scope_type = $scope
  AND (len($wanted) = 0 OR list_contains($wanted, scope_value))
ORDER BY budget_usd IS NULL, used_share DESC, scope_value
""",
        {
            "month": filters.last,
            "scope": scope,
            "wanted": sorted(viewer.cost_centers) if scope == "cost_center" else [],
        },
    )
    if viewer.cost_centers and scope != "cost_center":
        raise ForbiddenError("your role sees budgets by cost centre.")
    return found


def scopes(published: Published) -> list[str]:
    """The kinds of scope that the copy has budgets of."""
    rows = published.rows("SELECT DISTINCT scope_type FROM budgets ORDER BY 1")
    return [row["scope_type"] for row in rows]


def days(
    published: Published, viewer: Viewer, filters: Filters, scope: Dimension, name: str
) -> list[dict[str, Any]]:
    """Cost by day of one budget's scope in the filters' last month: date and total."""
    of: dict[str, Any] = {scope: (name,)}
    only = Filters(filters.last, filters.last, **of)
    return [
        {"date": row["date"], "cost": row["total"]}
        for row in spend(published, viewer, only, ["date"]).to_pylist()
    ]


def month_is_over(month: date, as_of: date) -> bool:
    """Whether all days of the month lie before the day that the copy is seen from."""
    return (month.year, month.month) < (as_of.year, as_of.month)
