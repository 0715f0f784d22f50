"""The warehouse in BigQuery: stage, check, then one transaction. Imported only where it is used.

What Dagster knows (who runs, for which asset) comes in from `bigquery_resource`; here it is labels.
"""

from __future__ import annotations

import copy
import re
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator
from sqlglot import exp

from ai_usage.errors import WarehouseError
from ai_usage.platforms.base import Window
from ai_usage.warehouse.base import (
    Details,
    Parameter,
    Parameters,
    Query,
    Replaced,
    Rows,
    Warehouse,
)
from ai_usage.warehouse.incoming import check_arrow, check_names
from ai_usage.warehouse.schema import Column, TableSchema, table_names, table_schema
from ai_usage.warehouse.sql import Literals, references, relations, render
from ai_usage.warehouse.views import ViewSchema

STAGE_LIFETIME = timedelta(hours=24)
"""A staging table that a killed process leaves behind is gone after this."""

ROWS_IN_MEMORY = 50_000
"""So many rows are held before they are written to the file that is loaded."""

RETRY_SECONDS = 600.0
"""How long a job is tried again that BigQuery refused for its load, or for another writer's."""

UTC_SESSION = bigquery.ConnectionProperty("time_zone", "UTC")
"""A project or organisation may have a default time zone, which rules whatever names none."""

PERMISSIONS = (
    "bigquery.tables.get",
    "bigquery.tables.getData",
    "bigquery.tables.update",
    "bigquery.tables.updateData",
)
"""What a run needs on every table; creating tables and running jobs show by themselves."""

_EARLIEST = "0001-01-01"
_CONFLICT = re.compile(
    r"concurrent update|could not serialize|transaction is aborted"
    # The emulator's word for it.
    r"|failed to commit",
    re.I,
)
_GENERIC_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_NOT_LABEL = re.compile(r"[^a-z0-9_-]+")

Labels = Mapping[str, str]
Connect = Callable[[], AbstractContextManager[bigquery.Client]]


def is_transient(error: BaseException) -> bool:
    """Whether a job is worth trying again: quota, a server's error, or another writer's commit.

    BigQuery cancels one of two transactions that change a table at once; it was rolled back. An
    address that nobody answers has been tried long enough.
    """
    if isinstance(error, api.RetryError):
        return isinstance(error.cause, api.GoogleAPICallError) and is_transient(error.cause)
    if isinstance(error, Exception) and DEFAULT_JOB_RETRY._predicate(error):
        return True
    return isinstance(error, api.GoogleAPICallError) and bool(_CONFLICT.search(str(error)))


LOOK_RETRY = DEFAULT_RETRY.with_timeout(30.0)
"""For questions about a table or dataset: an address that nobody answers is told soon."""

JOB_RETRY = Retry(predicate=is_transient, initial=1.0, maximum=30.0, timeout=RETRY_SECONDS)
"""Exponential and jittered, as Google advises."""


def label(text: str) -> str:
    """A value that BigQuery takes as a label: lower case, 63 characters of a-z, 0-9, _ and -."""
    return _NOT_LABEL.sub("_", text.lower())[:63]


@dataclass
class _Spent:
    """Bytes that statements would process, by their dry runs, and did process."""

    estimated: int = 0
    processed: int = 0

    def details(self) -> Details:
        return {"bytes_estimated": self.estimated, "bytes_processed": self.processed}


@dataclass(frozen=True)
class BigQueryWarehouse(Warehouse):
    """A warehouse in the dataset `project.dataset`, its views in `views_dataset`.

    `connect` opens a client; `labels` says what the jobs of this moment are for.
    """

    connect: Connect
    project: str
    dataset: str
    views_dataset: str | None = None
    location: str | None = None
    maximum_bytes_billed: int | None = None
    storage_api: bool = True
    labels: Callable[[], Labels] = field(default=dict)

    def describe(self) -> str:
        """The project and dataset, and the one of the views where that is another."""
        where = f"{self.project}.{self.dataset}"
        apart = self.views_dataset not in (None, self.dataset)
        return f"{where}, views in {self.project}.{self.views_dataset}" if apart else where

    def home(self, relation: str) -> str:
        """The full name of a table or view of the product, unquoted."""
        is_view = relations().get(relation) == "view"
        dataset = (self.views_dataset or self.dataset) if is_view else self.dataset
        return f"{self.project}.{dataset}.{relation}"

    def render(self, sql: str, literals: Literals | None = None) -> str:
        """A statement with the product's names written out in full."""
        return render(
            sql,
            "bigquery",
            dataset=f"{self.project}.{self.dataset}",
            views_dataset=f"{self.project}.{self.views_dataset or self.dataset}",
            literals=literals,
        )

    @contextmanager
    def client(self) -> Iterator[bigquery.Client]:
        """A client whose every job is labelled and bounded, closed afterwards.

        What Google refuses becomes a `WarehouseError` of one line.
        """
        labels = {"app": "ai-usage", **{k: label(v) for k, v in self.labels().items()}}
        try:
            with self.connect() as client:
                bounds = bigquery.QueryJobConfig(
                    labels=labels, use_legacy_sql=False, connection_properties=[UTC_SESSION]
                )
                if self.maximum_bytes_billed is not None:
                    bounds.maximum_bytes_billed = self.maximum_bytes_billed
                client.default_query_job_config = bounds
                client.default_load_job_config = bigquery.LoadJobConfig(labels=labels)
                yield client
        except api.GoogleAPICallError as error:
            raise WarehouseError(f"{self.describe()}: {said(error)}") from error
        except api.RetryError as error:
            raise WarehouseError(
                f"{self.describe()}: tried again and again, at last: {said(error.cause or error)}"
            ) from error
        except GoogleAuthError as error:
            raise WarehouseError(
                f"{self.project}: Google's credentials are missing or refused: {said(error)} Run "
                "`gcloud auth application-default login`, or set AI_USAGE_BIGQUERY_CREDENTIALS."
            ) from error

    def exists(self, relation: str) -> bool:
        """Whether the table or view is there."""
        with self.client() as client:
            return _found(client, self.home(relation)) is not None

    def ensure_table(self, table: str) -> None:
        """Create the table, or add the columns it lacks; other drift is an error."""
        with self.client() as client:
            self._ensure(client, table_schema(table))

    def _ensure(self, client: bigquery.Client, schema: TableSchema) -> None:
        name = self.home(schema.name)
        wanted = declared(schema, name)
        there = _found(client, name)
        if there is None:
            self._require_dataset(client, self.dataset)
            # Another run may have been quicker: then its table is looked at like any other.
            client.create_table(wanted, exists_ok=True)
            there = client.get_table(name)
        fields = {f.name: f for f in there.schema}
        _refuse_drift(schema, name, there)
        merged = [_described(f, schema) for f in there.schema]
        merged += [f for f in wanted.schema if f.name not in fields]
        changed = []
        if merged != list(there.schema):
            there.schema = merged
            changed.append("schema")
        for setting in ("description", "clustering_fields", "require_partition_filter"):
            should_be = getattr(wanted, setting)
            if (getattr(there, setting) or None) != (should_be or None):
                setattr(there, setting, should_be)
                changed.append(setting)
        if changed:
            client.update_table(there, changed)

    def _require_dataset(self, client: bigquery.Client, dataset: str) -> None:
        try:
            client.get_dataset(f"{self.project}.{dataset}", retry=LOOK_RETRY)
        except api.NotFound:
            where = f" --location={self.location}" if self.location else ""
            raise WarehouseError(
                f"{self.project}.{dataset}: there is no such dataset; make it with "
                f"`bq mk{where} --dataset {self.project}:{dataset}`."
            ) from None

    def replace(self, table: str, window: Window | None, new: Rows | Query) -> Replaced:
        """Make the window (None: the whole table) hold exactly the new rows."""
        schema = table_schema(table)
        spent = _Spent()
        where, bounds = _where(schema, window)
        with self.client() as client:
            self._ensure(client, schema)
            stage = f"{self.project}.{self.dataset}.ai_usage_stage_{table}_{uuid.uuid4().hex}"
            try:
                if isinstance(new, Query):
                    self._stage_query(client, schema, stage, new, spent)
                else:
                    self._stage_rows(client, schema, stage, new)
                staged = {f.name: _type_of(f) for f in client.get_table(stage).schema}
                self._check_stage(client, schema, stage, staged, window, spent)
                counts = self._swap(client, schema, stage, staged, where, bounds, spent)
            finally:
                # What cannot be dropped now expires by itself.
                with suppress(api.GoogleAPICallError, api.RetryError):
                    client.delete_table(stage, not_found_ok=True)
            total = client.get_table(self.home(table)).num_rows
        return Replaced(
            rows=counts["new_rows"],
            rows_before=counts["old_rows"],
            rows_in_table=int(total or 0),
            details=spent.details(),
        )

    def _stage_query(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        stage: str,
        new: Query,
        spent: _Spent,
    ) -> None:
        sql = self.render(new.sql)
        spent.estimated += self._foreseen(client, sql, new.parameters, references(new.sql))
        expires = (datetime.now(UTC) + STAGE_LIFETIME).isoformat(timespec="seconds")
        self._run(
            client,
            f"CREATE TABLE `{stage}` OPTIONS (expiration_timestamp=TIMESTAMP '{expires}') AS\n"
            f"{sql}",
            new.parameters,
            spent,
        )

    def _stage_rows(
        self, client: bigquery.Client, schema: TableSchema, stage: str, new: Rows
    ) -> None:
        check_arrow(schema, new.schema)
        table = bigquery.Table(stage, schema=[_staged(c) for c in schema.columns])
        table.expires = datetime.now(UTC) + STAGE_LIFETIME
        with tempfile.TemporaryFile() as file:
            _write_parquet(schema, new, file)
            client.create_table(table)
            config = bigquery.LoadJobConfig(
                source_format=bigquery.SourceFormat.PARQUET,
                schema=table.schema,
                write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
            )
            config.parquet_options = bigquery.ParquetOptions.from_api_repr(
                {"enableListInference": True}
            )

            def load() -> None:
                client.load_table_from_file(file, stage, rewind=True, job_config=config).result()

            JOB_RETRY(load)()

    def _check_stage(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        stage: str,
        staged: Mapping[str, str],
        window: Window | None,
        spent: _Spent,
    ) -> None:
        check_names(schema, list(staged))
        for c in schema.columns:
            # A load has no JSON: its text is parsed when it is inserted.
            if staged[c.name] not in (c.type, _staged_type(c)):
                raise WarehouseError(
                    f"{schema.name}.{c.name}: the new rows have {staged[c.name]}, the DDL says "
                    f"{c.type}; nothing was changed."
                )
        required = [c.name for c in schema.columns if not c.nullable]
        asked = [f"COUNTIF(`{name}` IS NULL) AS null_{i}" for i, name in enumerate(required)]
        bounds: Parameters = {}
        if window is not None:
            inside, bounds = _where(schema, window)
            day = schema.day_expression
            asked += [
                f"COUNTIF(NOT ({inside})) AS outside",
                f"MIN(IF({inside}, NULL, {day})) AS first_outside",
                f"MAX(IF({inside}, NULL, {day})) AS last_outside",
            ]
        if not asked:
            return
        rows = self._ask(client, f"SELECT {', '.join(asked)} FROM `{stage}`", bounds, spent)
        found = next(iter(rows))
        for i, name in enumerate(required):
            if found[f"null_{i}"]:
                raise WarehouseError(
                    f"{schema.name}.{name} is NOT NULL, but {found[f'null_{i}']} of the new rows "
                    "have NULL there; nothing was changed."
                )
        if window is not None and found["outside"]:
            raise WarehouseError(
                f"{schema.name}: {found['outside']} of the new rows lie outside {window} "
                f"({found['first_outside']} to {found['last_outside']}); nothing was changed."
            )

    def _swap(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        stage: str,
        staged: Mapping[str, str],
        where: str,
        bounds: Parameters,
        spent: _Spent,
    ) -> dict[str, int]:
        """Delete and insert in one transaction: a script that fails is rolled back by BigQuery."""
        name = f"`{self.home(schema.name)}`"
        columns = ", ".join(f"`{c}`" for c in schema.column_names)
        values = ", ".join(
            # A number longer than a FLOAT64 is rounded, not refused: the archive has its digits.
            f"PARSE_JSON(`{c.name}`, wide_number_mode=>'round')"
            if c.type == "JSON" and staged[c.name] == "STRING"
            else f"`{c.name}`"
            for c in schema.columns
        )
        script = f"""
DECLARE old_rows, new_rows INT64;
BEGIN TRANSACTION;
SET old_rows = (SELECT COUNT(*) FROM {name} WHERE {where});
DELETE FROM {name} WHERE {where};
INSERT INTO {name} ({columns}) SELECT {values} FROM `{stage}`;
SET new_rows = (SELECT COUNT(*) FROM `{stage}`);
COMMIT TRANSACTION;
SELECT old_rows, new_rows;
"""
        # A script has no dry run. What it reads of the table is what its DELETE reads.
        spent.estimated += self._foreseen(client, f"DELETE FROM {name} WHERE {where}", bounds)
        try:
            rows = self._run(client, script, bounds, spent)
        except api.GoogleAPICallError as error:
            raise WarehouseError(
                f"{schema.name}: the new rows were refused, the old ones stay: {said(error)}"
            ) from error
        return dict(next(iter(rows)).items())

    def create_view(self, view: ViewSchema, literals: Literals) -> None:
        """Create or replace the view with its render parameters filled in."""
        with self.client() as client:
            self._require_dataset(client, self.views_dataset or self.dataset)
            self._foreseen(
                client, self.render(view.query, literals), {}, reads=references(view.query)
            )
            self._run(client, self.view_statement(view, literals), {}, _Spent())

    def view_statement(self, view: ViewSchema, literals: Literals) -> str:
        """The CREATE OR REPLACE VIEW that is sent: as its file declares it, names in full."""
        create = sqlglot.parse_one(self.render(view.ddl, literals), read="bigquery")
        create.set("replace", True)
        return create.sql("bigquery", pretty=True)

    def query(self, query: Query | str) -> pa.Table:
        """The rows of a query in BigQuery's dialect; nothing but a query is let through."""
        asked = Query(query) if isinstance(query, str) else query
        sql = self.render(_only_query(asked.sql))
        with self.client() as client:
            return self._rows(client, sql, asked.parameters, _Spent())

    def measured(self, query: Query | str) -> tuple[pa.Table, Details]:
        """The rows of a query, and the bytes that it was foreseen to process and did."""
        asked = Query(query) if isinstance(query, str) else query
        sql = self.render(_only_query(asked.sql))
        spent = _Spent()
        with self.client() as client:
            spent.estimated += self._foreseen(client, sql, asked.parameters)
            rows = self._rows(client, sql, asked.parameters, spent)
        return rows, spent.details()

    def _rows(
        self, client: bigquery.Client, sql: str, parameters: Parameters, spent: _Spent
    ) -> pa.Table:
        # A person may be waiting for the answer.
        rows = self._ask(client, sql, parameters, spent, LOOK_RETRY)
        if self.storage_api:
            try:
                return rows.to_arrow(create_bqstorage_client=True)
            except (api.Forbidden, api.ServiceUnavailable, api.MethodNotImplemented):
                # The Storage API is off, or this account may not use it: the slower way works.
                job = client.get_job(str(rows.job_id), location=rows.location)
                rows = cast(RowIterator, job.result())
        return rows.to_arrow(create_bqstorage_client=False)

    def estimate(self, sql: str) -> int:
        """The bytes that a query would process, without running it."""
        with self.client() as client:
            return self._foreseen(client, self.render(_only_query(sql)), {})

    def dataset_location(self, dataset: str) -> str:
        """Where a dataset lies. Raises `WarehouseError` if it is not there."""
        with self.client() as client:
            self._require_dataset(client, dataset)
            return str(client.get_dataset(f"{self.project}.{dataset}").location or "?")

    def lacking_permissions(self, table: str) -> list[str]:
        """What the account would need on a table to run the graph, and may not."""
        with self.client() as client:
            answer = client.test_iam_permissions(
                client.get_table(self.home(table)).reference, PERMISSIONS
            )
        return sorted(set(PERMISSIONS) - set(answer.get("permissions", [])))

    @contextmanager
    def ibis(self) -> Iterator[Any]:
        """An ibis connection to the warehouse's dataset, closed afterwards."""
        import ibis

        with self.client() as client:
            bounds = copy.deepcopy(client.default_query_job_config)
            connection = ibis.bigquery.connect(
                dataset_id=f"{self.project}.{self.dataset}",
                client=client,
                credentials=client._credentials,
                location=self.location,
            )
            # ibis adds a setting of the old dialect, with which no query is asked in one request.
            client.default_query_job_config = bounds
            # Where a session's tables would stand: it is asked for by a query of its own, and
            # checks make none.
            setattr(  # noqa: B010
                connection,
                "_Backend__session_dataset",
                bigquery.DatasetReference(self.project, self.dataset),
            )
            # Checks fetch a handful of rows: no channel to the Storage API is worth its price.
            connection.storage_client.transport.close()
            connection.storage_client = None
            setattr(client, "_ensure_bqstorage_client", lambda *_, **__: None)  # noqa: B010
            yield connection

    @staticmethod
    def _run(
        client: bigquery.Client, sql: str, parameters: Parameters, spent: _Spent
    ) -> RowIterator:
        """Run a statement or script to its end, trying again what is worth it.

        The rows of a script are those of its last SELECT.
        """
        job = client.query(sql, job_config=_bound(parameters), job_retry=JOB_RETRY)
        rows = job.result()
        spent.processed += int(rows.total_bytes_processed or 0)
        return rows

    @staticmethod
    def _ask(
        client: bigquery.Client,
        sql: str,
        parameters: Parameters,
        spent: _Spent,
        retry: Retry = DEFAULT_RETRY,
    ) -> RowIterator:
        """The rows of a query; the first of them come with the answer to the question itself."""
        rows = client.query_and_wait(
            sql, job_config=_bound(parameters), retry=retry, job_retry=JOB_RETRY
        )
        spent.processed += int(rows.total_bytes_processed or 0)
        return rows

    def _foreseen(
        self,
        client: bigquery.Client,
        sql: str,
        parameters: Parameters,
        reads: Collection[str] = (),
    ) -> int:
        """The bytes that a statement would process, by a dry run.

        A table among `reads` that nothing was written to yet is empty, not missing: it is made.
        """
        config = _bound(parameters)
        config.dry_run = True
        config.use_query_cache = False
        try:
            job = client.query(sql, job_config=config)
        except api.NotFound:
            if not reads:
                raise
            for name in set(reads) & set(table_names()):
                self._ensure(client, table_schema(name))
            return self._foreseen(client, sql, parameters)
        return int(job.total_bytes_processed or 0)


def declared(schema: TableSchema, name: str) -> bigquery.Table:
    """The table as its DDL declares it, for BigQuery's API: `name` is project.dataset.table."""
    table = bigquery.Table(name, schema=[_field(c) for c in schema.columns])
    table.description = schema.description
    if schema.partition_column is not None:
        table.time_partitioning = bigquery.TimePartitioning(
            type_=bigquery.TimePartitioningType.DAY, field=schema.partition_column
        )
        table.require_partition_filter = schema.require_partition_filter
    if schema.cluster_by:
        table.clustering_fields = list(schema.cluster_by)
    return table


def _field(column: Column) -> bigquery.SchemaField:
    repeated = column.type.startswith("ARRAY<")
    mode = "REPEATED" if repeated else "NULLABLE" if column.nullable else "REQUIRED"
    kind = column.type.removeprefix("ARRAY<").removesuffix(">")
    return bigquery.SchemaField(column.name, kind, mode, description=column.description)


def _staged_type(column: Column) -> str:
    return "STRING" if column.type == "JSON" else column.type


def _staged(column: Column) -> bigquery.SchemaField:
    """The column in a staging table: nullable, so that a NULL is told by name, not by the load."""
    field_ = _field(column)
    mode = "REPEATED" if field_.mode == "REPEATED" else "NULLABLE"
    return bigquery.SchemaField(
        column.name, "STRING" if column.type == "JSON" else field_.field_type, mode
    )


def _type_of(field_: bigquery.SchemaField) -> str:
    kind = _GENERIC_TYPES.get(field_.field_type, field_.field_type)
    return f"ARRAY<{kind}>" if field_.mode == "REPEATED" else str(kind)


def _described(field_: bigquery.SchemaField, schema: TableSchema) -> bigquery.SchemaField:
    description = schema.column(field_.name).description
    if field_.description == description:
        return field_
    return bigquery.SchemaField.from_api_repr({**field_.to_api_repr(), "description": description})


def _refuse_drift(schema: TableSchema, name: str, there: bigquery.Table) -> None:
    """Raise on everything about a table that is not as declared and cannot be mended in place."""
    columns = {c.name: c for c in schema.columns}
    for found in there.schema:
        column = columns.get(found.name)
        if column is None:
            raise WarehouseError(
                f"{name} has a column {found.name} that its DDL does not declare; drop it there, "
                "or add it to the DDL."
            )
        is_there = (_type_of(found), found.mode == "REQUIRED")
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


def _where(schema: TableSchema, window: Window | None) -> tuple[str, Parameters]:
    """A condition on the rows of the window that prunes partitions, and its parameters."""
    if schema.partition_column is None:
        if window is not None:
            raise WarehouseError(f"{schema.name} has no partitions: it is replaced as a whole.")
        return "TRUE", {}
    column = f"`{schema.partition_column}`"
    whole_days = schema.column(schema.partition_column).type == "DATE"
    if window is None:
        kind = "DATE" if whole_days else "TIMESTAMP"
        return f"{column} >= {kind} '{_EARLIEST}'", {}
    bounds = (window.start, window.end) if whole_days else (window.start_at, window.end_at)
    return (
        f"{column} >= @window_start AND {column} < @window_end",
        {"window_start": bounds[0], "window_end": bounds[1]},
    )


def _bound(parameters: Parameters) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(name, _parameter_type(value), value)
            for name, value in parameters.items()
        ]
    )


def _parameter_type(value: Parameter) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "BOOL"),
        (datetime, "TIMESTAMP"),
        (date, "DATE"),
        (int, "INT64"),
        (float, "FLOAT64"),
        (Decimal, "NUMERIC"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "STRING")


def _write_parquet(schema: TableSchema, new: Rows, file: IO[bytes]) -> None:
    """Write the rows with their declared types, a bounded number of them in memory."""
    target = pa.schema([pa.field(c.name, c.arrow_type) for c in schema.columns])
    batches = new.to_batches(ROWS_IN_MEMORY) if isinstance(new, pa.Table) else new
    with pq.ParquetWriter(file, target) as writer:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            held.append(batch)
            if sum(b.num_rows for b in held) >= ROWS_IN_MEMORY:
                writer.write_table(_cast(held, target))
                held = []
        if held:
            writer.write_table(_cast(held, target))


def _cast(batches: list[pa.RecordBatch], target: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches).select(target.names).cast(target)


def _found(client: bigquery.Client, name: str) -> bigquery.Table | None:
    try:
        return client.get_table(name, retry=LOOK_RETRY)
    except api.NotFound:
        return None


def _only_query(sql: str) -> str:
    """The statement, if it is one query: what only reads must not be able to change anything."""
    try:
        statements = [s for s in sqlglot.parse(sql, read="bigquery") if s is not None]
    except sqlglot.errors.SqlglotError as error:
        raise WarehouseError(f"query: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise WarehouseError("query: only one SELECT can be asked; nothing was run.")
    return sql


def said(error: BaseException) -> str:
    """What Google says, as one line, and the mend where the reason has a known one."""
    message = str(getattr(error, "message", "") or error).strip()
    # The client writes the request before the answer.
    line = message.splitlines()[0] if message else type(error).__name__
    line = re.sub(r"^(GET|POST|PATCH|PUT|DELETE) \S+: ", "", line).split("; reason: ")[0]
    if "bytes billed" in line:
        return f"{line} AI_USAGE_MAXIMUM_BYTES_BILLED is the limit."
    if isinstance(error, api.Forbidden) and not is_transient(error):
        return f"{line} docs/deploy.md names the roles that the account needs."
    return line


__all__ = ["BigQueryWarehouse", "declared", "is_transient", "label", "said"]
