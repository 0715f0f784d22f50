"""The statements of before the layers, read from `before/`: they are the oracle of the new ones.

Rendered without the product's knowledge of names: a name means what the search path finds first.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.schema import TableSchema, parse_ddl
from ai_usage.warehouse.sql import for_duckdb
from ai_usage_tests.oracle.bench import Side, View

BEFORE = Path(__file__).parent / "before"
BUILT = ("invoice_days", "invoice_reconciliation", "fact_ai_usage", "fact_ai_costs")
"""The tables that follow from the base tables, in the order in which they are built."""

Literal = date | int | str


@cache
def _table(name: str) -> TableSchema:
    """A table as its DDL declared it."""
    return parse_ddl((BEFORE / "tables" / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def _statement(name: str) -> str:
    """The text of `facts/<name>.sql`."""
    return (BEFORE / "facts" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _views() -> tuple[View, ...]:
    """Every view, those that others read first."""
    views = [_view(path.read_text(encoding="utf-8")) for path in (BEFORE / "views").glob("*.sql")]
    return tuple(sorted(views, key=lambda view: (view.name != "vw_loaded_days", view.name)))


def _view(ddl: str) -> View:
    create = sqlglot.parse_one(ddl, read="bigquery")
    labels = {}
    for prop in create.args["properties"].expressions:
        if isinstance(prop, exp.Property) and prop.this.name == "labels":
            for pair in prop.args["value"].expressions:
                label, text = (part.name for part in pair.expressions)
                labels[label] = int(text) if text.isdigit() else text
    return View(
        name=create.this.this.name,
        columns=tuple(column.name for column in create.this.expressions),
        query=create.expression.sql("bigquery"),
        defaults=labels,
    )


@cache
def _rendered(sql: str, literals: tuple[tuple[str, Literal], ...]) -> str:
    values = dict(literals)
    tree = sqlglot.parse_one(sql, read="bigquery")
    for parameter in list(tree.find_all(exp.Parameter)):
        value = values[parameter.name]
        if isinstance(value, date):
            node: exp.Expr = exp.cast(exp.Literal.string(value.isoformat()), exp.DType.DATE)
        elif isinstance(value, int):
            node = exp.Literal.number(value)
        else:
            node = exp.Literal.string(value)
        parameter.replace(node)
    return for_duckdb(tree).sql("duckdb")


def _sql(sql: str, **literals: Literal) -> str:
    """A statement for DuckDB, its parameters filled in."""
    return _rendered(sql, tuple(sorted(literals.items())))


def _tables() -> tuple[str, ...]:
    return BUILT


def _closing() -> str:
    return _statement("closed_months")


OLD = Side(
    schema="before",
    tables=_tables,
    table=_table,
    statement=_statement,
    views=_views,
    closing=_closing,
    sql=_sql,
)
