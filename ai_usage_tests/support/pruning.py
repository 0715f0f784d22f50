"""Places in SQL that read a table of days without saying which: BigQuery would read them all."""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from ai_usage.warehouse.relations import layer_of, relations
from ai_usage.warehouse.schema import TableSchema, table_names, table_schema
from ai_usage.warehouse.views import view_schema


def unfiltered(sql: str) -> Iterator[str]:
    """Places that read a table without naming its partition column in a WHERE.

    `sql` is a statement or a script in BigQuery's dialect. A filter in the ON of an outer join does
    not prune: only a WHERE of the same SELECT counts.
    """
    for statement in sqlglot.parse(sql, read="bigquery"):
        if statement is None:
            continue
        if isinstance(statement, exp.Command) and any(t in statement.sql() for t in relations()):
            yield f"not understood: {statement.sql('bigquery')[:120]}"
        if isinstance(statement, exp.Delete) and _is_read_whole(statement.this, "", statement):
            yield f"{statement.sql('bigquery')[:120]}"
        for query in statement.find_all(exp.Query):
            if query.find_ancestor(exp.Query) is None:
                yield from _in_query(query)


def _in_query(query: exp.Query) -> Iterator[str]:
    for scope in traverse_scope(query):
        for alias, source in scope.sources.items():
            if isinstance(source, Scope) or not _is_read_whole(source, alias, scope.expression):
                continue
            yield f"{source.name} AS {alias} in {scope.expression.sql('bigquery')[:120]}"


def _is_read_whole(table: exp.Expr, alias: str, statement: exp.Expr) -> bool:
    schema = _read_by_day(table.name)
    if schema is None:
        return False
    return schema.require_partition_filter and not _filters(statement, alias, schema)


def _read_by_day(relation: str) -> TableSchema | None:
    """The table whose days a reader must name: of a view of staging the one that it shows.

    A filter on the view's column reaches the table's partitions.
    """
    if relation in table_names():
        return table_schema(relation)
    if layer_of(relation) != "staging":
        return None
    shown = sqlglot.parse_one(view_schema(relation).query, read="bigquery").find(exp.Table)
    return _read_by_day(shown.name) if shown is not None else None


def _filters(statement: exp.Expr, alias: str, schema: TableSchema) -> bool:
    where = statement.args.get("where")
    return where is not None and any(
        column.name == schema.partition_column and column.table in ("", alias)
        for column in where.find_all(exp.Column)
    )
