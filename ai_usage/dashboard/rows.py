"""The SQL of a viewer's rows: whose they are, what is selected, by what they are grouped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.warehouse.sql import duckdb_expression

_LED = """
WITH RECURSIVE led AS (
  SELECT user_sk, user_email, effective_date AS since, expiration_date AS until
  FROM people
  WHERE manager_email = $viewer AND is_person AND user_email != $viewer
  UNION
  SELECT p.user_sk, p.user_email, greatest(t.since, p.effective_date),
    least(t.until, p.expiration_date)
  FROM led AS t
  JOIN people AS p
    ON p.manager_email = t.user_email AND p.is_person AND p.user_email != $viewer
    AND p.effective_date <= t.until AND p.expiration_date >= t.since
)
SELECT * FROM led
UNION
SELECT user_sk, user_email, DATE '1900-01-01', DATE '9999-12-31'
FROM people WHERE user_email = $viewer AND is_person
"""
"""The viewer and their people: of each version the days on which that day's tree has it there."""

COLUMNS: dict[Dimension, str] = {
    "date": "r.date",
    "month": "r.month",
    "department": "r.department",
    "team": "r.team",
    "cost_center": "r.cost_center",
    "person": "r.person",
    "project": "r.project",
    "platform": "r.platform",
    "kind": "r.kind",
    "model": "r.model",
    "key": "r.key",
}
_NOW: dict[Dimension, str] = {"department": "r.now_department", "team": "r.now_team"}

USAGE_DIMENSIONS: frozenset[Dimension] = frozenset(
    {"date", "month", "department", "team", "person", "platform"}
)
"""What usage is told apart by; a key, model or cost centre belongs to cost alone."""


@dataclass(frozen=True)
class Source:
    """Rows to select from, as `r`: the CTEs before the SELECT, what follows its list, the values.

    `columns` says how each dimension is named there.
    """

    ctes: str
    rows: str
    values: dict[str, Any]
    columns: dict[Dimension, str]


def cost_source(viewer: Viewer, filters: Filters, used: Collection[Dimension]) -> Source:
    """The viewer's cost rows; `used` are the dimensions that are grouped by besides selections."""
    named = {*used, *filters.selected}
    table = "detail_rows" if named & {"model", "key"} else "cost_rows"
    columns = COLUMNS | (_NOW if filters.org == "now" else {})
    ctes, where, values = _whose(viewer)
    where += _months(filters, values)
    where += _selected(filters, columns, values, but={"project"})
    if "project" not in named:
        return Source(ctes, f"{table} AS r WHERE {' AND '.join(where)}", values, columns)
    of_project = _selected(filters, columns, values, but=set(columns) - {"project"})
    kept = [name for name in columns if name not in ("project", "kind", "date", "month")]
    kept = [name for name in kept if table == "detail_rows" or name not in ("model", "key")]
    if "date" in named:
        kept.append("date")
    labels = ", ".join(f"{columns[name]} AS {name}" for name in kept)
    # As vw_cost_by_project: costs that are alike are added up before projects share them.
    ctes += f""",
whole AS (
  SELECT {labels}, r.month, r.kind, r.is_provisional, r.is_person, r.project_list, r.user_sk,
    r.cost_center_sk, r.platform_sk, SUM(r.total) AS amount
  FROM {table} AS r
  WHERE {" AND ".join(where)}
  GROUP BY ALL
),
parts AS (
  SELECT w.*, l.project_code AS project, {_project_part()} AS part
  FROM whole AS w
  JOIN project_lists AS l ON l.project_list = w.project_list
),
split AS (
  SELECT * EXCLUDE (amount, part), part::DECIMAL(38, 9) AS total,
    IF(is_person, part, 0)::DECIMAL(38, 9) AS allocated
  FROM parts
)"""
    where = of_project or ["TRUE"]
    labelled = {name: f"r.{name}" for name in columns}
    return Source(ctes, f"split AS r WHERE {' AND '.join(where)}", values, labelled)


@cache
def _project_part() -> str:
    return duckdb_expression("equal_part(w.amount, l.number, l.ways)")


def usage_source(viewer: Viewer, filters: Filters) -> Source:
    """The viewer's usage rows."""
    columns = COLUMNS | (_NOW if filters.org == "now" else {})
    columns = {name: sql for name, sql in columns.items() if name in USAGE_DIMENSIONS}
    ctes, where, values = _whose(viewer, of_costs=False)
    where += _months(filters, values)
    where += _selected(filters, columns, values)
    return Source(ctes, f"usage_rows AS r WHERE {' AND '.join(where)}", values, columns)


def _whose(viewer: Viewer, *, of_costs: bool = True) -> tuple[str, list[str], dict[str, Any]]:
    rights = viewer.rights
    if rights.rows is Rows.PEOPLE:
        led = (
            "EXISTS (SELECT 1 FROM led AS l WHERE l.user_sk = r.user_sk "
            "AND r.date BETWEEN l.since AND l.until)"
        )
        return f"WITH led AS ({_LED})", [led], {"viewer": viewer.email}
    nothing = "WITH nothing AS (SELECT 1)"
    if rights.rows is Rows.SELF:
        return nothing, ["r.person = $viewer AND r.is_person"], {"viewer": viewer.email}
    if viewer.cost_centers and of_costs:
        limit = "list_contains($cost_centers, r.cost_center)"
        return nothing, [limit], {"cost_centers": sorted(viewer.cost_centers)}
    if viewer.cost_centers:
        limit = "list_contains($cost_centers, r.own_cost_center)"
        return nothing, [limit], {"cost_centers": sorted(viewer.cost_centers)}
    return nothing, [], {}


def led_people(viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """A SELECT of the viewer's people, the viewer too: user_sk, user_email, since, until."""
    return _LED, {"viewer": viewer.email}


def _months(filters: Filters, values: dict[str, Any]) -> list[str]:
    values |= {"first": filters.first, "last": filters.last}
    return ["r.month BETWEEN $first AND $last"]


def _selected(
    filters: Filters,
    columns: dict[Dimension, str],
    values: dict[str, Any],
    but: Collection[Dimension] = (),
) -> list[str]:
    found = []
    for name, wanted in filters.selected.items():
        if name in columns and name not in but:
            found.append(f"list_contains($of_{name}, {columns[name]})")
            values[f"of_{name}"] = list(wanted)
    return found
