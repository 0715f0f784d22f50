"""Few rows on their way into BigQuery: no file and no load job, but a parameter of the script.

A load job takes seconds however little it loads. And where a small table has the rows already,
which it is asked without a job, it needs no script either.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeGuard

import pyarrow as pa
from google.cloud import bigquery

from ai_usage.warehouse.base import Rows
from ai_usage.warehouse.bigquery_jobs import LOOK_RETRY
from ai_usage.warehouse.schema import Column, TableSchema

FEW_BYTES = 500_000
"""In Arrow; as text they may be three times that. A request of Google's may have ten million."""

NEW_ROWS = "new_rows"
"""The parameter that holds them."""


def gathered(new: Rows) -> Rows:
    """The rows as a table where they are few, else as they come."""
    if isinstance(new, pa.Table):
        return new
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in new:
        held.append(batch)
        size += batch.nbytes
        if size > FEW_BYTES:
            return pa.RecordBatchReader.from_batches(new.schema, chain(held, new))
    return pa.Table.from_batches(held, new.schema)


def are_few(new: Rows) -> TypeGuard[pa.Table]:
    """Whether gathered rows may be a parameter; text that is none is left for a load to refuse."""
    if not isinstance(new, pa.Table) or new.nbytes > FEW_BYTES:
        return False
    try:
        new.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def as_text(schema: TableSchema, rows: pa.Table) -> str:
    """The rows as JSON: a list of each row's values as texts, in the order of the DDL."""
    columns = [[_text(value) for value in rows[c.name].to_pylist()] for c in schema.columns]
    return json.dumps(list(zip(*columns, strict=True)), ensure_ascii=False)


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str | list):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        # The query names the zone.
        return value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def from_text(schema: TableSchema) -> str:
    """The query that reads them again; JSON stays text, as it does in a load."""
    columns = ", ".join(f"{_read(c, n)} AS `{c.name}`" for n, c in enumerate(schema.columns))
    return f"SELECT {columns} FROM UNNEST(JSON_QUERY_ARRAY(@{NEW_ROWS})) AS r"


def _read(column: Column, place: int) -> str:
    path = f"r, '$[{place}]'"
    if column.type.startswith("ARRAY<"):
        return f"JSON_VALUE_ARRAY({path})"
    text = f"JSON_VALUE({path})"
    if column.type == "TIMESTAMP":
        return f"TIMESTAMP({text}, 'UTC')"
    return text if column.type in ("STRING", "JSON") else f"CAST({text} AS {column.type})"


def stands(
    client: bigquery.Client, schema: TableSchema, there: bigquery.Table, new: pa.Table
) -> bool:
    """Whether a table has exactly these few rows, and no others; asked of it without a job.

    When and by what a row was written tells no two apart.
    """
    if new.num_rows and schema.partition_column is not None:
        return False
    found = client.list_rows(there, max_results=new.num_rows + 1, retry=LOOK_RETRY)
    rows = found.to_arrow(create_bqstorage_client=False)
    return rows.num_rows == new.num_rows and _counted(schema, rows) == _counted(schema, new)


def _counted(schema: TableSchema, rows: pa.Table) -> Mapping[tuple[Any, ...], int]:
    columns = []
    for name in schema.comparable_columns:
        values = rows[name].cast(schema.column(name).arrow_type).to_pylist()
        # BigQuery's lists are empty where none was given.
        is_list = schema.column(name).type.startswith("ARRAY<")
        columns.append([tuple(value or ()) for value in values] if is_list else values)
    return Counter(zip(*columns, strict=True))
