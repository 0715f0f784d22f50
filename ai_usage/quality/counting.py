"""The rows of an ibis table in a window, and how many of them fail, by day."""

from __future__ import annotations

from datetime import date
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.quality.days import utc_day
from ai_usage.quality.outcome import Outcome
from ai_usage.warehouse.schema import TableSchema


def within(rows: Any, schema: TableSchema, window: Window | None) -> Any:
    """The rows of an ibis table that lie in the window; all for a table without partitions."""
    if window is None or schema.partition_column is None:
        return rows
    column = rows[schema.partition_column]
    if schema.column(schema.partition_column).type == "DATE":
        return rows.filter((column >= window.start) & (column < window.end))
    return rows.filter((column >= window.start_at) & (column < window.end_at))


def day_of(rows: Any, schema: TableSchema) -> Any:
    """The UTC day of each row of an ibis table, NULL for a table without partitions."""
    if schema.partition_column is None:
        return None
    column = rows[schema.partition_column]
    return column if schema.column(schema.partition_column).type == "DATE" else utc_day(column)


def count_failing(
    failing: Any, schema: TableSchema, name: str, whole: Outcome, by_day: dict[date, Outcome]
) -> None:
    """Add the failing rows of an ibis table to the outcomes, under the rule's name."""
    day = day_of(failing, schema)
    if day is None:
        count = int(failing.count().execute())
    else:
        count = 0
        counted = failing.group_by(day=day).agg(n=failing.count())
        for row in counted.to_pyarrow().to_pylist():
            by_day.setdefault(row["day"], Outcome()).failures[name] = row["n"]
            count += row["n"]
    if count:
        whole.failures[name] = count
