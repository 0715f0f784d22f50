"""Tables as their DDL in `sql/tables/` declares them: the one place a column stands.

Everything else is derived from here: the engines' tables, Arrow schemas, Dagster's column
metadata, Pandera's types and nullability.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import sqlglot
from sqlglot import exp

from ai_usage.warehouse.files import load, names
from ai_usage.warehouse.kept import kept

NUMERIC = pa.decimal128(38, 9)
"""BigQuery's NUMERIC has 38 digits, 9 of them after the point; money is kept in it everywhere."""

_ARROW: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": NUMERIC,
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "JSON": pa.string(),
    "ARRAY<STRING>": pa.list_(pa.string()),
}

_DUCKDB: dict[str, str] = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "JSON": "JSON",
    "ARRAY<STRING>": "VARCHAR[]",
}

_OF_DUCKDB = {theirs: ours for ours, theirs in _DUCKDB.items()} | {
    "HUGEINT": "INT64",
    "INTEGER": "INT64",
    "JSON[]": "ARRAY<JSON>",
}
"""DuckDB sums integers in a wider type, and its parts of a day are narrower."""


def bigquery_type(duckdb_type: str) -> str:
    """BigQuery's name for a type of DuckDB; DuckDB's own where it has none."""
    if duckdb_type.startswith("DECIMAL("):
        return "NUMERIC"
    return _OF_DUCKDB.get(duckdb_type, duckdb_type)


CLUSTERABLE = frozenset({"STRING", "INT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP"})
"""Types that BigQuery can cluster by."""

PROVENANCE = frozenset(
    {
        "ingest_timestamp",
        "pipeline_run_id",
        "archive_page",
        "created_timestamp",
        "updated_timestamp",
    }
)
"""Columns that say when and by what a row was written: left out when tables are compared."""


@dataclass(frozen=True)
class Column:
    """A column: its BigQuery type, whether it may be NULL, and what it means."""

    name: str
    type: str
    nullable: bool
    description: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that carries the column's values without loss."""
        return _ARROW[self.type]

    @property
    def duckdb_type(self) -> str:
        """The type's name as DuckDB reports it."""
        return _DUCKDB[self.type]


@dataclass(frozen=True)
class TableSchema:
    """A table: its columns in order, the column whose UTC day partitions it, its clustering."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partition_column: str | None
    cluster_by: tuple[str, ...]
    require_partition_filter: bool
    ddl: str

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def column_names(self) -> list[str]:
        """Column names in the order of the DDL."""
        return [column.name for column in self.columns]

    @property
    def required_columns(self) -> list[str]:
        """Names of the columns that must have a value."""
        return [column.name for column in self.columns if not column.nullable]

    @property
    def comparable_columns(self) -> list[str]:
        """Columns whose values must be equal when two tables are called equal."""
        return [name for name in self.column_names if name not in PROVENANCE]

    @property
    def day_expression(self) -> str | None:
        """SQL for a row's UTC day, in both dialects; None for a table without partitions."""
        if self.partition_column is None:
            return None
        if self.column(self.partition_column).type == "DATE":
            return self.partition_column
        return f"DATE({self.partition_column}, 'UTC')"

    @property
    def dollars_column(self) -> str | None:
        """The column that sums to what the table's rows cost, US dollars; None where none does."""
        names = self.column_names
        return next((name for name in ("total_cost_usd", "cost_usd") if name in names), None)

    def days_from(self, start: str, end: str | None = None) -> str:
        """SQL for the rows of the UTC days from `start` on, before `end` where one is given.

        Both are SQL for a DATE. The bounds are on the bare column: only so do both engines leave
        out what lies outside. "TRUE" for a table without partitions.
        """
        column = self.partition_column
        if column is None:
            return "TRUE"

        def bound(day: str) -> str:
            return day if self.column(column).type == "DATE" else f"TIMESTAMP({day}, 'UTC')"

        upper = f" AND {column} < {bound(end)}" if end is not None else ""
        return f"{column} >= {bound(start)}{upper}"

    @property
    def arrow_schema(self) -> pa.Schema:
        """The table as an Arrow schema, nullability included."""
        return pa.schema([pa.field(c.name, c.arrow_type, c.nullable) for c in self.columns])

    def to_arrow(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Build an Arrow table from mappings; a column that a row leaves out is NULL there.

        Raises KeyError on a name that the table does not have.
        """
        rows = list(rows)
        known = set(self.column_names)
        for row in rows:
            if not row.keys() <= known:
                unknown = row.keys() - known
                raise KeyError(f"{self.name} has no column {', '.join(sorted(unknown))}")
        return pa.table(
            {c.name: pa.array(_values(c, rows), c.arrow_type) for c in self.columns},
            schema=pa.schema([pa.field(c.name, c.arrow_type) for c in self.columns]),
        )


def _values(column: Column, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    values = [row.get(column.name) for row in rows]
    return [_money(column, value) for value in values] if column.type == "NUMERIC" else values


def _money(column: Column, value: Any) -> Any:
    """Refuse a float where money belongs: it has lost its cents before it got here."""
    if isinstance(value, float):
        raise TypeError(f"{column.name}={value!r}: money is Decimal, never float")
    return Decimal(value) if isinstance(value, int) else value


@cache
def table_schema(name: str) -> TableSchema:
    """The table `name` as `sql/tables/<name>.sql` declares it."""
    return parse_ddl(load("tables", name))


def table_names() -> list[str]:
    """Every table of the product, by name."""
    return names("tables")


@kept(TableSchema)
def parse_ddl(ddl: str) -> TableSchema:
    """Read one `CREATE TABLE` in BigQuery's dialect.

    Raises ValueError where a column lacks a description or has a type that the product does not
    carry.
    """
    create = sqlglot.parse_one(ddl, read="bigquery")
    if not isinstance(create, exp.Create) or not isinstance(create.this, exp.Schema):
        raise ValueError("not a CREATE TABLE with columns")
    table = create.this.this.name
    columns = tuple(_column(table, definition) for definition in create.this.expressions)
    properties = create.args["properties"].expressions if create.args.get("properties") else []
    partition: str | None = None
    cluster: tuple[str, ...] = ()
    options: dict[str, exp.Expression] = {}
    for prop in properties:
        if isinstance(prop, exp.PartitionedByProperty):
            found = prop.find(exp.Identifier)
            partition = found.name if found else None
        elif isinstance(prop, exp.Cluster | exp.ClusterProperty):
            cluster = tuple(expression.sql("bigquery") for expression in prop.expressions)
        elif isinstance(prop, exp.Property):
            options[prop.this.name] = prop.args["value"]
    if "description" not in options:
        raise ValueError(f"{table} has no description")
    required = options.get("require_partition_filter")
    return TableSchema(
        name=table,
        description=options["description"].name,
        columns=columns,
        partition_column=partition,
        cluster_by=cluster,
        require_partition_filter=isinstance(required, exp.Boolean) and bool(required.this),
        ddl=ddl,
    )


def _column(table: str, definition: exp.Expression) -> Column:
    nullable = True
    description = ""
    for constraint in definition.args.get("constraints") or []:
        kind = constraint.args.get("kind")
        if isinstance(kind, exp.NotNullColumnConstraint):
            nullable = False
        elif isinstance(kind, exp.Properties):
            for prop in kind.expressions:
                if prop.this.name == "description":
                    description = prop.args["value"].name
    type_name = definition.args["kind"].sql("bigquery")
    if type_name not in _ARROW:
        raise ValueError(f"{table}.{definition.name}: type {type_name} is not carried")
    if not description:
        raise ValueError(f"{table}.{definition.name} has no description")
    return Column(definition.name, type_name, nullable, description)
