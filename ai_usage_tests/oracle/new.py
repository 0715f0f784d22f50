"""The statements of today as the product has them."""

from __future__ import annotations

from datetime import date
from functools import cache

from ai_usage.warehouse.files import load
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import parameters, references, render
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.oracle.bench import BASE, Side, View

Literal = date | int | str


@cache
def _views() -> tuple[View, ...]:
    """Every view, of staging and helpers too."""
    return tuple(
        View(
            name=schema.name,
            columns=tuple(schema.column_names),
            query=schema.query,
            defaults=schema.defaults,
            needs_a_day=_needs_a_day(schema.name),
        )
        for schema in map(view_schema, view_names())
    )


@cache
def _needs_a_day(view: str) -> bool:
    """Whether the view, or one that it reads, is seen from a day."""
    query = view_schema(view).query
    read = references(query) & set(view_names())
    return bool(parameters(query)) or any(map(_needs_a_day, read))


@cache
def _rendered(sql: str, literals: tuple[tuple[str, Literal], ...]) -> str:
    return render(sql, "duckdb", dataset=BASE, literals=dict(literals))


def _sql(sql: str, **literals: Literal) -> str:
    return _rendered(sql, tuple(sorted(literals.items())))


def _closing() -> str:
    return load("ledger", "closing_totals")


NEW = Side(
    schema=BASE,
    tables=built_tables,
    table=table_schema,
    statement=statement,
    views=_views,
    closing=_closing,
    sql=_sql,
)
