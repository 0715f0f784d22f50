"""A month's close: what was reported, what came later, what the invoices say, what is open."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Role, Rows, Viewer
from ai_usage.days.months import months_before

_WHOLE = "closing concerns the whole company; your role sees a part of it."


def _check(viewer: Viewer) -> None:
    """Closing is for who sees the whole company, and all of it: invoices hide no small group.

    In `team` mode finance sees them all the same: they are the documents of its books.
    """
    if viewer.rights.rows is not Rows.ALL or viewer.cost_centers:
        raise ForbiddenError(_WHOLE)
    if viewer.role is Role.EXECUTIVE:
        raise ForbiddenError("invoices and adjustments of few people are shown to finance.")


def _of_cycles(published: Published, table: str, filters: Filters, order: str) -> pa.Table:
    """The rows of a table of the copy whose billing cycles overlap the filters' months."""
    return published.query(
        f"""
SELECT * FROM {table}
WHERE period_from < $after AND period_to >= $first
ORDER BY {order}
""",
        {"first": filters.first, "after": months_before(filters.last, -1)},
    )


def closed(published: Published, viewer: Viewer, filters: Filters) -> dict[str, Any] | None:
    """The close of the filters' last month: when, by whom, why, and its total; None if open."""
    _check(viewer)
    (row,) = published.rows(
        """
SELECT MAX(closed_at) AS closed_at, MAX(closed_by) AS closed_by,
  MAX(accepted_reason) AS accepted_reason, SUM(total_cost_usd) AS total
FROM closed WHERE month = $month
""",
        {"month": filters.last},
    )
    return row if row["closed_at"] is not None else None


def adjustments(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What came after the close, by platform and whether it was taken in or is held back.

    `platform_code`, `status`, `closed_usd`, `now_usd`, `adjustment_usd`, `first_seen_at`,
    `first_day`.
    """
    _check(viewer)
    return published.query(
        """
SELECT platform_code, status, SUM(closed_usd) AS closed_usd, SUM(now_usd) AS now_usd,
  SUM(adjustment_usd)::DECIMAL(38, 9) AS adjustment_usd,
  MIN(first_seen_at) AS first_seen_at, MIN(first_day) AS first_day
FROM adjustments WHERE month = $month
GROUP BY 1, 2 ORDER BY 1, 2
""",
        {"month": filters.last},
    )


def cycles(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The billing cycles that overlap the filters' months: the columns of `vw_reconciliation`."""
    _check(viewer)
    order = "reconciliation_status, period_from DESC, platform_code, billing_account_id, covers"
    return _of_cycles(published, "reconciliation", filters, order)


def invoice_lines(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The lines of the invoices of cycles that overlap the filters' months: `raw_invoices`."""
    _check(viewer)
    order = "platform, invoice_id, invoice_line"
    return _of_cycles(published, "invoice_lines", filters, order)


def partings(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """Where the disputed ones of `cycles` part: `parted.SCHEMAS`, a row per kind of cost."""
    _check(viewer)
    order = "period_from DESC, platform_code, billing_account_id, kind DESC"
    return _of_cycles(published, "partings", filters, order)


def parted_lines(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What the vendor reported on the days of `partings`, the dearest lines of each first.

    Raises `ForbiddenError` for who does not see everybody's dollars: a line names a key.
    """
    _check(viewer)
    if not viewer.sees_every_dollar:
        raise ForbiddenError("its lines name single people's keys: your role sees the days alone.")
    order = (
        "period_from DESC, platform_code, billing_account_id, kind DESC, day, "
        "what IS NULL, ABS(cost_usd) DESC, what, key"
    )
    return _of_cycles(published, "parted_lines", filters, order)


def open_points(published: Published, viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """What keeps the filters' last month from being final, in days and dollars.

    `missing_days` are not loaded; `provisional` may still change; `unknown_charges` are records
    that bill an amount nobody knows; `held_back` came after a close and is in no fact.
    """
    _check(viewer)
    (days,) = published.rows(
        """
SELECT COUNT(*) FILTER (NOT is_loaded) AS missing_days, COUNT(*) AS days
FROM loaded WHERE month = $month AND platform_code = 'all'
""",
        {"month": filters.last},
    )
    (costs,) = published.rows(
        """
SELECT COALESCE(SUM(total) FILTER (is_provisional), 0)::DECIMAL(38, 9) AS provisional,
  COALESCE(SUM(total) FILTER (is_unallocated), 0)::DECIMAL(38, 9) AS unallocated,
  COALESCE(SUM(total), 0)::DECIMAL(38, 9) AS total
FROM cost_rows WHERE month = $month
""",
        {"month": filters.last},
    )
    (months,) = published.rows(
        "SELECT COALESCE(MAX(unknown_charge_records), 0) AS unknown_charges FROM months "
        "WHERE month = $month",
        {"month": filters.last},
    )
    return {**days, **costs, **months}
