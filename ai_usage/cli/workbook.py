"""Rows as a file for a spreadsheet, CSV or XLSX by its name: neutralised, money in cents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import xlsxwriter

from ai_usage.errors import AiUsageError
from ai_usage.text.csv_cells import csv_cell, spreadsheet_csv
from ai_usage.text.figures import money

Cell = str | date | Decimal | None

_MONEY = "#,##0.00;[Red]-#,##0.00"
_WIDEST = 60


def write_rows(
    path: Path, sheet: str, names: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> None:
    """Write the file anew; Decimals are money.

    Raises `AiUsageError` where its name says neither CSV nor XLSX, or it cannot be written.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        content = spreadsheet_csv(names, rows).encode()
    elif kind == ".xlsx":
        content = _xlsx(sheet, names, rows)
    else:
        raise AiUsageError(f"--to {path}: its name must end in .csv or .xlsx.")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise AiUsageError(f"{path} cannot be written: {error.strerror}.") from error


def _xlsx(sheet: str, names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """Text is written as text, which no spreadsheet runs, and neutralised for who saves it as CSV.

    An amount in cents has 15 digits at most, which a spreadsheet's number holds exactly.
    """
    to = io.BytesIO()
    with xlsxwriter.Workbook(to, {"in_memory": True}) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": _MONEY})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page = book.add_worksheet(sheet)
        for column, name in enumerate(names):
            page.write_string(0, column, csv_cell(name), bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, Decimal):
                    page.write_number(number, column, float(cell), money)
                elif isinstance(cell, date):
                    page.write_datetime(number, column, cell, day)
                elif cell is not None:
                    page.write_string(number, column, csv_cell(cell))
        for column, name in enumerate(names):
            widths = [len(name), *(len(_shown(row[column])) for row in rows)]
            page.set_column(column, column, min(max(widths) + 2, _WIDEST))
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(len(rows), 1), len(names) - 1)
    return to.getvalue()


def _shown(cell: Cell) -> str:
    return money(cell) if isinstance(cell, Decimal) else str(cell or "")
