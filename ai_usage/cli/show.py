"""Rows as a table, CSV, CSV for a spreadsheet or JSON."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ai_usage.cli.harmless import say
from ai_usage.text import figures
from ai_usage.text.csv_cells import COMMANDS, cents, csv_cell, excel_cell, text
from ai_usage.text.printable import printable

MAX_TABLE_ROWS = 200
"""A terminal is no place for more; CSV and JSON give all."""

MAX_RECORDS = 20
"""The same where each row takes a screenful because the columns do not fit side by side."""

_NOT_CENTS = re.compile(r"(^|_)(per|share|ratio|pct|percentage|quantity|(?<!run_)rate)(_|$)")
"""Columns of decimals that are no amounts of money, or prices too small for cents."""


def print_rows(console: Console, rows: pa.Table, format_: str, *, in_cents: bool = False) -> None:
    """Print rows as `table`, `csv`, `excel` or `json`; columns of one name are told apart.

    `in_cents` shows money in cents, in a table with thousands and the dollar's sign; without it
    all digits are shown, but for `excel`.
    """
    rows = rows.rename_columns(told_apart(rows.column_names))
    if format_ == "json":
        _print_json(rows, in_cents)
    elif format_ == "csv":
        _print_csv(rows, in_cents)
    elif format_ == "excel":
        sys.stdout.write("\ufeff")
        _print_csv(rows, in_cents=True, to_the_second=True)
    else:
        _print_table(console, rows, in_cents)


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, each once: the second `a` is `a_2`, the next `a_3`, past those that are taken."""
    taken, seen, found = set(names), set[str](), []
    for name in names:
        unique, number = name, 1
        while unique in seen or (number > 1 and unique in taken):
            number += 1
            unique = f"{name}_{number}"
        seen.add(unique)
        found.append(unique)
    return found


def _print_json(rows: pa.Table, in_cents: bool) -> None:
    """A list of objects; decimals are numbers with all their digits, unless in cents."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    money = dict(zip(rows.column_names, _money(rows, in_cents), strict=True))
    cleaned = [
        {name: _exact(cents(value) if money[name] else value) for name, value in row.items()}
        for row in rows.to_pylist()
    ]
    pretty = msgspec.json.format(encoder.encode(cleaned), indent=1).decode()
    sys.stdout.write(COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", pretty) + "\n")


def _exact(value: Any) -> Any:
    return Decimal(text(value)) if isinstance(value, Decimal) else value


def _print_csv(rows: pa.Table, in_cents: bool, to_the_second: bool = False) -> None:
    """CSV; a spreadsheet takes the byte order mark before it for UTF-8, and no instant with a T."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(csv_cell, rows.column_names))
    money = _money(rows, in_cents)
    for row in rows.to_pylist():
        writer.writerow(
            excel_cell(value, own) if own or to_the_second else csv_cell(value)
            for value, own in zip(row.values(), money, strict=True)
        )


def _money(rows: pa.Table, in_cents: bool) -> list[bool]:
    """Of each column whether its amounts are shown in cents."""
    return [in_cents and _is_money(field) for field in rows.schema]


def _is_money(field: pa.Field) -> bool:
    """Whether a column's amounts are shown in cents. Sums of whole numbers have no places."""
    decimal = pa.types.is_decimal(field.type) and field.type.scale > 0
    return decimal and not _NOT_CENTS.search(field.name)


def _print_table(console: Console, rows: pa.Table, in_cents: bool) -> None:
    names = [printable(name) for name in rows.column_names]
    money = _money(rows, in_cents)
    cells = [
        [
            figures.money(value) if own and value is not None else printable(text(value))
            for value, own in zip(row.values(), money, strict=True)
        ]
        for row in rows.slice(0, MAX_TABLE_ROWS).to_pylist()
    ]
    if _fits(console, names, cells):
        shown = len(cells)
        _print_grid(console, rows.schema, names, cells)
    else:
        shown = min(len(cells), MAX_RECORDS)
        _print_records(console, names, cells[:shown])
    if not rows.num_rows:
        console.print("no rows")
    elif rows.num_rows > shown:
        console.print(
            f"the first {shown} of {rows.num_rows:,} rows; --format csv gives all",
            highlight=False,
            soft_wrap=True,
        )


def _fits(console: Console, names: Sequence[str], cells: Sequence[Sequence[str]]) -> bool:
    widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
    return sum(widths) + 2 * len(widths) <= console.width


def _print_grid(
    console: Console, schema: pa.Schema, names: Sequence[str], cells: Sequence[Sequence[str]]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for name, field in zip(names, schema, strict=True):
        numeric = pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)
        right = numeric or pa.types.is_integer(field.type)
        table.add_column(_plain(name), justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(_plain, row))
    console.print(table)


def _print_records(console: Console, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """One value a line, where the columns do not fit side by side."""
    width = max(map(cell_len, names))
    for number, row in enumerate(cells, 1):
        console.print(f"── row {number} ──", highlight=False)
        for name, value in zip(names, row, strict=True):
            line = f"{name.ljust(width)}  {value}".rstrip()
            say(console, line)


def _plain(value: str) -> str:
    # Square brackets would be read as markup.
    return value.replace("[", r"\[")
