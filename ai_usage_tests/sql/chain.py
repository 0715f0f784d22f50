"""The tables that lead to a fact, statement by statement, on Google's engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ai_usage.warehouse.building import built_from
from ai_usage.warehouse.compare import compare_rows
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import inlined
from ai_usage.warehouse.views import tables_read, view_schema, views_read
from ai_usage_tests.sql.google_sql import GoogleSql, Row


def leading_to(*tables: str) -> tuple[str, ...]:
    """These tables and all that SQL builds for them, those that others read first."""
    found = set(tables).union(*(built_from(table) for table in tables))
    return tuple(name for name in built_tables() if name in found)


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
