"""`viewers.csv`: who sees what on the dashboard, beyond themselves and their own people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.reference.column import CODE, DATE, EMAIL, LIST, Column, Row
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.periods import END, START, in_order, overlaps
from ai_usage.reference.problems import CellError, Problem

ROLES = ("finance", "executive", "admin")
"""What a line can make somebody. Leads follow from the directories' tree."""


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row)
    if row["role"] == "admin" and row["cost_centers"]:
        yield "cost_centers", CellError("an admin sees all cost centres", "leave it empty")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines, lambda row: row["user_email"], "the person's days", "one role per person and day"
    )


def _never(_before: Sequence[Row], _after: Sequence[Row], _day: date) -> None:
    """Who looks at a figure changes no figure."""


FILE = ReferenceFile(
    name="viewers.csv",
    description="Who sees what on the dashboard. Who is not listed sees what is known of "
    "themselves; who leads people in the directories sees theirs. docs/dashboard.md has the roles.",
    columns=(
        Column("user_email", EMAIL, "The person, as the sign-in names them.", required=True),
        Column(
            "role",
            CODE,
            f"What they are: {', '.join(ROLES)}.",
            required=True,
            choices=ROLES,
        ),
        Column(
            "cost_centers",
            LIST,
            "Cost centres whose cost they see. Empty: all.",
        ),
        Column(START, DATE, "First day of the role. Empty: since ever."),
        Column(END, DATE, "Last day of the role. Empty: until further notice."),
    ),
    examples=(
        {"user_email": "fran.cashmere@example.com", "role": "finance", "valid_from": "2026-01-01"},
        {"user_email": "chief@example.com", "role": "executive"},
        {
            "user_email": "controller@example.com",
            "role": "finance",
            "cost_centers": "CC-100;CC-200",
            "valid_to": "2026-12-31",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    changed_from=_never,
)
