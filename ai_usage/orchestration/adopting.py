"""What the facts have adopted: files, bills and rules of a run of all, and what is older than they.

The ledger keeps it in the archive; the warehouse tells which days there are.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.ledger.adopted import adopt
from ai_usage.ledger.bills import note_bills_built
from ai_usage.ledger.rule_changes import (
    OutdatedDays,
    all_known,
    note_built,
    note_empty,
    outdated_days,
)
from ai_usage.orchestration.code_versions import present_changes
from ai_usage.orchestration.resources import Resources
from ai_usage.warehouse.base import Warehouse


def take_in_reference(given: Resources, built: Window, *, leaves_closed: bool) -> None:
    """Remember that the accepted reference files and the present rules are in the facts.

    Call it after a run that built all; `built` are its days, but for those of closed months if it
    `leaves_closed`.
    """
    loaded = loaded_days(given.warehouse)
    if loaded is not None:
        adopt(given.archive, given.clock, built, loaded, leaves_closed=leaves_closed)
        note_bills_built(given.archive, given.clock, built, leaves_closed=leaves_closed)
        note_built(
            given.archive,
            given.clock,
            built,
            loaded,
            present_changes(),
            leaves_closed=leaves_closed,
        )


def outdated(given: Resources, first_day: date) -> OutdatedDays | None:
    """The open days that the rules of an older version built; None where there are none.

    `first_day` is the first partition: what lies before it is not built anew.
    """
    return outdated_days(
        given.archive, first_day, lambda: loaded_days(given.warehouse), present_changes()
    )


def note_empty_warehouse(given: Resources) -> None:
    """Remember, where nothing is loaded yet, that all of it will follow the present rules.

    A warehouse that cannot be asked now is left to the run, which says why.
    """
    with suppress(WarehouseError):
        changes = present_changes()
        if not all_known(given.archive, changes) and loaded_days(given.warehouse) is None:
            note_empty(given.archive, given.clock, changes)


def loaded_days(warehouse: Warehouse) -> Window | None:
    """From the first to the last day with events; None where the warehouse has none."""
    if not warehouse.exists("raw_ai_events"):
        return None
    days = next(
        warehouse.rows(
            "SELECT MIN(event_date) AS first_day, MAX(event_date) AS last_day "
            "FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
        )
    )
    if days["first_day"] is None:
        return None
    return Window(days["first_day"], days["last_day"] + timedelta(days=1))
