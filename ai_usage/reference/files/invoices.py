"""`invoices.csv`: what the vendors have billed, one line a line of an invoice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.reference.column import CODE, CURRENCY, SIGNED_MONEY, Column, Row, of_table
from ai_usage.reference.currencies import USD
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import RATES, Others, missing_rates
from ai_usage.reference.periods import earliest, in_order
from ai_usage.reference.problems import CellError, Problem

_TABLE = "raw_invoices"
KINDS = ("usage", "seat", "tax", "credit", "commitment")
RECONCILED = ("usage", "seat")
"""Kinds of lines that are compared with the cost of their period."""


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row, "period_from", "period_to")
    if row["line_kind"] == "credit" and row["amount"] > 0:
        yield "amount", CellError(f"{row['amount']} is a credit above 0", "write it with a minus")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from _one_currency(lines)
    billed: dict[tuple[str, str | None], list[Line]] = defaultdict(list)
    for line in lines:
        if line.values["line_kind"] in RECONCILED:
            billed[line.values["platform"], line.values["billing_account_id"]].append(line)
    for own in billed.values():
        yield from _billed_twice(own)


def _billed_twice(lines: Sequence[Line]) -> Iterator[Problem]:
    """Days that two invoices bill: each line against the one before it that reaches furthest."""
    reach: dict[str, Line] = {}
    for line in sorted(lines, key=lambda line: (line.values["period_from"], line.number)):
        row = line.values
        for invoice, other in reach.items():
            if invoice != row["invoice_id"] and row["period_from"] <= other.values["period_to"]:
                later, earlier = max(line.number, other.number), min(line.number, other.number)
                what = f"the period overlaps that of another invoice in line {earlier}"
                mend = "mend the period, or name the account each is billed to"
                yield Problem(later, "period_from", what, mend)
                break
        known = reach.get(row["invoice_id"])
        if known is None or row["period_to"] > known.values["period_to"]:
            reach[row["invoice_id"]] = line


def _one_currency(lines: Sequence[Line]) -> Iterator[Problem]:
    """An invoice has one currency and one account: its lines are rounded and compared together."""
    first: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = (line.values["platform"], line.values["invoice_id"])
        known = first.setdefault(key, line)
        for column in ("currency", "billing_account_id"):
            if line.values[column] != known.values[column]:
                what = f"differs from line {known.number} of the same invoice"
                yield Problem(line.number, column, what, "mend it, or the invoice_id")


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from missing_rates(lines, others, _converted_on)


def _converted_on(row: Row) -> date:
    day: date = row["period_from"]
    return day


FILE = ReferenceFile(
    name="invoices.csv",
    description="The vendors' invoices, line by line, against which usage and seats are "
    "reconciled. Vendors bill cycles, not months.",
    columns=(
        of_table(_TABLE, "invoice_id", required=True),
        of_table(_TABLE, "platform", kind=CODE, required=True),
        of_table(
            _TABLE,
            "billing_account_id",
            description="Account at the vendor. Empty where the vendor has one only.",
        ),
        of_table(_TABLE, "period_from", required=True),
        of_table(_TABLE, "period_to", required=True),
        of_table(
            _TABLE,
            "line_kind",
            description="What the line bills. Usage and seat lines are reconciled with the cost "
            "of their period.",
            required=True,
            choices=KINDS,
        ),
        Column(
            "amount", SIGNED_MONEY, "Amount of the line, in currency, without tax.", required=True
        ),
        Column("currency", CURRENCY, "Currency of the invoice.", default=USD),
    ),
    examples=(
        {
            "invoice_id": "CUR-2026-02",
            "platform": "cursor",
            "period_from": "2026-01-15",
            "period_to": "2026-02-14",
            "line_kind": "seat",
            "amount": "1600.00",
        },
        {
            "invoice_id": "CUR-2026-02",
            "platform": "cursor",
            "period_from": "2026-01-15",
            "period_to": "2026-02-14",
            "line_kind": "usage",
            "amount": "212.84",
        },
        {
            "invoice_id": "ANT-000117",
            "platform": "anthropic",
            "period_from": "2026-01-01",
            "period_to": "2026-01-31",
            "line_kind": "usage",
            "amount": "2861.07",
        },
        {
            "invoice_id": "ANT-000117",
            "platform": "anthropic",
            "period_from": "2026-01-01",
            "period_to": "2026-01-31",
            "line_kind": "credit",
            "amount": "-50.00",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(RATES,),
    changed_from=earliest("period_from"),
)
