"""The tables that lead to a fact, statement by statement, on Google's engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ai_usage.warehouse.compare import compare_rows
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import inlined, references
from ai_usage.warehouse.views import tables_read, view_names, view_schema
from ai_usage_tests.sql.google_sql import GoogleSql, Row


@cache
def leading_to(*tables: str) -> tuple[str, ...]:
    """These tables and all that SQL builds for them, those that others read first."""
    found: set[str] = set()
    waiting = list(tables)
    while waiting:
        name = waiting.pop()
        if name in built_tables() and name not in found:
            found.add(name)
            waiting += tables_read(statement(name))
    return tuple(name for name in built_tables() if name in found)


@cache
def views_read(sql: str) -> tuple[str, ...]:
    """The views that a statement reads, also through others, those that others read first."""
    found: set[str] = set()
    waiting = [sql]
    while waiting:
        for view in references(waiting.pop()) & set(view_names()) - found:
            found.add(view)
            waiting.append(view_schema(view).query)
    return tuple(view for view in view_names() if view in found)


def differences(
    table: str, google: GoogleSql, tables: Mapping[str, list[Row]], given: Mapping[str, Any]
) -> list[str]:
    """Where Google's engine builds a table otherwise than `tables` has it, from what they hold."""
    sql = statement(table)
    views = {view: inlined(view_schema(view).query) for view in views_read(sql)}
    read = {name: tables.get(name, []) for name in sorted(tables_read(sql))}
    asked = {name: given[name] for name in statement_parameters(table)}
    schema = table_schema(table)
    theirs = schema.to_arrow(google.run(sql, read, asked, views))
    ours = schema.to_arrow(tables[table])
    return [f"{table}: {found}" for found in list(compare_rows(table, ours, theirs))[:5]]
