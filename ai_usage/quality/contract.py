"""The types of a table's columns as its DDL declares them: Pandera holds the engine's to them."""

from __future__ import annotations

from functools import cache
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandera.ibis as pa
from ibis.backends.sql.datatypes import DuckDBType
from pandera.dtypes import immutable
from pandera.engines import ibis_engine

from ai_usage.warehouse.own_sql import Columns
from ai_usage.warehouse.schema import table_schema


@ibis_engine.Engine.register_dtype(equivalents=[dt.JSON, dt.JSON(), dt.JSON(nullable=False)])
@immutable
class _Json(ibis_engine.DataType):
    """JSON columns, which Pandera does not know of itself."""

    type = dt.JSON()


@ibis_engine.Engine.register_dtype(
    # BigQuery's lists hold no NULL, DuckDB's may.
    equivalents=[
        dt.Array(dt.String(nullable=element), nullable=whole)
        for element in (True, False)
        for whole in (True, False)
    ]
)
@immutable
class _Strings(ibis_engine.DataType):
    """Lists of text, which Pandera does not know of itself."""

    type = dt.Array(dt.String())


_IBIS: dict[str, Any] = {
    "STRING": dt.String(),
    "INT64": dt.Int64(),
    "FLOAT64": dt.Float64(),
    "NUMERIC": dt.Decimal(38, 9),
    "BOOL": dt.Boolean(),
    "DATE": dt.Date(),
    "JSON": dt.JSON(),
    "ARRAY<STRING>": dt.Array(dt.String()),
}


def as_declared(table: str, engine: str) -> Any:
    """An ibis table that no engine has, its columns of the engine's types."""
    return ibis.table(_types(table, engine), name=table)


def as_described(table: str, columns: Columns) -> Any:
    """An ibis table with the columns of one of DuckDB's, as ibis itself would find them there."""
    types = {
        name: DuckDBType.from_string(kind, nullable=nullable == "YES")
        for name, kind, nullable in columns
    }
    return ibis.table(types, name=table)


def _types(table: str, engine: str) -> dict[str, Any]:
    timestamp = dt.Timestamp(timezone="UTC", scale=6 if engine == "duckdb" else None)
    return {
        c.name: timestamp if c.type == "TIMESTAMP" else _IBIS[c.type]
        for c in table_schema(table).columns
    }


@cache
def pandera_schema(table: str, engine: str) -> pa.DataFrameSchema:
    """The Pandera schema of a table: its columns and their types, and no others.

    What must hold of rows is no check of it: Pandera asks a query for each, and `judging` one for
    all that is promised of a table.
    """
    columns = {name: pa.Column(t, nullable=True) for name, t in _types(table, engine).items()}
    return pa.DataFrameSchema(columns, strict=True, name=table)


def mistyped(rows: Any, table: str, engine: str) -> list[str]:
    """What an ibis table lacks, has too much, or has of another type; asks the engine nothing."""
    try:
        pandera_schema(table, engine).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as found:
        return [str(error).splitlines()[0][:200] for error in found.schema_errors]
    return []
