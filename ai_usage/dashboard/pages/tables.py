"""Arrow to tables as people read them: values written by kind, sorted, at most a page of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from ai_usage.dashboard.charts.chart import Chart
from ai_usage.dashboard.filters import PAGE_ROWS, Filters
from ai_usage.dashboard.pages.parts import Badge, Cell, Heading, Look, Pager, Table
from ai_usage.text.figures import UNKNOWN, count, money, month_name, share

Kind = Literal[
    "text", "money", "exact", "change", "count", "share", "day", "month", "time", "flag", "prose"
]
WHOLE = frozenset({"day", "month", "time"})
"""Kinds that are never broken over lines."""
NUMBERS = frozenset({"money", "exact", "change", "count", "share"})


@dataclass(frozen=True)
class Column:
    """A column of a table: where its values come from, and how they are written.

    `cell` writes a row's cell where the kind does not suffice; `bar` draws each value's part of the
    largest below it.
    """

    name: str
    label: str
    kind: Kind = "text"
    cell: Callable[[Mapping[str, Any]], Cell] | None = None
    bar: bool = False
    help: str = ""

    @property
    def look(self) -> Look:
        """Figures stand to the right, days are not broken over lines, sentences have room."""
        if self.kind in NUMBERS:
            return "number"
        return "whole" if self.kind in WHOLE else "prose" if self.kind == "prose" else ""


def written(value: Any, kind: str = "text") -> str:
    """A value as it is read: exact, and a dash for what is not known."""
    if value is None or value == "":
        return UNKNOWN
    if kind in ("money", "change"):
        return money(Decimal(value), signed=kind == "change")
    if kind == "exact":
        return f"${Decimal(value).normalize():,f}"
    if kind == "count":
        return count(value)
    if kind == "share":
        return share(value)
    if kind == "flag":
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return f"{value.day} {value:%b %Y %H:%M}"
    if isinstance(value, date):
        return month_name(value) if kind == "month" else f"{value.day} {value:%b %Y}"
    return str(value)


def table_of(
    rows: pa.Table | Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    name: str,
    caption: str,
    filters: Filters | None = None,
    path: str = "",
    total: Sequence[str] = (),
    badges: Mapping[str, Mapping[Any, Badge]] | None = None,
) -> Table:
    """A table of the rows, sorted and cut as the filters ask; `total` names columns to add up.

    Without filters, or where they name none of its columns, the rows stay in their order. The
    totals are of all rows, whatever the page shows.
    """
    held = list(rows.to_pylist() if isinstance(rows, pa.Table) else rows)
    sortable = {column.name for column in columns}
    key = filters.sort.removeprefix("-") if filters else ""
    down = bool(filters and filters.sort.startswith("-"))
    if key in sortable:
        held = ordered(held, key, down)
    at = filters.page if filters else 1
    pages = max(1, -(-len(held) // PAGE_ROWS))
    at = min(at, pages)
    shown = held[(at - 1) * PAGE_ROWS : at * PAGE_ROWS]
    largest = {
        column.name: max((abs(row[column.name] or 0) for row in held), default=0)
        for column in columns
        if column.bar
    }
    return Table(
        name,
        caption,
        [_heading(column, filters, path, key, down) for column in columns],
        [[_cell(row, column, largest, badges or {}) for column in columns] for row in shown],
        foot=_foot(held, columns, total),
        pager=_pager(filters, path, at, pages, len(shown), len(held)) if filters else None,
    )


def ordered(
    rows: Sequence[Mapping[str, Any]], key: str, down: bool = False
) -> list[Mapping[str, Any]]:
    """The rows by a column, unknown values last either way, equal ones in their order."""
    known = [row for row in rows if row[key] is not None]
    return [
        *sorted(known, key=lambda row: row[key], reverse=down),
        *(row for row in rows if row[key] is None),
    ]


def behind(chart: Chart) -> Table:
    """The table behind a chart: exact values, all rows."""
    columns = [Column(c.name, c.label, c.kind) for c in chart.columns]
    found = table_of(chart.table, columns, name=f"{chart.name}-data", caption=chart.title)
    if not chart.links:
        return found
    rows = [
        [replace(row[0], evidence=link), *row[1:]]
        for row, link in zip(found.rows, chart.links, strict=False)
    ]
    return replace(found, rows=rows)


def _heading(column: Column, filters: Filters | None, path: str, key: str, down: bool) -> Heading:
    if filters is None:
        return Heading(column.label, column.look, help=column.help)
    is_by = column.name == key
    # Figures are looked for from the largest down, names from A on; a second click turns round.
    downwards = not down if is_by else column.look == "number"
    sort = f"{'-' if downwards else ''}{column.name}"
    order: Literal["", "ascending", "descending"] = ""
    if is_by:
        order = "descending" if down else "ascending"
    href = f"{path}?{filters.having(sort=sort).address}"
    return Heading(column.label, column.look, href, order, column.help)


def _cell(
    row: Mapping[str, Any],
    column: Column,
    largest: Mapping[str, Any],
    badges: Mapping[str, Mapping[Any, Badge]],
) -> Cell:
    if column.cell is not None:
        return column.cell(row)
    value = row[column.name]
    if (badge := badges.get(column.name, {}).get(value)) is not None:
        return Cell("", badge=badge)
    text = written(value, column.kind)
    top = largest.get(column.name)
    bar = float(Decimal(abs(value)) / Decimal(top)) if top and value else None
    return Cell(text, bar=bar)


def _foot(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], total: Sequence[str]
) -> list[Cell]:
    if not total or len(rows) < 2:
        return []
    return [
        Cell(written(sum((r[c.name] or 0 for r in rows), Decimal(0)), c.kind))
        if c.name in total
        else Cell("Total" if number == 0 else "")
        for number, c in enumerate(columns)
    ]


def _pager(filters: Filters, path: str, at: int, pages: int, shown: int, of: int) -> Pager | None:
    if pages == 1:
        return None
    first = (at - 1) * PAGE_ROWS + 1
    return Pager(
        first,
        first + shown - 1,
        of,
        before=f"{path}?{filters.having(page=at - 1).address}" if at > 1 else "",
        after=f"{path}?{filters.having(page=at + 1).address}" if at < pages else "",
    )
