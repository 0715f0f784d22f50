"""`other_costs.csv`: money that no vendor report holds, one line per cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.reference.column import (
    CODE,
    CURRENCY,
    DATE,
    EMAIL,
    SIGNED_MONEY,
    TEXT,
    Column,
    Row,
    of_table,
)
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import RATES, USERS, Others, missing_rates, unknown_people
from ai_usage.reference.periods import earliest, in_order
from ai_usage.reference.problems import CellError, Problem

_TABLE = "raw_ai_events"
KINDS = ("one_time", "tax", "credit", "commitment")


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row, "date_from", "date_to")
    if row["line_kind"] == "credit" and row["amount"] > 0:
        yield "amount", CellError(f"{row['amount']} is a credit above 0", "write it with a minus")
    if row["line_kind"] != "credit" and row["amount"] < 0:
        what = f"{row['amount']} is negative"
        yield "amount", CellError(what, "only a credit is; give it the line_kind credit")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for line in lines:
        cost = line.values["cost_id"]
        first = seen.setdefault(cost, line.number)
        if first != line.number:
            what = f"{cost} stands in line {first} too"
            yield Problem(line.number, "cost_id", what, "give each cost an id of its own")


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from unknown_people(lines, others)
    yield from missing_rates(lines, others, _converted_on)


def _converted_on(row: Row) -> date:
    day: date = row["date_from"]
    return day


FILE = ReferenceFile(
    name="other_costs.csv",
    description="Costs that no vendor's API reports: set-up fees, taxes, credits, commitments. "
    "Each is spread evenly and exactly over its days.",
    columns=(
        Column("cost_id", TEXT, "Name of the cost. Unique.", required=True),
        Column("platform", CODE, "Platform that the cost is for.", required=True),
        Column("platform_subtype", CODE, "Product within the platform, where it is for one."),
        Column(
            "line_kind",
            TEXT,
            "What it is: one_time for set-up and the like, tax, credit, or commitment for capacity "
            "bought beforehand.",
            required=True,
            choices=KINDS,
        ),
        Column("description", TEXT, "What was paid for, in words."),
        Column("amount", SIGNED_MONEY, "The whole amount, in currency.", required=True),
        Column("currency", CURRENCY, "Currency of the amount.", default=USD),
        Column("date_from", DATE, "First day that the cost is for.", required=True),
        Column(
            "date_to",
            DATE,
            "Last day that the cost is for; the same day for what is paid at once. Empty: that "
            "day.",
        ),
        Column("user_email", EMAIL, "Who bears the cost. Empty: shared by all."),
        of_table(_TABLE, "cost_center", description="Cost centre that bears the cost."),
        of_table(_TABLE, "project_codes", description="Projects that the cost is for."),
        Column("billing_account_id", TEXT, "Account that the vendor bills for it."),
    ),
    examples=(
        {
            "cost_id": "cursor-onboarding",
            "platform": "cursor",
            "line_kind": "one_time",
            "description": "Onboarding workshop",
            "amount": "2500.00",
            "date_from": "2026-01-12",
            "date_to": "2026-01-12",
            "cost_center": "CC-100",
        },
        {
            "cost_id": "priority-tier-2026-q1",
            "platform": "anthropic",
            "platform_subtype": "claude_api",
            "line_kind": "commitment",
            "description": "Priority Tier, first quarter",
            "amount": "9000.00",
            "date_from": "2026-01-01",
            "date_to": "2026-03-31",
            "project_codes": "SEARCH;INDEX",
        },
        {
            "cost_id": "goodwill-0412",
            "platform": "anthropic",
            "line_kind": "credit",
            "description": "Goodwill for the outage",
            "amount": "-120.50",
            "date_from": "2026-04-12",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(USERS, RATES),
    changed_from=earliest("date_from"),
)
