"""Spend: what was spent, by any dimension, month by month and day by day."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import spend
from ai_usage.dashboard.viewers import Viewer

YEAR = 12
"""Months beside one another, so that each has its season and the year before it."""


def groups(published: Published, viewer: Viewer, filters: Filters, by: Dimension) -> pa.Table:
    """One row a group over the filters' months: the dimension, and the measures of `spend`."""
    return spend(published, viewer, filters, [by])


def everything(published: Published, viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """The measures of `spend` over all that is selected."""
    (row,) = spend(published, viewer, filters).to_pylist()
    return dict(row)


def groups_before(
    published: Published, viewer: Viewer, filters: Filters, by: Dimension
) -> pa.Table:
    """The same over as many whole months before."""
    return spend(published, viewer, filters.back(len(filters.months)), [by])


def by_month(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """Two years to the filters' last month, for twelve months and the year before each of them."""
    return spend(published, viewer, _years(filters, 2), ["month"])


def platforms_by_month(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """A year to the filters' last month, by platform."""
    return spend(published, viewer, _years(filters, 1), ["month", "platform"])


def by_day(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The days with cost of the filters' months."""
    return spend(published, viewer, filters, ["date"])


def groups_by_day(
    published: Published, viewer: Viewer, filters: Filters, by: Dimension
) -> pa.Table:
    """The days with cost of each group. Only who may see people has groups by day."""
    return spend(published, viewer, filters, [by, "date"])


def platforms(published: Published) -> list[str]:
    """All platforms' names in one order, whatever is selected: each keeps its colour.

    Those that ever cost something come first, so that they have the colours of their own.
    """
    rows = published.rows(
        "SELECT platform_name FROM platforms "
        "ORDER BY platform_sk NOT IN (SELECT platform_sk FROM cost_rows), "
        "platform_sk = 0, platform_subtype = 'all', platform_code, platform_name"
    )
    return [row["platform_name"] for row in rows]


def _years(filters: Filters, years: int) -> Filters:
    return filters.having(first=filters.having(first=filters.last).back(YEAR * years - 1).first)
