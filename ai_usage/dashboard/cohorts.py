"""People by how much they use the tools: who they are in a month, counted or hidden in groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.notes import noted
from ai_usage.dashboard.released import Family, Rows, release
from ai_usage.dashboard.rows import led_people
from ai_usage.dashboard.viewers import Rows as Seen
from ai_usage.dashboard.viewers import Viewer

_OTHERS = {"team": "Other teams", "department": "Other departments", "cohort": "several"}
_FAMILIES: tuple[Family, ...] = (
    (),
    ("cohort",),
    ("department",),
    ("team",),
    ("department", "cohort"),
    ("team", "cohort"),
)
COVERED: tuple[Family, ...] = (("platform",), ("department", "platform"), ("team", "platform"))
"""What hidden people can be grouped by and selected by at once; a platform says what is active."""


def cohort_rows(viewer: Viewer, filters: Filters) -> tuple[str, dict[str, Any]]:
    """A SELECT of one row a month and person of the viewer's: month, person, team, cohort."""
    values: dict[str, Any] = {"first": filters.first, "last": filters.last}
    led, where = "SELECT 1 AS nothing", ["TRUE"]
    if viewer.rights.rows is Seen.PEOPLE:
        led, more = led_people(viewer)
        values |= more
        where.append(
            "EXISTS (SELECT 1 FROM led AS l WHERE l.user_sk = p.user_sk "
            "AND l.since <= last_day(m.month) AND l.until >= m.month)"
        )
    elif viewer.rights.rows is Seen.SELF:
        where.append("p.user_email = $viewer")
        values["viewer"] = viewer.email
    elif viewer.cost_centers:
        where.append("list_contains($cost_centers, p.own_cost_center)")
        values["cost_centers"] = sorted(viewer.cost_centers)
    for name in ("team", "department"):
        if wanted := getattr(filters, name):
            column = f"now_{name}" if filters.org == "now" else name
            where.append(f"list_contains($of_{name}, p.{column})")
            values[f"of_{name}"] = list(wanted)
    platform = ""
    if filters.platform:
        platform = "AND list_contains($of_platform, r.platform)"
        values["of_platform"] = list(filters.platform)
    labels = "now_" if filters.org == "now" else ""
    sql = f"""
WITH led AS ({led}),
months AS (
  SELECT month, COUNT(*) FILTER (is_weekday AND is_loaded) AS weekdays
  FROM loaded
  WHERE platform_code = 'all' AND month BETWEEN $first AND $last
  GROUP BY 1
),
employed AS (
  SELECT m.month, m.weekdays, p.user_email AS person,
    arg_max(p.{labels}team, p.effective_date) AS team,
    arg_max(p.{labels}department, p.effective_date) AS department
  FROM months AS m
  JOIN people AS p
    ON p.is_person AND p.is_active AND p.effective_date <= last_day(m.month)
    AND p.expiration_date >= m.month
  WHERE m.weekdays > 0 AND {" AND ".join(where)}
  GROUP BY 1, 2, 3
),
active AS (
  SELECT r.month, r.person,
    COUNT(DISTINCT r.date) AS days,
    COUNT(DISTINCT r.date) FILTER (isodow(r.date) <= 5) AS weekdays
  FROM usage_rows AS r
  WHERE r.month BETWEEN $first AND $last AND r.is_person AND r.active_records > 0 {platform}
  GROUP BY 1, 2
)
SELECT e.month, e.person, e.team, e.department,
  CASE
    WHEN COALESCE(a.days, 0) = 0 THEN 'none'
    WHEN a.weekdays * 4 < e.weekdays THEN 'light'
    WHEN a.weekdays * 5 < e.weekdays * 3 THEN 'moderate'
    ELSE 'heavy'
  END AS cohort
FROM employed AS e
LEFT JOIN active AS a ON a.month = e.month AND a.person = e.person
ORDER BY ALL
"""
    return sql, values


def counted_people(rows: pa.Table, by: Sequence[Dimension]) -> pa.Table:
    """How many people are in each group."""
    found = Counter(
        (row["month"], *(row[name] for name in by), row["cohort"]) for row in rows.to_pylist()
    )
    return _table(by, found, set())


def hidden_people(
    rows: pa.Table,
    by: Sequence[Dimension],
    selected: Mapping[Dimension, Sequence[str]],
    smallest: int,
) -> pa.Table:
    """The same, of groups that hide each person of theirs.

    `rows` are all people that the viewer's sums are made of, whatever is selected: groups are the
    same for all selections, so that none of these, put against another, tells of few people.
    """
    family = (*dict.fromkeys([*by, *selected]), "cohort")
    of_month: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows.to_pylist():
        of_month[row["month"]].append(row)
    found: Counter[tuple[Any, ...]] = Counter()
    merged: set[tuple[Any, ...]] = set()
    hidden = False
    for month, people in of_month.items():
        if len(people) < smallest:
            hidden = True
            continue
        numbered = Rows(
            range(len(people)),
            {name: [row[name] for row in people] for name in _OTHERS},
        )
        cells = release(numbered, _FAMILIES, smallest, _OTHERS)
        for cell in cells[family]:
            named = dict(zip(family, cell.label, strict=True))
            if all(named[name] in wanted for name, wanted in selected.items()):
                key = (month, *(named[name] for name in by), named["cohort"])
                found[key] += len(cell.people)
                if cell.is_merged:
                    merged.add(key)
    notes = [f"Fewer than {smallest} people: not shown."] if hidden else []
    if merged:
        notes.append(f"Groups of fewer than {smallest} people are shown together.")
    return noted(_table(by, found, merged), notes)


def _table(
    by: Sequence[Dimension], found: Mapping[tuple[Any, ...], int], merged: set[tuple[Any, ...]]
) -> pa.Table:
    keys = sorted(found)
    return pa.table(
        {
            "month": pa.array([key[0] for key in keys], pa.date32()),
            **{
                name: pa.array([key[i + 1] for key in keys], pa.string())
                for i, name in enumerate([*by, "cohort"])
            },
            "people": pa.array([found[key] for key in keys], pa.int64()),
            "is_merged": pa.array([key in merged for key in keys], pa.bool_()),
        }
    )
