"""Seats that are paid for, and whether they are worth it."""

from __future__ import annotations

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError, sees_people
from ai_usage.dashboard.viewers import Rows, Viewer


def seats(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The seats of the day that the copy is seen from, the dearest waste first.

    The columns of `vw_idle_seats`. Raises `ForbiddenError` for who may not see them.
    """
    if not sees_people(viewer) or viewer.rights.rows is not Rows.ALL:
        raise ForbiddenError("seats are shown to who sees all cost by person.")
    wanted = {
        "platform": ("platform_name", filters.platform),
        "department": ("department", filters.department),
        "cost_center": ("cost_center", filters.cost_center),
        "team": ("team", filters.team),
    }
    where, values = ["TRUE"], {}
    for name, (column, chosen) in wanted.items():
        if chosen:
            where.append(f"list_contains(${name}, {column})")
            values[name] = list(chosen)
    if viewer.cost_centers:
        where.append("list_contains($own, cost_center)")
        values["own"] = sorted(viewer.cost_centers)
    return published.query(
        f"SELECT * FROM seats WHERE {' AND '.join(where)} "
        "ORDER BY wasted_monthly_usd DESC, idle_days DESC, seat_id",
        values,
    )
