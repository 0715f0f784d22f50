"""Budgets against cost: where each stands, and where it ends at the month's pace."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.cells import OTHERS, told_apart
from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.notes import noted
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.rows import led_people
from ai_usage.dashboard.scope import ForbiddenError, sees_people, spend
from ai_usage.dashboard.viewers import Persons, Rows, Viewer
from ai_usage.days.months import months_before

_COLUMNS = """
scope_value AS name, COALESCE(full_name, scope_value) AS label, budget_usd, budget_category,
budget_source, cost_to_date, remaining_usd, used_share, is_over_budget, is_partial,
forecast_cost, forecast_remaining_usd, is_forecast_over_budget, is_budget_rate_stale,
final_days, provisional_cost
"""


def status(published: Published, viewer: Viewer, filters: Filters, scope: Dimension) -> pa.Table:
    """The filters' last month: one row a person, team, cost centre … with cost or a budget.

    The columns of `vw_budget_status`. People: all, the viewer's own, or, to finance in `team` mode,
    those over their budget. Groups of a lead: those whose people are all theirs. To who sees no
    single people groups of too few are one row. Raises `ForbiddenError` for who may see none.
    """
    rights = viewer.rights
    values: dict[str, Any] = {"month": filters.last, "scope": scope}
    where, led = "TRUE", "SELECT NULL AS user_email"
    if rights.rows is Rows.SELF:
        if scope != "person":
            raise ForbiddenError("budgets of groups are shown to who leads them.")
        where = "scope_value = $viewer"
        values["viewer"] = viewer.email
    elif rights.rows is Rows.PEOPLE:
        led, more = led_people(viewer)
        values |= more | {"after": months_before(filters.last, -1)}
        where = _OF_LEAD.get(scope, "")
        if not where:
            raise ForbiddenError("your role sees budgets of your people and teams.")
    elif scope == "person":
        if rights.money is Persons.NONE or viewer.cost_centers:
            raise ForbiddenError("your role sees no single people.")
        where = "is_over_budget" if rights.money is Persons.OVER_BUDGET else "TRUE"
    elif viewer.cost_centers:
        if scope != "cost_center":
            raise ForbiddenError("your role sees budgets by cost centre.")
        where = "list_contains($own, scope_value)"
        values["own"] = sorted(viewer.cost_centers)
    found = published.query(
        f"""
WITH led AS ({led})
SELECT {_COLUMNS}
FROM budgets
WHERE month = $month AND scope_type = $scope AND {where}
ORDER BY budget_usd IS NULL, used_share DESC, scope_value
""",
        values,
    )
    if scope == "person" or sees_people(viewer):
        return found
    return _hidden(found, published, viewer, filters, scope)


_LED_IN_MONTH = """
SELECT l.user_sk, l.user_email FROM led AS l WHERE l.since < $after AND l.until >= $month
"""
_OF_LEAD: dict[str, str] = {
    "person": f"scope_value IN (SELECT user_email FROM ({_LED_IN_MONTH}))",
    "team": f"""
scope_value IN (SELECT p.team FROM people AS p JOIN ({_LED_IN_MONTH}) AS l USING (user_sk))
AND scope_value NOT IN (
  SELECT p.team FROM people AS p
  WHERE p.is_person AND p.is_active AND p.effective_date < $after AND p.expiration_date >= $month
    AND p.user_sk NOT IN (SELECT user_sk FROM ({_LED_IN_MONTH}))
)
""",
}


def _hidden(
    found: pa.Table, published: Published, viewer: Viewer, filters: Filters, scope: Dimension
) -> pa.Table:
    """Groups that the month's cells tell apart, and one row of all others together."""
    apart = told_apart(published, viewer, filters.last, scope)
    rows = [{**row, "provisional_cost": None} for row in found.to_pylist()]
    kept = [row for row in rows if row["name"] in apart]
    others = [row for row in rows if row["name"] not in apart]
    if not others:
        return pa.Table.from_pylist(kept, found.schema)
    kept.append(_together(others, OTHERS[scope]))
    return noted(
        pa.Table.from_pylist(kept, found.schema),
        [f"Groups of fewer than {viewer.smallest_group} people are one row; sums are exact."],
    )


def _together(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    def added(column: str) -> Decimal | None:
        known = [row[column] for row in rows if row[column] is not None]
        return sum(known, Decimal(0)) if known else None

    # One that has no budget would make the others' look overspent.
    is_whole = all(row["budget_usd"] is not None for row in rows)
    budget = added("budget_usd") if is_whole else None
    cost, forecast = added("cost_to_date") or Decimal(0), added("forecast_cost")
    return {
        **dict.fromkeys(rows[0]),
        "name": name,
        "label": name,
        "budget_usd": budget,
        "cost_to_date": cost,
        "remaining_usd": None if budget is None else budget - cost,
        "used_share": float(cost / budget) if budget else None,
        "is_over_budget": None if budget is None else cost > budget,
        "is_partial": rows[0]["is_partial"],
        "forecast_cost": forecast,
        "forecast_remaining_usd": None if budget is None or forecast is None else budget - forecast,
        "is_forecast_over_budget": None
        if budget is None or forecast is None
        else forecast > budget,
        "final_days": rows[0]["final_days"],
    }


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
