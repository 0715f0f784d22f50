"""Bills of other vendors that should have come: the check, and what completeness asks."""

from __future__ import annotations

from datetime import date

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.focus.due import COMES_WITHIN, DueBill, due_bills
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import newest_bills
from ai_usage.ledger.closing import history
from ai_usage.orchestration.checks.factory import DETAILS
from ai_usage.orchestration.checks.view_checks import Found, view_check
from ai_usage.orchestration.resources import Resources
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows

BILLS_DUE = "bills_due"


def due_now(archive: Archive, today: date) -> list[DueBill]:
    """The bills that are due by the accepted mapping, but for those of closed months."""
    known = history(archive)
    due = due_bills(newest_bills(archive), _services(archive), today)
    return [bill for bill in due if known.open(bill.days)]


def missing_bills(archive: Archive, window: Window) -> list[DueBill]:
    """The bills that speak of the window's days and have not come, whether or not they are due."""
    services = _services(archive)
    due = due_bills(newest_bills(archive), services, window.end + COMES_WITHIN)
    return [bill for bill in due if bill.days.start < window.end and window.start < bill.days.end]


def bills_due_check() -> dg.AssetChecksDefinition:
    """Whose bill should have come has sent it, whatever days a run covers."""

    def evaluate(given: Resources, context: dg.AssetCheckExecutionContext) -> Found:
        due = due_now(given.archive, given.clock.today)
        if not due:
            return Found({}, {})
        details = {_name(bill): str(bill) for bill in due}
        return Found(dict.fromkeys(details, 1), {DETAILS: dg.MetadataValue.json(details)})

    promise = (
        "Every account that billed an AI tool has a bill of each later month, within "
        f"{COMES_WITHIN.days} days of its end."
    )
    return view_check("loaded_days", BILLS_DUE, promise, evaluate, {"archive", "clock"})


def _services(archive: Archive) -> Services:
    return Services(newest_rows(archive, reference_file("focus_mapping.csv")) or [])


def _name(due: DueBill) -> str:
    return f"{due.account} {due.days}"
