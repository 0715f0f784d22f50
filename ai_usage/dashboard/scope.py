"""What a viewer may see of a sum: which rows, by whom, and what is too small to be told apart.

Every figure of every page, export and report comes from `spend` or `activity`. They
limit rows to the viewer's, and give no sum that fewer people than `smallest_group` stand behind to
who may not see people one by one. No query of a page repeats or goes around this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.errors import AiUsageError

_PEOPLE_OF = """
led AS (
  WITH RECURSIVE tree AS (
    SELECT user_sk, user_email, effective_date AS since, expiration_date AS until
    FROM people
    WHERE manager_email = $viewer AND is_person AND user_email != $viewer
    UNION
    SELECT p.user_sk, p.user_email, greatest(t.since, p.effective_date),
      least(t.until, p.expiration_date)
    FROM tree AS t
    JOIN people AS p
      ON p.manager_email = t.user_email AND p.is_person
      AND p.effective_date <= t.until AND p.expiration_date >= t.since
  )
  SELECT * FROM tree
  UNION
  SELECT user_sk, user_email, DATE '1900-01-01', DATE '9999-12-31'
  FROM people WHERE user_email = $viewer AND is_person
)
"""
"""The viewer's own people, of each the days on which the tree of that day has them under them."""


class ForbiddenError(AiUsageError):
    """The viewer's role does not see what was asked for."""


_COLUMNS: dict[str, str] = {
    "date": "r.date",
    "month": "r.month",
    "department": "r.department",
    "team": "r.team",
    "cost_center": "r.cost_center",
    "person": "r.person",
    "platform": "r.platform",
    "kind": "r.kind",
    "model": "r.model",
    "key": "r.key",
}
_NOW = {"department": "r.now_department", "team": "r.now_team"}


def spend(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension] = ()
) -> pa.Table:
    """Dollars by the dimensions, over the filters' months and selections.

    One row a group, ordered by the dimensions: these, then `total`, and its parts `subscription`,
    `usage`, `overage`, `one_time`, `provisional`, `allocated` (Decimal, US dollars, exact), and
    `people` (who bear any of it). Totals over any dimensions are the same: what the viewer's rows
    cost. Raises `ForbiddenError` where the viewer may not group by a dimension.
    """
    if not viewer.sees_people and viewer.rights.rows is not Rows.SELF:
        raise ForbiddenError("sums for this role are not served yet")
    sql, values = _spend_sql(viewer, filters, by)
    return published.query(sql, values)


def _spend_sql(
    viewer: Viewer, filters: Filters, by: Sequence[Dimension]
) -> tuple[str, dict[str, Any]]:
    named = {*by, *filters.selected}
    table = "detail_rows" if named & {"model", "key"} else "cost_rows"
    columns = _COLUMNS | (_NOW if filters.org == "now" else {})
    where = ["r.month BETWEEN $first AND $last"]
    values: dict[str, Any] = {"first": filters.first, "last": filters.last}
    for name, wanted in filters.selected.items():
        if name in columns:
            where.append(f"list_contains($of_{name}, {columns[name]})")
            values[f"of_{name}"] = list(wanted)
    ctes, limits, more = rows_of(viewer)
    where += limits
    values |= more
    groups = [f"{columns[name]} AS {name}" for name in by if name in columns]
    keys = ", ".join(groups) + ("," if groups else "")
    order = f"GROUP BY {', '.join(columns[n] for n in by)} ORDER BY ALL" if groups else ""
    sql = f"""
WITH {ctes}
SELECT {keys}
  COALESCE(SUM(r.total), 0)::DECIMAL(38, 9) AS total,
  COALESCE(SUM(r.total) FILTER (r.kind = 'subscription'), 0)::DECIMAL(38, 9) AS subscription,
  COALESCE(SUM(r.total) FILTER (r.kind = 'usage'), 0)::DECIMAL(38, 9) AS usage,
  COALESCE(SUM(r.total) FILTER (r.kind = 'overage'), 0)::DECIMAL(38, 9) AS overage,
  COALESCE(SUM(r.total) FILTER (r.kind = 'one_time'), 0)::DECIMAL(38, 9) AS one_time,
  COALESCE(SUM(r.total) FILTER (r.is_provisional), 0)::DECIMAL(38, 9) AS provisional,
  COALESCE(SUM(r.allocated), 0)::DECIMAL(38, 9) AS allocated,
  COUNT(DISTINCT r.person) FILTER (r.is_person) AS people
FROM {table} AS r
WHERE {" AND ".join(where)}
{order}
"""
    return sql, values


def rows_of(viewer: Viewer) -> tuple[str, list[str], dict[str, Any]]:
    """The viewer's rows of `cost_rows AS r`: common table expressions, conditions, bound values."""
    if viewer.rights.rows is Rows.ALL:
        if viewer.cost_centers:
            limit = "list_contains($cost_centers, r.cost_center)"
            return "nothing AS (SELECT 1)", [limit], {"cost_centers": sorted(viewer.cost_centers)}
        return "nothing AS (SELECT 1)", [], {}
    if viewer.rights.rows is Rows.PEOPLE:
        limit = (
            "EXISTS (SELECT 1 FROM led AS l WHERE l.user_sk = r.user_sk "
            "AND r.date BETWEEN l.since AND l.until)"
        )
        return _PEOPLE_OF, [limit], {"viewer": viewer.email}
    return "nothing AS (SELECT 1)", ["r.person = $viewer AND r.is_person"], {"viewer": viewer.email}
