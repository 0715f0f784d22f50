"""The views of a DuckDB file: created where none stands so already."""

from __future__ import annotations

import re

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.duckdb_errors import run
from ai_usage.warehouse.duckdb_tables import Schemas, columns_of
from ai_usage.warehouse.embedded_engine import quoted
from ai_usage.warehouse.views import ViewSchema

_UNDERSTOOD = "SELECT json_deserialize_sql(json_serialize_sql(?::VARCHAR))"
"""A query as DuckDB writes it itself."""
_LEFT_OUT = re.compile(r"EXCLUDE \(([^()]*)\)")


def put_view(
    connection: duckdb.DuckDBPyConnection, schemas: Schemas, view: ViewSchema, query: str
) -> None:
    """Let the view stand with this query and its descriptions, in one transaction.

    What is not committed is rolled back when the connection closes: the old view stays.
    """
    if _stands(connection, schemas, view, query):
        return
    connection.execute("BEGIN TRANSACTION")
    name = schemas.qualified(view.name)
    run(connection, f"CREATE OR REPLACE VIEW {name} AS {query}", {}, view.name)
    got = list(_descriptions(connection, schemas, view.name))
    declared = [column for column, _ in view.columns]
    if got != declared:
        raise WarehouseError(
            f"{view.name}: the query gives {', '.join(got)}, the view declares "
            f"{', '.join(declared)}."
        )
    connection.execute(f"COMMENT ON VIEW {name} IS {quoted(view.description)}")
    for column, description in view.columns:
        connection.execute(f'COMMENT ON COLUMN {name}."{column}" IS {quoted(description)}')
    connection.execute("COMMIT")


def _stands(
    connection: duckdb.DuckDBPyConnection, schemas: Schemas, view: ViewSchema, query: str
) -> bool:
    """Whether the view is there with this query and its descriptions.

    Of a query DuckDB keeps the text that it writes itself of what it has understood.
    """
    there = connection.execute(
        "SELECT sql, comment FROM duckdb_views() WHERE database_name = current_database() "
        "AND schema_name = ? AND view_name = ?",
        [schemas.of(view.name), view.name],
    ).fetchone()
    if there is None or there[1] != view.description:
        return False
    understood = connection.execute(_UNDERSTOOD, [query]).fetchone()
    kept = str(there[0]).partition(" AS ")[2].removesuffix(";")
    if understood is None or _comparable(understood[0]) != _comparable(kept):
        return False
    return list(_descriptions(connection, schemas, view.name).items()) == list(view.columns)


def _descriptions(
    connection: duckdb.DuckDBPyConnection, schemas: Schemas, view: str
) -> dict[str, str | None]:
    columns = columns_of(connection, schemas, {view}).get(view, {})
    return {name: column.comment for name, column in columns.items()}


def _comparable(sql: str) -> str:
    """A query as DuckDB writes it; the columns that `*` leaves out come in any order of them."""
    return _LEFT_OUT.sub(lambda found: ", ".join(sorted(found[1].split(", "))), sql.strip())
