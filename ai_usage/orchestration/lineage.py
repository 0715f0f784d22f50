"""Column lineage, derived from the SQL itself."""

from __future__ import annotations

from functools import cache

import dagster as dg
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from ai_usage.warehouse.files import names
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import view_names, view_schema


@cache
def column_lineage(sql: str) -> dg.TableColumnLineage:
    """Which upstream columns every output column of a SELECT is computed from."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=source)
                for table, source in sources
            ]
            for column, sources in column_sources(sql).items()
        }
    )


@cache
def column_sources(sql: str) -> dict[str, list[tuple[str, str]]]:
    """For every output column of a SELECT the (table or view, column) pairs it reads, sorted."""
    read = references(sql) & set(view_names())
    schema = {
        name: {c.name: c.type for c in table_schema(name).columns} for name in names("tables")
    }
    # A view that is read is a source of its own: what it is computed from is its own lineage.
    schema |= {name: dict.fromkeys(view_schema(name).column_names, "UNKNOWN") for name in read}
    nodes = lineage(None, sql, schema=schema, dialect="bigquery", trim_selects=False)
    if isinstance(nodes, Node):
        raise TypeError("lineage of all columns is a mapping")
    return {column: sorted(_leaves(node)) for column, node in nodes.items()}


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
