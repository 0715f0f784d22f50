"""Evidence: the events behind the dollars of one day and selection, read from the facts on demand.

The copy has no events: these few are asked of the warehouse itself, which may be busy being
written; then the dialog says so. For who sees people one by one: an event has one bearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.dashboard.filters import PAGE_ROWS, Dimension, Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.rows import led_people
from ai_usage.dashboard.scope import ForbiddenError, sees_people
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.warehouse.base import Parameter, Query, Warehouse

_COLUMNS: dict[Dimension, str] = {
    "department": "COALESCE(p.department, 'Unattributed')",
    "team": "COALESCE(p.team, 'Unattributed')",
    "person": "COALESCE(p.person, 'Unattributed')",
    "platform": "COALESCE(f.platform_name, 'Unknown')",
    "cost_center": "cost_center_label(c.cost_center_sk, n.cost_center)",
    "kind": "c.cost_type",
    "model": "COALESCE(c.model, 'No model')",
    "key": "COALESCE(c.api_key_id, 'No key')",
}
_NOW: dict[Dimension, str] = {
    "department": "IF(p.is_person, COALESCE(p.current_department, 'Unassigned'), "
    "COALESCE(p.person, 'Unattributed'))",
    "team": "IF(p.is_person, COALESCE(p.current_team, 'Unassigned'), "
    "COALESCE(p.person, 'Unattributed'))",
}

_SQL = """
SELECT
  c.event_id, c.event_part, c.cost_timestamp, r.source_endpoint,
  {person} AS person, {team} AS team, {platform} AS platform, {cost_center} AS cost_center,
  c.model, c.api_key_id, c.cost_type, c.total_cost_usd, c.billable_tokens, c.billable_requests,
  c.allocation_method, c.allocation_note, c.is_provisional, c.invoice_id, r.archive_page,
  {record} AS record,
  COUNT(*) OVER () AS of_rows, SUM(c.total_cost_usd) OVER () AS of_total
FROM fact_ai_costs AS c
LEFT JOIN raw_ai_events AS r ON r.event_id = c.event_id AND r.event_date = @day
LEFT JOIN int_people AS p ON p.user_sk = c.user_sk
LEFT JOIN dim_platforms AS f ON f.platform_sk = c.platform_sk
LEFT JOIN dim_cost_centers AS n ON n.cost_center_sk = c.cost_center_sk
WHERE c.cost_timestamp >= TIMESTAMP(@day, 'UTC') AND c.cost_timestamp < TIMESTAMP(@after, 'UTC')
  {where}
ORDER BY ABS(c.total_cost_usd) DESC, c.event_id, c.event_part
LIMIT {limit} OFFSET {offset}
"""


@dataclass(frozen=True)
class Events:
    """A page of a day's events: rows as mappings, how many there are in all, and their sum.

    A row has `event_id`, `event_part`, `cost_timestamp` (UTC), `source_endpoint`, `person`, `team`,
    `platform`, `cost_center`, `model`, `api_key_id`, `cost_type`, `total_cost_usd`,
    `billable_tokens`, `billable_requests`, `allocation_method`, `allocation_note`,
    `is_provisional`, `invoice_id`, `archive_page` (SHA-256 of the vendor's archived answer, #, and
    the record's number in it) and `record`: its text as the vendor sent it, or as finance's file
    has it. None where `shows_records` is False.
    """

    rows: Sequence[dict[str, Any]]
    of_rows: int
    total: Decimal


def shows_records(viewer: Viewer) -> bool:
    """Whether a viewer is shown the vendors' records themselves.

    A record may bill several people in several cost centres, and names them by addresses and keys:
    it is for who sees the dollars of them all.
    """
    return viewer.sees_every_dollar


def events(
    published: Published,
    warehouse: Warehouse,
    viewer: Viewer,
    filters: Filters,
    day: date,
    *,
    whole: bool = False,
) -> Events:
    """The cost events of a UTC day under the filters' selections, the dearest first.

    200 a page (`filters.page`); `whole`: all, for a CSV. An event of several projects stands with
    its whole amount under each. Raises `ForbiddenError` for who sees no single people, and
    `WarehouseError` where the warehouse is busy.
    """
    if not sees_people(viewer):
        raise ForbiddenError("an event has one bearer: your role sees no single people.")
    columns = _COLUMNS | (_NOW if filters.org == "now" else {})
    values: dict[str, Parameter] = {"day": day, "after": day + timedelta(days=1)}
    where = _whose(published, viewer, day, values)
    for name, wanted in filters.selected.items():
        marks = []
        for i, value in enumerate(wanted):
            values[f"{name}_{i}"] = value
            marks.append(f"@{name}_{i}")
        listed = ", ".join(marks)
        if name == "project":
            where += (
                f" AND (EXISTS (SELECT 1 FROM UNNEST(c.project_codes) AS code WHERE code IN "
                f"({listed})) OR ('No project' IN ({listed}) AND "
                "COALESCE(ARRAY_LENGTH(c.project_codes), 0) = 0))"
            )
        else:
            where += f" AND {columns[name]} IN ({listed})"
    sql = _SQL.format(
        **{name: columns[name] for name in ("person", "team", "platform", "cost_center")},
        # Not asked for rather than left out later: what is not read cannot be shown.
        record="r.raw_response" if shows_records(viewer) else "CAST(NULL AS STRING)",
        where=where,
        limit=1_000_000 if whole else PAGE_ROWS,
        offset=0 if whole else (filters.page - 1) * PAGE_ROWS,
    )
    rows = warehouse.query(Query(sql, values)).to_pylist()
    count = rows[0]["of_rows"] if rows else 0
    total = rows[0]["of_total"] if rows else Decimal(0)
    for row in rows:
        del row["of_rows"], row["of_total"]
    return Events(rows, count, total)


def _whose(published: Published, viewer: Viewer, day: date, values: dict[str, Parameter]) -> str:
    if viewer.rights.rows is Rows.SELF:
        values["viewer"] = viewer.email
        return f" AND p.is_person AND {_COLUMNS['person']} = @viewer"
    if viewer.rights.rows is Rows.PEOPLE:
        led, bound = led_people(viewer)
        own = published.rows(
            f"SELECT user_sk FROM ({led}) WHERE $day BETWEEN since AND until", {**bound, "day": day}
        )
        keys = sorted({int(row["user_sk"]) for row in own}) or [-2]
        return f" AND c.user_sk IN ({', '.join(map(str, keys))})"
    if viewer.cost_centers:
        marks = []
        for i, value in enumerate(sorted(viewer.cost_centers)):
            values[f"own_{i}"] = value
            marks.append(f"@own_{i}")
        return f" AND {_COLUMNS['cost_center']} IN ({', '.join(marks)})"
    return ""
