"""What months lack that are open although a later month is closed.

Such a month was opened again, was loaded after the later one was closed, or was passed over by a
version that let months be closed in any order and then locked all days before. Its days are open,
but no look-back reaches them: what vendors restated there meanwhile must be looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ai_usage.archive.archive import Archive
from ai_usage.ledger.closing import history, month_window
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Warehouse

_DEFERRED = """
SELECT MIN(first_day) AS first_day
FROM vw_adjustments
WHERE status = 'held_back' AND month = @month AND closed_at IS NULL
"""
_EVENTS = """
SELECT COUNT(*) AS n FROM raw_ai_events WHERE event_date >= @start AND event_date < @end
"""


@dataclass(frozen=True)
class Deferred:
    """The first day that a vendor restated in an open month before a closed one, and the month."""

    month: date
    day: date

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} is open though a later month is closed, and was restated"


def open_whole_months(
    settings: Settings, archive: Archive, warehouse: Warehouse, before: date | None = None
) -> list[date]:
    """The open months that are loaded and of which a later one, by default, is closed.

    With `before` those before that month, whatever is closed. A month without events cannot be
    closed, nor can one that begins before the first partition: neither is among them. Raises
    `AiUsageError` where the warehouse cannot be asked.
    """
    known = history(archive)
    months = known.open_before(settings.first_day, before)
    whole = [month for month in months if month >= settings.first_day]
    return [month for month in whole if _has_events(warehouse, month)]


def _has_events(warehouse: Warehouse, month: date) -> bool:
    if not warehouse.exists("raw_ai_events"):
        return False
    window = month_window(month)
    query = Query(_EVENTS, {"start": window.start, "end": window.end})
    return bool(next(warehouse.rows(query))["n"])


def deferred_in_open_months(
    settings: Settings, archive: Archive, warehouse: Warehouse
) -> Deferred | None:
    """What the facts of such a month lack of the vendors' words; None where they lack nothing.

    Raises `AiUsageError` where the warehouse cannot be asked.
    """
    months = history(archive).open_before(settings.first_day)
    if not months or not warehouse.exists("vw_adjustments"):
        return None
    for month in months:
        row = next(warehouse.rows(Query(_DEFERRED, {"month": month})))
        if row["first_day"] is not None:
            return Deferred(month, row["first_day"])
    return None
