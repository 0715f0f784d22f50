"""Doing once what every run does, so that what an account may not shows before the first run."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage.warehouse.bigquery_jobs import LOOK_RETRY, NO_ANSWER, Spent, run
from ai_usage.warehouse.bigquery_loads import load
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.layers import built_tables

_LIFETIME = timedelta(hours=1)


def tried(warehouse: BigQueryWarehouse, dataset: str) -> None:
    """Make a table in a dataset, load a row, swap another in, read it, and drop the table.

    Raises `WarehouseError` with what Google says of the first that is refused.
    """
    name = f"{warehouse.project}.{dataset}.ai_usage_stage_doctor_{uuid.uuid4().hex}"
    table = bigquery.Table(name, schema=[bigquery.SchemaField("n", "INT64")])
    table.expires = datetime.now(UTC) + _LIFETIME
    with warehouse.client() as client:
        try:
            made = client.create_table(table)
            with tempfile.TemporaryFile() as file:
                pq.write_table(pa.table({"n": [1]}), file)
                load(client, file, table, made.location or client.location)
            swap = (
                f"BEGIN TRANSACTION; DELETE FROM `{name}` WHERE TRUE; "
                f"INSERT INTO `{name}` (n) VALUES (2); COMMIT TRANSACTION; SELECT 1 AS done;"
            )
            run(client, swap, {}, Spent())
            found = warehouse.query(f"SELECT n FROM `{name}`").to_pylist()
        finally:
            with suppress(*NO_ANSWER):
                client.delete_table(name, not_found_ok=True, retry=LOOK_RETRY)
    if found != [{"n": 2}]:
        raise WarehouseError(f"{name}: a row was swapped for another, and {found} was read.")


def refused_statements(warehouse: BigQueryWarehouse, today: date) -> Iterator[str]:
    """What BigQuery says of each statement that it would not run; all tables must be there."""
    for table in built_tables():
        try:
            warehouse.estimate(query_of(table, Window.day(today), "doctor", today))
        except WarehouseError as error:
            yield f"{table}: {error}"
