"""Overview: this month in money against the last, and where it is going."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import sees_people, spend
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.days.months import months_before


def months(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """Twelve months up to the filters' month, and the twelve before: one row a month with cost.

    `month`, and the measures of `scope.spend`.
    """
    whole = filters.having(first=filters.back(23).last)
    return spend(published, viewer, whole, ["month"])


@dataclass(frozen=True)
class SameDays:
    """A month up to a day, and the month before it up to the same day; all of a shorter one."""

    day: date
    before_day: date
    total: Decimal
    before: Decimal


def same_days(
    published: Published, viewer: Viewer, filters: Filters, as_of: date
) -> SameDays | None:
    """The filters' month so far against the same days of the month before.

    None for who is told days only in runs of several: a run may cross the day.
    """
    if not sees_people(viewer):
        return None
    month = filters.last
    last = min(as_of, _end(month))
    earlier = months_before(month, 1)
    before_last = _end(earlier) if last == _end(month) else _same(earlier, last.day)
    found = spend(published, viewer, filters.having(first=earlier, last=month), ["date"])
    total = before = Decimal(0)
    for row in found.to_pylist():
        if row["date"] >= month:
            total += row["total"] if row["date"] <= last else 0
        elif row["date"] <= before_last:
            before += row["total"]
    return SameDays(last, before_last, total, before)


def _end(month: date) -> date:
    return date.fromordinal(months_before(month, -1).toordinal() - 1)


def _same(month: date, day: int) -> date:
    return month.replace(day=min(day, _end(month).day))


def sees_company(viewer: Viewer, filters: Filters) -> bool:
    """Whether figures of the whole company are the viewer's, and what the filters ask for."""
    return viewer.rights.rows is Rows.ALL and not viewer.cost_centers and not filters.selected


def company(published: Published, viewer: Viewer, filters: Filters) -> dict[date, dict[str, Any]]:
    """By month the rows of `vw_executive_dashboard`, to the filters' month; nothing of a part."""
    if not sees_company(viewer, filters):
        return {}
    rows = published.rows(
        "SELECT * FROM months WHERE month <= $last ORDER BY month", {"last": filters.last}
    )
    return {row["month"]: row for row in rows}


def budgets(published: Published, viewer: Viewer, filters: Filters) -> dict[date, dict[str, Any]]:
    """By month the budgets of all cost centres together, and the cost at the month's pace.

    Nothing of a part, and for who sees no single people.
    `budget` (NULL where no cost centre has one), `forecast` of all and `budgeted_forecast` of those
    with a budget; `cost` of these so far, and `without`, that of those without one.
    """
    if not sees_company(viewer, filters) or not sees_people(viewer):
        # Those with a budget and those without, one beside the other, may tell of few people.
        return {}
    rows = published.rows(
        """
SELECT month,
  SUM(budget_usd) AS budget,
  SUM(forecast_cost) AS forecast,
  SUM(forecast_cost) FILTER (budget_usd IS NOT NULL) AS budgeted_forecast,
  BOOL_OR(is_partial) AS is_partial,
  COALESCE(SUM(cost_to_date) FILTER (budget_usd IS NOT NULL), 0)::DECIMAL(38, 9) AS cost,
  COALESCE(SUM(cost_to_date) FILTER (budget_usd IS NULL), 0)::DECIMAL(38, 9) AS without
FROM budgets
WHERE scope_type = 'cost_center' AND month <= $last
GROUP BY month ORDER BY month
""",
        {"last": filters.last},
    )
    return {row["month"]: row for row in rows}
