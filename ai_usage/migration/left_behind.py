"""Days that an old name would lose with the cutover: nobody has loaded them."""

from __future__ import annotations

from datetime import date

from sqlglot import exp

from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.endpoints import of_endpoints
from ai_usage.migration.sources import Source, day_literal
from ai_usage.text.words import ranges
from ai_usage.warehouse.base import Query, Warehouse


def left_behind(
    source: Source, table: str, mapping: TableMapping, warehouse: Warehouse
) -> list[date]:
    """Days of the table within `days:` that neither a vendor nor a load has brought, in order."""
    of_vendor, given = of_endpoints(mapping.platform, mapping.endpoints)
    sql = f"SELECT DISTINCT day FROM loaded_days WHERE day >= DATE '1900-01-01' AND {of_vendor}"
    loaded = {row["day"] for row in warehouse.rows(Query(sql, given))}
    first, last = mapping.days.first or date.min, mapping.days.last or date.max
    day = exp.paren(expression(mapping.day))
    days = (
        exp.select(exp.alias_(exp.cast(day, exp.DType.DATE), "day_"))
        .distinct()
        .from_(exp.to_table(table))
        # BigQuery may refuse to read a table without a condition on its days.
        .where(exp.GTE(this=day.copy(), expression=day_literal(first)))
    )
    there = {row["day_"] for row in source.rows(days)}
    return sorted(d for d in there if d not in loaded and d <= last)


def in_words(table: str, days: list[date]) -> str:
    """What is lost, and what can be done."""
    return (
        f"{table} has rows of {ranges(days)} that its view would not have: load them with "
        "`ai-usage migrate load`, or give them up with `days:` in migration.yaml"
    )
