"""Which columns a column is computed from, read from the SQL itself."""

from __future__ import annotations

from functools import cache

from sqlglot import exp
from sqlglot.lineage import Node, lineage

from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import view_names, view_schema

Sources = dict[str, list[tuple[str, str]]]
"""For every output column the (table or view, column) pairs that it is computed from, sorted."""


@cache
@kept(Sources)
def column_sources(sql: str) -> Sources:
    """The sources of every output column of a SELECT, each one step away."""
    read = references(sql) & set(view_names())
    schema = {name: {c.name: c.type for c in table_schema(name).columns} for name in table_names()}
    # A view that is read is a source of its own: what it is computed from is its own lineage.
    schema |= {name: dict.fromkeys(view_schema(name).column_names, "UNKNOWN") for name in read}
    nodes = lineage(None, sql, schema=schema, dialect="bigquery", trim_selects=False)
    if isinstance(nodes, Node):
        raise TypeError("lineage of all columns is a mapping")
    return {column: sorted(_leaves(node)) for column, node in nodes.items()}


def sources_of(relation: str) -> Sources:
    """The sources of every column of a table or view; nothing for a base table's."""
    if relation in view_names():
        return column_sources(view_schema(relation).query)
    return column_sources(statement(relation)) if relation in built_tables() else {}


def columns_of(relation: str) -> list[str]:
    """The columns of a table or view, in its order."""
    schema = view_schema if relation in view_names() else table_schema
    return schema(relation).column_names


def _leaves(root: Node) -> set[tuple[str, str]]:
    # The nodes are a graph with shared parts, not a tree: visit each once.
    leaves: set[tuple[str, str]] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.expression, exp.Table) and node.expression.name in relations():
            leaves.add((node.expression.name, node.name.split(".")[-1].strip('`"')))
        waiting.extend(node.downstream)
    return leaves
