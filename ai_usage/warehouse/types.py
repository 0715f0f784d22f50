"""The types of statements' columns, worked out from the DDL without asking an engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema

PARAMETERS = {
    "as_of": "DATE",
    "start": "DATE",
    "end": "DATE",
    "month_start": "DATE",
    "window_start": "DATE",
    "next_month": "DATE",
    "earliest": "DATE",
    "day": "DATE",
    "today": "DATE",
    "settled_before": "DATE",
    "closed_at": "TIMESTAMP",
    "months": "INT64",
    "run_id": "STRING",
}
"""Types of parameters, which are the same wherever they have the name."""


@cache
def view_types(view: str) -> Mapping[str, str]:
    """The BigQuery type of each column of a view."""
    query = sqlglot.parse_one(view_schema(view).query, read="bigquery")
    known = typed(query, _known_before(view))
    selects = known.selects if isinstance(known, exp.Query) else []
    return {
        column.alias_or_name: column.type.sql("bigquery") if column.type else "UNKNOWN"
        for column in selects
    }


def typed(query: exp.Expr, known: Mapping[str, Mapping[str, str]] | None = None) -> exp.Expr:
    """A copy of the query with every column's table and every expression's type known.

    `known` are the columns of relations; left out: of every table and view of the product. Raises
    `SqlglotError` for a name that is not known.
    """
    query = query.copy()
    for parameter in list(query.find_all(exp.Parameter)):
        if parameter.name in PARAMETERS:
            kind = exp.DataType.build(PARAMETERS[parameter.name], dialect="bigquery")
            parameter.replace(exp.cast(exp.Null(), kind))
    columns = _known() if known is None else known
    schema = MappingSchema({name: dict(c) for name, c in columns.items()}, dialect="bigquery")
    qualified = qualify(query, schema=schema, dialect="bigquery", quote_identifiers=False)
    return annotate_types(qualified, schema=schema, dialect="bigquery")


@cache
def _known() -> dict[str, Mapping[str, str]]:
    return _tables() | {view: view_types(view) for view in view_names()}


def _known_before(view: str) -> dict[str, Mapping[str, str]]:
    names = view_names()
    return _tables() | {before: view_types(before) for before in names[: names.index(view)]}


@cache
def _tables() -> dict[str, Mapping[str, str]]:
    return {name: {c.name: c.type for c in table_schema(name).columns} for name in table_names()}
