"""Rows on their way into BigQuery: a Parquet file, and one load job however often it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import IO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core import exceptions as api
from google.cloud import bigquery

from ai_usage.warehouse.base import Rows
from ai_usage.warehouse.bigquery_jobs import LOAD_RETRY
from ai_usage.warehouse.schema import TableSchema

ROWS_IN_MEMORY = 50_000
"""So many rows are held before they are written to the file that is loaded."""


def write_parquet(schema: TableSchema, new: Rows, file: IO[bytes]) -> int:
    """Write the rows with their declared types, a bounded number of them in memory; how many."""
    target = pa.schema([pa.field(c.name, c.arrow_type) for c in schema.columns])
    batches = new.to_batches(ROWS_IN_MEMORY) if isinstance(new, pa.Table) else new
    rows = 0
    with pq.ParquetWriter(file, target) as writer:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            held.append(batch)
            rows += batch.num_rows
            if sum(b.num_rows for b in held) >= ROWS_IN_MEMORY:
                writer.write_table(_cast(held, target))
                held = []
        if held:
            writer.write_table(_cast(held, target))
    return rows


def _cast(batches: list[pa.RecordBatch], target: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches).select(target.names).cast(target)


def load(
    client: bigquery.Client,
    file: IO[bytes],
    table: bigquery.Table,
    location: str | None,
) -> None:
    """Load a Parquet file into an empty table.

    The job has the table's name for its id. Where the answer to a first try was lost, the second
    finds the job that is there, instead of an error for a table that holds its rows already.
    """
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        schema=table.schema,
        write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
    )
    config.parquet_options = bigquery.ParquetOptions.from_api_repr({"enableListInference": True})
    job_ids = (table.table_id + suffix for suffix in _suffixes())
    job_id = next(job_ids)

    def attempt() -> None:
        nonlocal job_id
        try:
            job = client.load_table_from_file(
                file,
                table.reference,
                rewind=True,
                job_id=job_id,
                location=location,
                job_config=config,
            )
        except api.Conflict:
            job = cast(bigquery.LoadJob, client.get_job(job_id, location=location))
        try:
            job.result()
        except api.GoogleAPICallError:
            if job.state == "DONE":
                # It failed, and wrote nothing: what is tried next is another job.
                job_id = next(job_ids)
            raise

    LOAD_RETRY(attempt)()


def _suffixes() -> Iterator[str]:
    yield ""
    yield from (f"_{n}" for n in count(2))
