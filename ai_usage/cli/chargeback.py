"""`ai-usage chargeback`: who is charged what of a month or an invoice, in cents that sum to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from ai_usage.cli.filled import filled_warehouse
from ai_usage.cli.harmless import say
from ai_usage.cli.invoices import Bill, find_bills
from ai_usage.cli.left_out import left_out
from ai_usage.cli.show import print_rows
from ai_usage.cli.workbook import Cell, write_rows
from ai_usage.errors import AiUsageError
from ai_usage.finance.chargeback import (
    NAMES,
    NOT_BILLED,
    UNBORNE,
    Line,
    cells,
    charge_invoice,
    charge_rows,
    cost_of,
)
from ai_usage.ledger.closing import month_window
from ai_usage.ledger.disputes import Cycle
from ai_usage.settings import Settings
from ai_usage.text.figures import money
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.files import load
from ai_usage.warehouse.schema import NUMERIC

_SHOWN = ["line", "cost_center", "product", "cost", "invoice_id", "amount"]
"""What fits a terminal."""


def charge(
    console: Console,
    messages: Console,
    settings: Settings,
    month: date | None,
    invoice_id: str | None,
    platform: str | None,
    to: Path | None,
    how: str,
) -> None:
    """Print the lines, or write them to a file, and say what they sum to and leave out.

    Raises `AiUsageError` where the month or the invoice is not known.
    """
    warehouse = filled_warehouse(settings, "agg_costs_daily")
    if invoice_id is not None:
        bills = find_bills(warehouse, invoice_id, platform)
        lines, what = _of_invoice(warehouse, bills, month), f"invoice {invoice_id}"
    elif month is not None:
        lines, what = _of_month(warehouse, month), f"{month:%Y-%m}"
    else:
        raise AiUsageError("say which month, YYYY-MM, or which invoice, --invoice ID.")
    rows = [cells(what, line) for line in lines]
    if to is None:
        shown = _table(rows)
        print_rows(console, shown.select(_SHOWN) if how == "table" else shown, how, in_cents=True)
    else:
        write_rows(to, f"Chargeback {what}"[:31], NAMES, rows)
        say(messages, f"{to}: {len(rows)} lines")
    notes = [*_sums(what, lines)]
    if invoice_id is None and month is not None:
        notes += _state(settings, warehouse, month)
    for note in notes:
        say(messages, f"{note}.")


def _of_month(warehouse: Warehouse, month: date) -> list[Line]:
    window = month_window(month)
    bound = {"start": window.start, "end": window.end}
    lines = charge_rows(warehouse.rows(Query(load("reports", "month_costs"), bound)))
    if not lines:
        raise AiUsageError(
            f"the facts have no cost of {month:%Y-%m}; `ai-usage backfill --from {window.start}` "
            "asks the vendors."
        )
    return lines


def _of_invoice(warehouse: Warehouse, bills: Sequence[Bill], month: date | None) -> list[Line]:
    if month is not None:
        asked = month_window(month)
        if not any(b.period.start < asked.end and asked.start < b.period.end for b in bills):
            periods = ", ".join(str(bill.period) for bill in bills)
            raise AiUsageError(
                f"invoice {bills[0].invoice_id} bills {periods}, nothing of {month:%Y-%m}: leave "
                "the month out."
            )
    return [line for bill in bills for line in _of_bill(warehouse, bill)]


def _of_bill(warehouse: Warehouse, bill: Bill) -> list[Line]:
    bound = {"start": bill.period.start, "end": bill.period.end}
    costs = [
        cost_of(row, Fraction(row["total_cost_usd"]) * row["weight"] / row["weights"])
        for row in warehouse.rows(Query(load("reports", "cycle_costs"), bound))
        if Cycle.of(row) == bill.cycle
    ]
    return charge_invoice(bill.invoice_id, bill.billed, bill.billed_in_cycle, costs)


def _table(rows: Sequence[tuple[Cell, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(column, pa.string()) for column in columns[:-1]]
    return pa.table([*arrays, pa.array(columns[-1], NUMERIC)], names=list(NAMES))


def _sums(what: str, lines: Sequence[Line]) -> Iterator[str]:
    """What the lines sum to, and what of it no cost centre bears or no invoice bills."""
    total = sum((line.amount for line in lines), Decimal())
    yield f"{what}: {money(total)} in {len(lines)} lines, rounded once"
    if unborne := [line.amount for line in lines if line.line == UNBORNE]:
        yield f"Of that {money(sum(unborne, Decimal()))} no cost centre bears"
    if uncovered := [line.amount for line in lines if line.invoice_id is None]:
        yield f"Of that {money(sum(uncovered, Decimal()))} no invoice covers"
    if beyond := [line.amount for line in lines if line.cost_center == NOT_BILLED]:
        yield f"The facts have {money(-sum(beyond, Decimal()))} that it does not bill"


def _state(settings: Settings, warehouse: Warehouse, month: date) -> Iterator[str]:
    """Whether the month's sum may still change, and what is not in it."""
    closed = "SELECT MAX(closed_at) AS at FROM closed_months WHERE month = @month"
    (row,) = warehouse.rows(Query(closed, {"month": month}))
    if row["at"] is None:
        yield (
            f"{month:%Y-%m} is not closed: the sum may still change; `ai-usage close "
            f"{month:%Y-%m}` locks it"
        )
    yield from left_out(warehouse, month, settings.today)
