"""Lines of `seat_assignments.csv` that give away more seats than are bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ai_usage.days.spans import days_text, span_of
from ai_usage.finance.contracts import read_contracts
from ai_usage.finance.holders import read_holders
from ai_usage.finance.seating import OverAssigned, assign_seats
from ai_usage.identity.history import People
from ai_usage.reference.column import Row
from ai_usage.reference.file import Line
from ai_usage.reference.problems import Problem


def too_many_holders(
    lines: Sequence[Line], seats: Iterable[Row], people: People
) -> Iterator[Problem]:
    """Refuse who is given a seat by the file on days when all that are bought are held.

    Of more holders than seats those entitled the longest sit, as when seats are charged. Whoever
    has left by `people` holds none.
    """
    holders = read_holders([line.values for line in lines], (), people)
    for over in assign_seats(read_contracts(seats), holders).over_assigned:
        line = next(line for line in lines if _gives(line.values, over, people))
        whose = over.contract_id or over.platform
        what = f"{over.user_email} finds no seat of {whose} {days_text(over.span)}: all are held"
        remedy = "end a holder's line with valid_to, or raise the quantity in seats.csv"
        yield Problem(line.number, "user_email", what, remedy)


def _gives(row: Row, over: OverAssigned, people: People) -> bool:
    return (
        row["platform"] == over.platform
        and row["contract_id"] == over.contract_id
        and people.aliases.resolve(row["user_email"]) == over.user_email
        and bool(span_of(row["valid_from"], row["valid_to"]) & over.span)
    )
