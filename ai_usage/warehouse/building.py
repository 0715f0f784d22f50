"""What a table that SQL builds is asked for: which days are written together, by which query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

from ai_usage.days.windows import Window
from ai_usage.warehouse.base import ByDays, Parameter, Query, Warehouse
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import tables_read

_MONTH_TO_DATE = "month_start"
"""The parameter of statements whose rows add up what came before in the month."""


@cache
def built_from(table: str) -> tuple[str, ...]:
    """The tables built by SQL that a table is built from, in the order in which they are built."""
    read = tables_read(statement(table)) & set(built_tables()) - {table}
    needed = read.union(*(built_from(name) for name in read))
    return tuple(name for name in built_tables() if name in needed)


def is_partitioned(table: str) -> bool:
    """Whether a table is written by days; else it is replaced as a whole."""
    return table_schema(table).partition_column is not None


@cache
def follows_its_month(table: str) -> bool:
    """Whether rows of a day depend on earlier days of its month, also through other tables."""
    chain = (*built_from(table), table)
    return any(_MONTH_TO_DATE in statement_parameters(name) for name in chain)


def query_of(table: str, window: Window, run_id: str, today: date) -> Query:
    """The rows of a table for the window."""

    def asked(window: Window) -> Mapping[str, Parameter]:
        known: Mapping[str, Parameter] = {
            "start": window.start,
            "end": window.end,
            _MONTH_TO_DATE: window.start.replace(day=1),
            "run_id": run_id,
            "today": today,
        }
        return {name: known[name] for name in sorted(statement_parameters(table))}

    # What is replaced as a whole is judged over its whole history.
    by_days = ByDays(window, asked) if is_partitioned(table) else None
    return Query(statement(table), asked(window), by_days)


def windows_of_table(warehouse: Warehouse, table: str, windows: Sequence[Window]) -> list[Window]:
    """What must be written together with these windows, of a table with partitions."""
    if not follows_its_month(table):
        return list(windows)
    return [_to_loaded_month_end(warehouse, table, window) for window in windows]


def _to_loaded_month_end(warehouse: Warehouse, table: str, window: Window) -> Window:
    """The window, extended to the table's last day in the month in which it ends."""
    last = window.end - timedelta(days=1)
    next_month = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    if not warehouse.exists(table):
        return window
    schema = table_schema(table)
    found = warehouse.query(
        Query(
            f"SELECT MAX({schema.day_expression}) AS last_day FROM {table} "
            f"WHERE {schema.days_from('@end', '@next_month')}",
            {"end": window.end, "next_month": next_month},
        )
    ).to_pylist()
    loaded: date | None = found[0]["last_day"]
    return window if loaded is None else Window(window.start, loaded + timedelta(days=1))
