"""`invoices.csv`: what the vendors have billed, one line per line of an invoice."""

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
    billed: dict[tuple[str, str | None, str], list[Line]] = defaultdict(list)
    for line in lines:
        row = line.values
        if row["line_kind"] in RECONCILED:
            billed[row["platform"], row["billing_account_id"], row["line_kind"]].append(line)
    for own in billed.values():
        yield from _between_cycles(own)


def _between_cycles(lines: Sequence[Line]) -> Iterator[Problem]:
    """Refuse a day of usage, or of seats, in two cycles: its cost could belong to either.

    Lines of one and the same cycle are fine on several invoices: one may correct another.
    """
    reach: Line | None = None
    for line in sorted(lines, key=lambda line: (*_cycle(line), line.number)):
        if reach and _cycle(line) != _cycle(reach) and _cycle(line)[0] <= _cycle(reach)[1]:
            later, earlier = max(line.number, reach.number), min(line.number, reach.number)
            what = f"the period overlaps that of line {earlier}, and is not the same"
            remedy = "write the same period for what corrects it, or the account each is billed to"
            yield Problem(later, "period_from", what, remedy)
        if reach is None or _cycle(line)[1] > _cycle(reach)[1]:
            reach = line


def _cycle(line: Line) -> tuple[date, date]:
    return line.values["period_from"], line.values["period_to"]


def _one_currency(lines: Sequence[Line]) -> Iterator[Problem]:
    """An invoice has one currency and one account: its lines are rounded and compared together."""
    first: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = (line.values["platform"], line.values["invoice_id"])
        known = first.setdefault(key, line)
        for column in ("currency", "billing_account_id"):
            if line.values[column] != known.values[column]:
                what = f"differs from line {known.number} of the same invoice"
                yield Problem(line.number, column, what, "fix it, or the invoice_id")


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from missing_rates(lines, others, _converted_on)


def _converted_on(row: Row) -> date:
    day: date = row["period_from"]
    return day


FILE = ReferenceFile(
    name="invoices.csv",
    description="The vendors' invoices, line by line, against which usage and seats are "
    "reconciled. Vendors bill cycles, not months. Invoices of one account and cycle are reconciled "
    "together: one may bill usage, one seats, one correct another.",
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
    # Invoices come after the close as a rule.
    judges_closed_months=True,
)
