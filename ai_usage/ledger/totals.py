"""What the warehouse says of months: their totals to be closed, and what is held back from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from ai_usage.ledger.closing import ClosedTotal, month_window
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.files import load

_DEFERRED = "SELECT MIN(first_day) AS first_day FROM vw_adjustments WHERE status = 'held_back'"


def totals_of(warehouse: Warehouse, month: date, now: datetime) -> list[ClosedTotal]:
    """The month's totals as the facts have them: a version of a person, product, cost centre."""
    window = month_window(month)
    bound = {"start": window.start, "end": window.end, "closed_at": now}
    rows = warehouse.rows(Query(load("ledger", "closing_totals"), bound))
    return sorted((_total(row) for row in rows), key=_order)


def first_deferred_day(warehouse: Warehouse) -> date | None:
    """The first day of closed months that a vendor restated and the facts do not have; or None."""
    if not warehouse.exists("vw_adjustments"):
        return None
    day: date | None = next(warehouse.rows(_DEFERRED))["first_day"]
    return day


def _total(row: Mapping[str, object]) -> ClosedTotal:
    return msgspec.convert(dict(row), ClosedTotal)


def _order(total: ClosedTotal) -> tuple[str, ...]:
    return (
        total.platform_code,
        total.platform_name,
        total.user_email,
        total.cost_center,
        total.team,
        str(total.user_sk),
    )
