"""`budgets.csv`: what a person, team, department, cost centre or project may spend a month."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ai_usage.reference.column import CURRENCY, MONEY, Column, Row, of_table
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import RATES, USERS, Others, missing_rates, unknown_people
from ai_usage.reference.periods import first_difference, in_order, overlaps
from ai_usage.reference.problems import CellError, Problem, quoted

_TABLE = "dim_budgets"
SCOPES = ("person", "team", "department", "cost_center", "project")
"""Whose a budget can be."""
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row)
    if row["valid_from"].day != 1:
        what = f"{row['valid_from']} is not the first day of a month"
        yield "valid_from", CellError(what, "budgets hold for whole months")
    if row["valid_to"] and _next_day(row["valid_to"]).day != 1:
        what = f"{row['valid_to']} is not the last day of a month"
        yield "valid_to", CellError(what, "budgets hold for whole months")
    if row["scope_type"] == "person":
        if not _ADDRESS.fullmatch(row["scope_value"]):
            what = f"{quoted(row['scope_value'])} is not an e-mail address"
            yield "scope_value", CellError(what, "a person's budget names their address")
        elif row["scope_value"] != row["scope_value"].lower():
            what = f"{quoted(row['scope_value'])} is not in lower case"
            yield "scope_value", CellError(what, "write the address in lower case")


def _next_day(day: date) -> date:
    return date(1, 1, 1) if day == date.max else day + timedelta(days=1)


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines,
        lambda row: (row["scope_type"], row["scope_value"]),
        "the budget's months",
        "end the earlier budget with valid_to",
    )


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from unknown_people(
        lines, others, "scope_value", where=lambda row: row["scope_type"] == "person"
    )
    yield from missing_rates(lines, others, _converted_on)


def _converted_on(row: Row) -> date:
    """The first day that needs a rate: each later month has at least this one."""
    day: date = row["valid_from"]
    return day


FILE = ReferenceFile(
    name="budgets.csv",
    description="Budgets a month, per person, team, department, cost centre or project. A person's "
    "line here wins over the ai_budget_monthly_usd of the directory.",
    columns=(
        of_table(_TABLE, "scope_type", required=True, choices=SCOPES),
        of_table(_TABLE, "scope_value", required=True),
        Column(
            "amount",
            MONEY,
            "Budget a month, in currency: each month takes the exchange rate of its first day.",
            required=True,
        ),
        Column("currency", CURRENCY, "Currency of the amount.", default=USD),
        of_table(_TABLE, "valid_from", required=True),
        of_table(
            _TABLE,
            "valid_to",
            description="Last day of the budget's last month. Empty: until further notice.",
        ),
        Column("category", of_table(_TABLE, "budget_category").kind, "Label of the budget."),
    ),
    examples=(
        {
            "scope_type": "person",
            "scope_value": "ada.byron@example.com",
            "amount": "300.00",
            "valid_from": "2026-01-01",
            "valid_to": "2026-06-30",
            "category": "pilot",
        },
        {
            "scope_type": "team",
            "scope_value": "Search",
            "amount": "4000",
            "valid_from": "2026-01-01",
        },
        {
            "scope_type": "cost_center",
            "scope_value": "CC-100",
            "amount": "12000",
            "valid_from": "2026-01-01",
            "category": "run",
        },
        {
            "scope_type": "project",
            "scope_value": "ATLAS",
            "amount": "2500",
            "valid_from": "2026-01-01",
            "valid_to": "2026-12-31",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(USERS, RATES),
    changed_from=first_difference(),
)
