"""Seats that are paid for, and whether they are worth it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.released import Family, Rows, release
from ai_usage.dashboard.rows import led_people
from ai_usage.dashboard.scope import ForbiddenError, sees_people
from ai_usage.dashboard.viewers import Rows as Seen
from ai_usage.dashboard.viewers import Viewer

IN_USE = "in use"

_FAMILIES: tuple[Family, ...] = (
    (),
    ("platform_name",),
    ("idle_reason",),
    ("platform_name", "idle_reason"),
)
_OTHERS = {"platform_name": "Other products", "idle_reason": "in use or not"}
_WASTE = pa.schema(
    [
        ("platform_name", pa.string()),
        ("idle_reason", pa.string()),
        ("seats", pa.int64()),
        ("monthly_price_usd", pa.decimal128(38, 9)),
        ("wasted_monthly_usd", pa.decimal128(38, 9)),
        ("is_merged", pa.bool_()),
    ]
)


def seats(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The seats of the day that the copy is seen from, the dearest waste first.

    The columns of `vw_idle_seats`: all seats, or those of the viewer's people. Raises
    `ForbiddenError` for who sees no single people: `waste` is for them.
    """
    where, values = _selected(viewer, filters)
    if not sees_people(viewer):
        raise ForbiddenError("a seat has one holder: your role sees no single people.")
    led = "SELECT NULL AS user_email"
    if viewer.rights.rows is Seen.PEOPLE:
        led, more = led_people(viewer)
        values |= more
        where.append(
            "user_email IN (SELECT l.user_email FROM led AS l, about AS a "
            "WHERE a.as_of BETWEEN l.since AND l.until)"
        )
    elif viewer.rights.rows is Seen.SELF:
        where.append("user_email = $viewer")
        values["viewer"] = viewer.email
    return published.query(
        f"WITH led AS ({led}) SELECT * FROM seats WHERE {' AND '.join(where)} "
        "ORDER BY wasted_monthly_usd DESC, idle_days DESC, seat_id",
        values,
    )


def waste(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """Seats by product and reason, for who sees no single people: the sums of all seats.

    `platform_name`, `idle_reason` (`in use` for none), `seats`, `monthly_price_usd`,
    `wasted_monthly_usd`, `is_merged`. Products and reasons that too few people share are one row.
    """
    own = "list_contains($own, cost_center)" if viewer.cost_centers else "TRUE"
    bound = {"own": sorted(viewer.cost_centers)} if viewer.cost_centers else {}
    rows = published.rows(f"SELECT * FROM seats WHERE {own} ORDER BY seat_id", bound)
    people = {email: i for i, email in enumerate(sorted({r["user_email"] or "" for r in rows}))}
    numbered = Rows(
        [people[row["user_email"]] if row["user_email"] else -1 for row in rows],
        {
            "platform_name": [row["platform_name"] for row in rows],
            "idle_reason": [row["idle_reason"] or IN_USE for row in rows],
        },
    )
    cells = release(numbered, _FAMILIES, viewer.smallest_group, _OTHERS) if rows else {}
    everything = cells.get((), [])
    if everything and 0 < len(everything[0].people) < viewer.smallest_group:
        raise ForbiddenError(f"fewer than {viewer.smallest_group} people hold a seat.")
    told = [
        {
            "platform_name": cell.label[0],
            "idle_reason": cell.label[1],
            "seats": len(cell.rows),
            "monthly_price_usd": sum(rows[row]["monthly_price_usd"] for row in cell.rows),
            "wasted_monthly_usd": sum(rows[row]["wasted_monthly_usd"] for row in cell.rows),
            "is_merged": cell.is_merged,
        }
        for cell in cells.get(_FAMILIES[-1], [])
        if not filters.platform or cell.label[0] in filters.platform
    ]
    return pa.Table.from_pylist(told, _WASTE)


def _selected(viewer: Viewer, filters: Filters) -> tuple[list[str], dict[str, Any]]:
    wanted = {
        "platform": ("platform_name", filters.platform),
        "department": ("department", filters.department),
        "cost_center": ("cost_center", filters.cost_center),
        "team": ("team", filters.team),
    }
    where: list[str] = ["TRUE"]
    values: dict[str, Any] = {}
    for name, (column, chosen) in wanted.items():
        if chosen:
            where.append(f"list_contains(${name}, {column})")
            values[name] = list(chosen)
    if viewer.cost_centers:
        where.append("list_contains($own, cost_center)")
        values["own"] = sorted(viewer.cost_centers)
    return where, values
