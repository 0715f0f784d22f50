"""`ai-usage query`: rows as a table, CSV or JSON."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

MAX_TABLE_ROWS = 200
"""A terminal is no place for more; CSV and JSON give all."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def print_rows(console: Console, rows: pa.Table, format_: str) -> None:
    """Print rows as `table`, `csv` or `json`."""
    if format_ == "json":
        json.dump(rows.to_pylist(), sys.stdout, default=_json, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
    elif format_ == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows.column_names)
        for row in rows.to_pylist():
            writer.writerow([csv_cell(value) for value in row.values()])
    else:
        _print_table(console, rows)


def csv_cell(value: Any) -> str:
    """A cell that a spreadsheet shows as it is: text that would be a formula gets a quote."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, list):
        return ";".join(csv_cell(item) for item in value)
    return text(value)


def text(value: Any) -> str:
    """A value for a person: plain decimals, ISO dates, nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _json(value: Any) -> str:
    if isinstance(value, Decimal | datetime | date):
        return text(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _print_table(console: Console, rows: pa.Table) -> None:
    table = Table()
    for field in rows.schema:
        numeric = pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)
        right = numeric or pa.types.is_integer(field.type)
        table.add_column(field.name, justify="right" if right else "left", overflow="fold")
    for row in rows.slice(0, MAX_TABLE_ROWS).to_pylist():
        table.add_row(*[_plain(value) for value in row.values()])
    console.print(table)
    if rows.num_rows > MAX_TABLE_ROWS:
        console.print(
            f"the first {MAX_TABLE_ROWS} of {rows.num_rows} rows; --format csv gives all",
            highlight=False,
        )


def _plain(value: Any) -> str:
    # Square brackets would be read as markup, control characters as commands to the terminal.
    printable = "".join(c if c.isprintable() else "�" for c in text(value))
    return printable.replace("[", r"\[")
