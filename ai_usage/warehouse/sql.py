"""SQL is written once, in BigQuery's dialect; this renders it for the engine that runs it.

`sqlglot` translates; what it gets wrong or leaves open is mended here, each mend with a test
(the measurements behind them are named in `sql/README.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Literal

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.files import names

Dialect = Literal["bigquery", "duckdb"]
Literals = Mapping[str, date | int | str | None]

AS_OF = "as_of"
"""The render parameter of views: the day they are seen from. None: always the current UTC day."""


def render(
    sql: str,
    dialect: Dialect,
    *,
    dataset: str,
    views_dataset: str | None = None,
    literals: Literals | None = None,
) -> str:
    """Render one statement for `dialect`.

    Names of the product's tables and views are qualified with their dataset; `@name` becomes the
    typed literal in `literals` where there is one, else it stays a bound parameter.
    """
    tree = _qualify(sqlglot.parse_one(sql, read="bigquery"), dataset, views_dataset or dataset)
    if literals is not None:
        tree = _fill(tree, literals, dialect)
    if dialect == "bigquery":
        return tree.sql("bigquery", pretty=True)
    return for_duckdb(tree).sql("duckdb", pretty=True)


def for_duckdb(tree: exp.Expr) -> exp.Expr:
    """Mend what the translation from BigQuery to DuckDB would silently change."""
    for node in list(tree.find_all(exp.DataType)):
        if node.this == exp.DType.DECIMAL and not node.expressions:
            # Bare NUMERIC becomes DECIMAL(18,3): six of nine places lost.
            node.set("expressions", [_param(38), _param(9)])
        elif node.this == exp.DType.BIGDECIMAL:
            raise ValueError("BIGNUMERIC has no exact type in DuckDB")
    for operation in list(tree.find_all(exp.IntDiv, exp.Mod, exp.SafeDivide)):
        # DIV(a + b, c) would come out as a + b // c.
        for side in ("this", "expression"):
            operand = operation.args[side]
            if isinstance(operand, exp.Binary | exp.Unary):
                operation.set(side, exp.paren(operand.copy()))
    for extract in list(tree.find_all(exp.Extract)):
        if extract.this.name.upper() == "DAYOFWEEK":
            # BigQuery's Sunday is 1, DuckDB's is 0.
            extract.replace(exp.paren(exp.Add(this=extract.copy(), expression=_number(1))))
    for current in list(tree.find_all(exp.CurrentDate)):
        # DuckDB's CURRENT_DATE follows the session's time zone, a reader's may not be UTC.
        current.replace(
            exp.cast(
                exp.AtTimeZone(this=exp.func("NOW"), zone=exp.Literal.string("UTC")),
                exp.DType.DATE,
            )
        )
    return tree


@cache
def relations() -> dict[str, str]:
    """Every table and view of the product, and which of the two it is."""
    return dict.fromkeys(names("tables"), "table") | dict.fromkeys(names("views"), "view")


def references(sql: str) -> set[str]:
    """The product's tables and views that a statement reads."""
    tree = sqlglot.parse_one(sql, read="bigquery")
    return {t.name for t in tree.find_all(exp.Table) if not t.db and t.name in relations()}


def parameters(sql: str) -> set[str]:
    """The names of the parameters of a statement."""
    tree = sqlglot.parse_one(sql, read="bigquery")
    return {p.name for p in tree.find_all(exp.Parameter)}


def _qualify(tree: exp.Expr, dataset: str, views_dataset: str) -> exp.Expr:
    kinds = relations()
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.db or table.name in defined or table.name not in kinds:
            continue
        home = views_dataset if kinds[table.name] == "view" else dataset
        parts = [exp.to_identifier(part) for part in home.split(".")]
        table.set("db", parts[-1])
        if len(parts) > 1:
            table.set("catalog", parts[0])
    return tree


def _fill(tree: exp.Expr, literals: Literals, dialect: Dialect) -> exp.Expr:
    for parameter in list(tree.find_all(exp.Parameter)):
        if parameter.name in literals:
            parameter.replace(_literal(literals[parameter.name], parameter.name))
    return tree


def _literal(value: date | int | str | None, name: str) -> exp.Expr:
    if value is None and name == AS_OF:
        return exp.CurrentDate(this=exp.Literal.string("UTC"))
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), exp.DType.DATE)
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    raise TypeError(f"@{name}: no literal for {value!r}")


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _param(value: int) -> exp.Expr:
    return exp.DataTypeParam(this=_number(value))
