"""How large a statement is: its lines, and how often it scans a table when all is written out."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from ai_usage.warehouse.functions import inline
from ai_usage.warehouse.relations import layer_of, relations
from ai_usage.warehouse.views import view_schema


def lines_of(sql: str) -> list[str]:
    """The lines of a statement that hold code: no comments, and no declarations of columns.

    Of a CREATE VIEW it is the query after its AS.
    """
    tokens = sqlglot.tokenize(sql, read="bigquery")
    first = 0
    if tokens and tokens[0].text.upper() == "CREATE":
        depth = 0
        for number, token in enumerate(tokens):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.text.upper() == "AS":
                first = number + 1
                break
    every = sql.split("\n")
    last_line_of = {sql.count("\n", 0, token.end + 1) for token in tokens[first:]}
    first_line_of = {sql.count("\n", 0, token.start) for token in tokens[first:]}
    return [every[number] for number in sorted(first_line_of | last_line_of)]


def scans_of(sql: str) -> int:
    """How many table scans Google runs: a CTE once for each reference, a view as it is written.

    A staging view counts as the one scan that it is.
    """
    return _scans(inline(sqlglot.parse_one(sql, read="bigquery")), {})


def _scans(node: exp.Expr, ctes: Mapping[str, int]) -> int:
    known = dict(ctes)
    own = node.args.get("with_")
    if isinstance(own, exp.With):
        for cte in own.expressions:
            known[cte.alias] = _scans(cte.this, known)
    found = _of_reference(node, known) if isinstance(node, exp.Table) else 0
    children = (child for child in node.iter_expressions() if child is not own)
    return found + sum(_scans(child, known) for child in children)


def _of_reference(table: exp.Table, ctes: Mapping[str, int]) -> int:
    if not table.db and table.name in ctes:
        return ctes[table.name]
    if not isinstance(table.this, exp.Identifier):
        return 0
    if relations().get(table.name) == "view" and layer_of(table.name) != "staging":
        return scans_of(view_schema(table.name).query)
    return 1
