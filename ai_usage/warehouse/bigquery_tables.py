"""Tables, views and datasets of BigQuery against their DDL, and what is refused of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import sqlglot
from google.cloud import bigquery
from sqlglot import exp

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import DayCounts
from ai_usage.warehouse.incoming import refuse_nulls, refuse_outside
from ai_usage.warehouse.schema import Column, TableSchema
from ai_usage.warehouse.views import ViewSchema

_GENERIC_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_DAY_MS = 86_400_000


def declared(schema: TableSchema, name: str) -> bigquery.Table:
    """The table as its DDL declares it, for BigQuery's API: `name` is project.dataset.table."""
    table = bigquery.Table(name, schema=[_field(c) for c in schema.columns])
    table.description = schema.description
    table.expires = None
    if schema.partition_column is not None:
        table.time_partitioning = bigquery.TimePartitioning(
            type_=bigquery.TimePartitioningType.DAY, field=schema.partition_column
        )
        table.require_partition_filter = schema.require_partition_filter
    if schema.cluster_by:
        table.clustering_fields = list(schema.cluster_by)
    return table


def view_stands(there: bigquery.Table, view: ViewSchema, statement: str) -> bool:
    """Whether a view is what its CREATE VIEW would make; labels that others gave it aside."""
    return (
        there.view_query is not None
        and _normal(_parsed(there.view_query)) == _normal(_parsed(statement).expression)
        and there.description == view.description
        and [(f.name, f.description) for f in there.schema] == list(view.columns)
        and view.labels.items() <= there.labels.items()
    )


def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read="bigquery")


def _normal(query: exp.Expr) -> str:
    """A query however it is laid out; comments say nothing to an engine."""
    return query.sql("bigquery", comments=False)


def _field(column: Column) -> bigquery.SchemaField:
    repeated = column.type.startswith("ARRAY<")
    mode = "REPEATED" if repeated else "NULLABLE" if column.nullable else "REQUIRED"
    kind = column.type.removeprefix("ARRAY<").removesuffix(">")
    return bigquery.SchemaField(column.name, kind, mode, description=column.description)


def staged_type(column: Column) -> str:
    """The column's type in a staging table that rows are loaded into: a load has no JSON."""
    return "STRING" if column.type == "JSON" else column.type


def staged_field(column: Column) -> bigquery.SchemaField:
    """The column in a staging table: nullable, so that a NULL is told by name, not by the load."""
    field_ = _field(column)
    mode = "REPEATED" if field_.mode == "REPEATED" else "NULLABLE"
    return bigquery.SchemaField(
        column.name, staged_type(column) if mode == "NULLABLE" else field_.field_type, mode
    )


def type_of(field_: bigquery.SchemaField) -> str:
    """A field's type as the DDL would name it."""
    kind = _GENERIC_TYPES.get(field_.field_type, field_.field_type)
    return f"ARRAY<{kind}>" if field_.mode == "REPEATED" else str(kind)


def described(field_: bigquery.SchemaField, schema: TableSchema) -> bigquery.SchemaField:
    """The field with the description that the DDL gives it."""
    description = schema.column(field_.name).description
    if field_.description == description:
        return field_
    return bigquery.SchemaField.from_api_repr({**field_.to_api_repr(), "description": description})


def inherited_defaults(dataset: bigquery.Dataset) -> list[str]:
    """What new tables and views of a dataset would take from it that changes or deletes rows.

    Each is a line of what it does, with the statement that takes it away.
    """
    name = f"`{dataset.project}.{dataset.dataset_id}`"
    expire = (
        ("default_table_expiration", "tables and views", dataset.default_table_expiration_ms),
        (
            "default_partition_expiration",
            "days of partitioned tables",
            dataset.default_partition_expiration_ms,
        ),
    )
    found = [
        f"its {option} deletes {what} after {ms / _DAY_MS:g} days: "
        f"ALTER SCHEMA {name} SET OPTIONS ({option}_days = NULL)"
        for option, what, ms in expire
        if ms
    ]
    if collation := dataset._properties.get("defaultCollation"):
        found.append(
            f"its default collation {collation} takes texts for equal that are not: "
            f"ALTER SCHEMA {name} SET DEFAULT COLLATE ''"
        )
    if dataset.is_case_insensitive:
        found.append(
            "it takes names for equal that differ in case: "
            f"ALTER SCHEMA {name} SET OPTIONS (is_case_insensitive = FALSE)"
        )
    return found


def _refuse_decay(name: str, there: bigquery.Table) -> None:
    """Raise where a table's rows would vanish by themselves, or its texts compare otherwise.

    A dataset's defaults are taken over silently when a table is made.
    """
    if there.expires is not None:
        raise WarehouseError(
            f"{name} expires on {there.expires:%Y-%m-%d}; take it away with "
            f"ALTER TABLE `{name}` SET OPTIONS (expiration_timestamp = NULL)."
        )
    if there.time_partitioning is not None and there.time_partitioning.expiration_ms:
        days = there.time_partitioning.expiration_ms / _DAY_MS
        raise WarehouseError(
            f"{name}: each day is deleted after {days:g} days; take it away with "
            f"ALTER TABLE `{name}` SET OPTIONS (partition_expiration_days = NULL), and rebuild "
            "what is gone."
        )
    collated = [f.name for f in there.schema if f.to_api_repr().get("collation")]
    if collated:
        raise WarehouseError(
            f"{name}.{collated[0]} has a collation, by which texts are equal that are not; rebuild "
            "the table from the archive in a dataset without a default collation."
        )
    if collation := there._properties.get("defaultCollation"):
        raise WarehouseError(
            f"{name} has the default collation {collation} for columns to come; take it away with "
            f"ALTER TABLE `{name}` SET DEFAULT COLLATE ''."
        )


def refuse_drift(schema: TableSchema, name: str, there: bigquery.Table) -> None:
    """Raise on everything about a table that is not as declared and cannot be fixed in place."""
    _refuse_decay(name, there)
    columns = {c.name: c for c in schema.columns}
    for found in there.schema:
        column = columns.get(found.name)
        if column is None:
            raise WarehouseError(
                f"{name} has a column {found.name} that its DDL does not declare; drop it there, "
                "or add it to the DDL."
            )
        is_there = (type_of(found), found.mode == "REQUIRED")
        should_be = (column.type, _field(column).mode == "REQUIRED")
        if is_there != should_be:
            raise WarehouseError(
                f"{name}.{found.name} is {_type_text(*is_there)}, its DDL says "
                f"{_type_text(*should_be)}; rebuild the table from the archive."
            )
    present = {f.name for f in there.schema}
    for column in schema.columns:
        if column.name not in present and not column.nullable:
            raise WarehouseError(
                f"{name} lacks the NOT NULL column {column.name}, which BigQuery cannot add to a "
                "table; rebuild the table from the archive."
            )
    partitioning = there.time_partitioning
    by = partitioning.field if partitioning is not None else None
    if by != schema.partition_column or (by and partitioning.type_ != "DAY"):
        unit = f" by {partitioning.type_.lower()}" if by else ""
        raise WarehouseError(
            f"{name} is partitioned{unit} on {by or 'nothing'}, its DDL says "
            f"{schema.partition_column or 'nothing'}; rebuild the table from the archive."
        )


def _type_text(type_name: str, required: bool) -> str:
    return f"{type_name} NOT NULL" if required else type_name


CountsByDay = Mapping[date | None, DayCounts]
"""What a table's rows hold of each day; of a table without days under None."""


def counted_by_day(schema: TableSchema, relation: str, where: str = "TRUE") -> str:
    """The query for one JSON text: rows and US dollars of each day of a relation of that schema.

    A text, because a script's variable holds it: to be asked for costs no job of its own.
    """
    return (
        f"SELECT TO_JSON_STRING(ARRAY_AGG(STRUCT({_DAY_COUNTS}))) FROM ("
        f"SELECT {_counted(schema)} FROM {relation} WHERE {where} GROUP BY 1)"
    )


def looked_at(schema: TableSchema, stage: str, inside: str = "TRUE") -> str:
    """The query for one JSON text on a stage: `is_refused`, and of each day what it holds.

    One look for both, because each look at a table is billed as 10 MB at least. Rows are refused
    that lie outside the condition `inside`, or have NULL where there must be none (`missing_<i>`
    counts them of the i-th such column).
    """
    missing = [
        f"COUNTIF(`{name}` IS NULL) AS missing_{i}"
        for i, name in enumerate(schema.required_columns)
    ]
    bad = [f"NOT ({inside})", *(f"`{name}` IS NULL" for name in schema.required_columns)]
    counted = ", ".join([_counted(schema), *missing, f"COUNTIF({' OR '.join(bad)}) AS refused"])
    kept = ", ".join([_DAY_COUNTS, *(f"missing_{i} AS missing_{i}" for i in range(len(missing)))])
    return (
        "SELECT TO_JSON_STRING(STRUCT(SUM(refused) > 0 AS is_refused, "
        f"ARRAY_AGG(STRUCT({kept})) AS days)) "
        f"FROM (SELECT {counted} FROM {stage} GROUP BY 1)"
    )


_DAY_COUNTS = "day AS day, n AS n, usd AS usd"


def _counted(schema: TableSchema) -> str:
    day = "CAST(NULL AS DATE)" if schema.partition_column is None else schema.day_expression
    usd = f"SUM({schema.dollars_column})" if schema.dollars_column else "CAST(NULL AS NUMERIC)"
    return f"{day} AS day, COUNT(*) AS n, CAST({usd} AS STRING) AS usd"


def counts_by_day(text: str | None) -> CountsByDay:
    """What `counted_by_day` answered."""
    return _counts(json.loads(text or "null") or ())


def staged_counts(schema: TableSchema, text: str, window: Window | None) -> CountsByDay:
    """What `looked_at` answered. Raises `WarehouseError` where rows are refused."""
    found = json.loads(text)
    days = found["days"] or ()
    if found["is_refused"]:
        refuse_nulls(
            schema,
            {
                name: sum(int(day[f"missing_{i}"]) for day in days)
                for i, name in enumerate(schema.required_columns)
            },
        )
        if window is not None:
            outside = {
                day: counts.rows
                for day, counts in _counts(days).items()
                if day is not None and not window.start <= day < window.end
            }
            refuse_outside(schema, window, outside)
    return _counts(days)


def _counts(rows: Iterable[Mapping[str, Any]]) -> CountsByDay:
    return {
        date.fromisoformat(row["day"]) if row["day"] else None: DayCounts(
            int(row["n"]), None if row["usd"] is None else Decimal(row["usd"])
        )
        for row in rows
    }
