"""SQL functions of `sql/functions/`: an expression that several statements use, written once.

A call is replaced by the expression when a statement is parsed, before lint, lineage and
translation: nothing is deployed, and no right to create a function is needed. An argument takes the
place of its parameter as it is: a declared type documents, it does not convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.files import load, names


@dataclass(frozen=True)
class SqlFunction:
    """A function: its parameters in order, and the expression that stands for a call."""

    name: str
    parameters: tuple[str, ...]
    body: exp.Expr


@cache
def functions() -> dict[str, SqlFunction]:
    """Every function, by name in lower case."""
    found = {}
    for name in names("functions"):
        function = parse_function(load("functions", name))
        if function.name != name:
            raise ValueError(f"sql/functions/{name}.sql creates {function.name}")
        found[name.lower()] = function
    return found


def parse_function(sql: str) -> SqlFunction:
    """Read one `CREATE TEMP FUNCTION` in BigQuery's dialect.

    Raises ValueError where it is none, or where its expression names anything but its parameters.
    """
    create = sqlglot.parse_one(sql, read="bigquery")
    if (
        not isinstance(create, exp.Create)
        or create.kind != "FUNCTION"
        or not isinstance(create.this, exp.UserDefinedFunction)
        or not isinstance(create.expression, exp.Expr)
    ):
        raise ValueError("not a CREATE TEMP FUNCTION name(parameters) AS (expression)")
    name = create.this.this.name
    parameters = tuple(parameter.name for parameter in create.this.expressions)
    body = create.expression
    strangers = {c.sql("bigquery") for c in body.find_all(exp.Column)} - set(parameters)
    if strangers or body.find(exp.Query):
        raise ValueError(f"{name} reads more than its parameters: {', '.join(sorted(strangers))}")
    for node in body.walk():
        node.comments = None
    return SqlFunction(name, parameters, body)


def inline(tree: exp.Expr) -> exp.Expr:
    """Replace every call of a function of ours, those within an expression put in included."""
    while calls := [c for c in tree.find_all(exp.Anonymous) if c.name.lower() in functions()]:
        # The outermost first: what it is put in for may hold others, which the next round finds.
        for call in calls:
            if not any(call is not outer and _within(call, outer) for outer in calls):
                call.replace(_expanded(call))
    return tree


def _within(node: exp.Expr, outer: exp.Expr) -> bool:
    around = node.parent
    while around is not None and around is not outer:
        around = around.parent
    return around is not None


def _expanded(call: exp.Anonymous) -> exp.Expr:
    function = functions()[call.name.lower()]
    if len(call.expressions) != len(function.parameters):
        raise ValueError(
            f"{function.name} takes {len(function.parameters)} arguments, not "
            f"{len(call.expressions)}"
        )
    given = dict(zip(function.parameters, call.expressions, strict=True))
    holder = exp.Paren(this=_bare(function.body).copy())
    for column in list(holder.find_all(exp.Column)):
        argument = given[column.name]
        plain = isinstance(argument, exp.Column | exp.Literal | exp.Paren | exp.Func | exp.Null)
        column.replace(argument.copy() if plain else exp.Paren(this=argument.copy()))
    return holder


def _bare(body: exp.Expr) -> exp.Expr:
    return body.this if isinstance(body, exp.Paren) else body
