"""The warehouse in BigQuery: stage, check, then one transaction. Imported only where it is used.

What Dagster knows (who runs, for which asset) comes in from `bigquery_resource`; here it is labels.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar, cast

import pyarrow as pa
import requests
import sqlglot
from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator, TableListItem
from sqlglot import exp

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse import bigquery_ibis
from ai_usage.warehouse.base import Details, Parameters, Query, Replaced, Rows, Warehouse
from ai_usage.warehouse.bigquery_few import (
    NEW_ROWS,
    are_few,
    as_text,
    from_text,
    gathered,
    stands,
)
from ai_usage.warehouse.bigquery_jobs import (
    CONFLICT_RETRY,
    JOB_TIMEOUT,
    LOOK_RETRY,
    NO_ANSWER,
    RETRY_SECONDS,
    TRANSIENT_RETRY,
    UTC_SESSION,
    Spent,
    ask,
    bound,
    label,
    run,
    said,
)
from ai_usage.warehouse.bigquery_loads import load, write_parquet
from ai_usage.warehouse.bigquery_tables import (
    CountsByDay,
    counted_by_day,
    counts_by_day,
    declared,
    described,
    inherited_defaults,
    looked_at,
    refuse_drift,
    staged_counts,
    staged_field,
    staged_type,
    type_of,
    view_stands,
)
from ai_usage.warehouse.incoming import check_arrow, check_names
from ai_usage.warehouse.relations import INTERNAL_SUFFIX, is_internal, relations
from ai_usage.warehouse.schema import Column, TableSchema, table_names, table_schema
from ai_usage.warehouse.sql import Literals, references, render
from ai_usage.warehouse.views import ViewSchema, tables_read

STAGE_LIFETIME = timedelta(hours=24)
"""A staging table that a killed process leaves behind is gone after this."""

AT_ONCE = 4
"""Questions that are asked side by side where none needs another's answer."""

PERMISSIONS = (
    "bigquery.tables.get",
    "bigquery.tables.getData",
    "bigquery.tables.update",
    "bigquery.tables.updateData",
)
"""What a run needs on every table; creating tables and running jobs show by themselves."""

_STAGE = "staged_rows"
"""A script's own table of the rows that a query gives."""

_EARLIEST = {"DATE": "0001-01-01", "TIMESTAMP": "0001-01-01 00:00:00+00"}
_DATASETS_SEEN: set[tuple[str, tuple[str, ...]]] = set()
"""Project and datasets of warehouses whose datasets are all there."""

Labels = Mapping[str, str]
ReadAt = Mapping[str, datetime | None]
"""When tables had last been written to as they were read."""

Connect = Callable[[str | None], AbstractContextManager[bigquery.Client]]
"""Opens a client whose jobs run in a location; None: wherever Google guesses."""

_LOCATIONS: dict[tuple[str, str], str] = {}
"""Where a project's dataset lies, as Google said it."""


@dataclass(frozen=True)
class BigQueryWarehouse(Warehouse):
    """A warehouse in the dataset `project.dataset`, its views in `views_dataset`.

    What is internal stands in `internal_dataset`, else `<dataset>_internal`. `connect` opens a
    client; `labels` says what the jobs of this moment are for.
    """

    asks_together: ClassVar[int] = 16

    connect: Connect
    project: str
    dataset: str
    views_dataset: str | None = None
    internal_dataset: str | None = None
    location: str | None = None
    maximum_bytes_billed: int | None = None
    job_timeout: timedelta = JOB_TIMEOUT
    storage_api: bool = True
    labels: Callable[[], Labels] = field(default=dict)

    def describe(self) -> str:
        """The project and dataset, and the one of the views where that is another."""
        where = f"{self.project}.{self.dataset}"
        apart = self.views_dataset not in (None, self.dataset)
        return f"{where}, views in {self.project}.{self.views_dataset}" if apart else where

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets of tables, of what is internal, and of views; each once."""
        found = (self.dataset, self.internal, self.views_dataset or self.dataset)
        return tuple(dict.fromkeys(found))

    def home(self, relation: str) -> str:
        """The full name of a table or view of the product, unquoted."""
        return f"{self.project}.{self.dataset_of(relation)}.{relation}"

    def dataset_of(self, relation: str) -> str:
        """The dataset in which a table or view of the product stands."""
        if is_internal(relation):
            return self.internal
        is_view = relations().get(relation) == "view"
        return (self.views_dataset or self.dataset) if is_view else self.dataset

    @property
    def internal(self) -> str:
        """The dataset of what is internal."""
        return self.internal_dataset or f"{self.dataset}{INTERNAL_SUFFIX}"

    def render(self, sql: str, literals: Literals | None = None) -> str:
        """A statement with the product's names written out in full."""
        return render(
            sql,
            "bigquery",
            dataset=f"{self.project}.{self.dataset}",
            views_dataset=f"{self.project}.{self.views_dataset or self.dataset}",
            internal_dataset=f"{self.project}.{self.internal}",
            literals=literals,
        )

    @contextmanager
    def client(self) -> Iterator[bigquery.Client]:
        """A client whose every job is labelled and bounded, closed afterwards.

        What Google refuses becomes a `WarehouseError` of one line.
        """
        labels = {"app": "ai-usage", **{k: label(v) for k, v in self.labels().items()}}
        patience = self.job_timeout // timedelta(milliseconds=1)
        try:
            with self.connect(self.located()) as client:
                bounds = bigquery.QueryJobConfig(
                    labels=labels, use_legacy_sql=False, connection_properties=[UTC_SESSION]
                )
                bounds.job_timeout_ms = patience
                if self.maximum_bytes_billed is not None:
                    bounds.maximum_bytes_billed = self.maximum_bytes_billed
                client.default_query_job_config = bounds
                loads = bigquery.LoadJobConfig(labels=labels)
                loads.job_timeout_ms = patience
                client.default_load_job_config = loads
                yield client
        except api.GoogleAPICallError as error:
            raise WarehouseError(f"{self.describe()}: {said(error)}") from error
        except api.RetryError as error:
            raise WarehouseError(
                f"{self.describe()}: tried again and again, at last: {said(error.cause or error)}"
            ) from error
        except requests.RequestException as error:
            raise WarehouseError(f"{self.describe()}: no answer: {said(error)}") from error
        except GoogleAuthError as error:
            raise WarehouseError(
                f"{self.project}: Google's credentials are missing or refused: {said(error)} Run "
                "`gcloud auth application-default login`, or set AI_USAGE_BIGQUERY_CREDENTIALS."
            ) from error

    def located(self) -> str | None:
        """The location that the settings name, else the dataset's; None where that is not there.

        A script, or a query that reads no table, would be run wherever Google guesses. Asked once
        a process.
        """
        key = (self.project, self.dataset)
        if self.location is None and key not in _LOCATIONS:
            with self.connect(None) as client:
                try:
                    there = client.get_dataset(f"{self.project}.{self.dataset}", retry=LOOK_RETRY)
                except api.NotFound:
                    return None
                if there.location is None:
                    return None
                _LOCATIONS[key] = str(there.location)
        return self.location or _LOCATIONS[key]

    def exists(self, relation: str) -> bool:
        """Whether the table or view is there."""
        with self.client() as client:
            return _found(client, self.home(relation)) is not None

    def definitions(self) -> Mapping[str, str]:
        """The kind of each of the product's tables and views that are there, by listing alone."""
        product = relations()
        with self.client() as client:
            return {
                item.table_id: str(item.table_type)
                for dataset in self.datasets
                for item in _listed(client, f"{self.project}.{dataset}")
                if item.table_id in product and self.dataset_of(item.table_id) == dataset
            }

    def column_types(self, relation: str) -> Mapping[str, str]:
        """BigQuery's name for the type of each column that a table or view has."""
        with self.client() as client:
            there = _found(client, self.home(relation))
        return {} if there is None else {f.name: type_of(f) for f in there.schema}

    def ensure_table(self, table: str) -> None:
        """Create the table, or add the columns it lacks; other drift is an error."""
        with self.client() as client:
            self._ensure(client, table_schema(table))

    def _ensure(self, client: bigquery.Client, schema: TableSchema) -> bigquery.Table:
        """The table, which has the columns of its DDL now."""
        name = self.home(schema.name)
        wanted = declared(schema, name)
        there = _found(client, name)
        if there is None:
            self._require_dataset(client, self.dataset_of(schema.name))
            # Another run may have been quicker: then its table is looked at like any other.
            client.create_table(wanted, exists_ok=True)
            there = client.get_table(name)
        fields = {f.name: f for f in there.schema}
        refuse_drift(schema, name, there)
        merged = [described(f, schema) for f in there.schema]
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
            there = client.update_table(there, changed)
        return there

    def _require_dataset(self, client: bigquery.Client, dataset: str) -> bigquery.Dataset:
        """The dataset, if what is made in it stays as it is made."""
        there = self._dataset(client, dataset)
        for default in inherited_defaults(there):
            raise WarehouseError(f"{self.project}.{dataset}: {default}; nothing was made in it.")
        return there

    def _require_datasets(self, client: bigquery.Client) -> None:
        """Raise where a dataset is not there, before anything is written to any of them.

        The pipeline may not make them; a warehouse half of an older version and half of this one
        would be worse than none. Asked once a process: one that goes later is missed by itself.
        """
        where = (self.project, self.datasets)
        if where not in _DATASETS_SEEN:
            for dataset in self.datasets:
                self._dataset(client, dataset)
            _DATASETS_SEEN.add(where)

    def _dataset(self, client: bigquery.Client, dataset: str) -> bigquery.Dataset:
        try:
            return client.get_dataset(f"{self.project}.{dataset}", retry=LOOK_RETRY)
        except api.NotFound:
            where = f" --location={self.location}" if self.location else ""
            raise WarehouseError(
                f"{self.project}.{dataset}: there is no such dataset; nothing was written. Make it "
                f"with `bq mk{where} --default_table_expiration=0 "
                f"--default_partition_expiration=0 --dataset {self.project}:{dataset}`."
            ) from None

    def replace(self, table: str, window: Window | None, new: Rows | Query) -> Replaced:
        """Make the window (None: the whole table) hold exactly the new rows."""
        schema = table_schema(table)
        spent = Spent()
        last = monotonic() + RETRY_SECONDS
        if isinstance(new, Query):
            self._create_what_is_read(new.sql, {})
        with self.client() as client:
            self._require_datasets(client)
            there = self._ensure(client, schema)
            if not isinstance(new, Query):
                check_arrow(schema, new.schema)
                new = gathered(new)
                if are_few(new) and stands(client, schema, there, new):
                    return Replaced(new.num_rows, new.num_rows, new.num_rows, spent.details())
            while (counts := self._replace_once(client, schema, window, new, spent)) is None:
                if monotonic() > last:
                    raise WarehouseError(
                        f"{table}: the tables that it is built from were written to again and "
                        "again meanwhile; run it again when no other run writes to them."
                    )
                spent.staged_again += 1
            total = client.get_table(self.home(table)).num_rows
        before, now = counts
        return Replaced(
            rows=sum(day.rows for day in now.values()),
            rows_before=sum(day.rows for day in before.values()),
            rows_in_table=int(total or 0),
            details=spent.details(),
            days={day: found for day, found in now.items() if day is not None},
            days_before={day: found for day, found in before.items() if day is not None},
        )

    def _replace_once(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        window: Window | None,
        new: Rows | Query,
        spent: Spent,
    ) -> tuple[CountsByDay, CountsByDay] | None:
        """Stage, look, swap. None where the rows are not those of their source tables any more."""
        if isinstance(new, Query):
            return self._replace_by_query(client, schema, window, new, spent)
        if are_few(new):
            staged = {c.name: staged_type(c) for c in schema.columns}
            script, bound = self._swap(schema, _STAGE, staged, window, from_text(schema))
            bound = {NEW_ROWS: as_text(schema, new), **bound}
            return self._swapped(client, schema, script, bound, window, {}, spent)
        home = f"{self.project}.{self.dataset_of(schema.name)}"
        stage = f"{home}.ai_usage_stage_{schema.name}_{uuid.uuid4().hex}"
        try:
            self._stage_rows(client, schema, stage, new)
            staged = {f.name: type_of(f) for f in client.get_table(stage).schema}
            self._check_columns(schema, staged)
            script, bound = self._swap(schema, f"`{stage}`", staged, window)
            return self._swapped(client, schema, script, bound, window, {}, spent)
        finally:
            # What cannot be dropped now expires by itself.
            with suppress(*NO_ANSWER):
                client.delete_table(stage, not_found_ok=True, retry=LOOK_RETRY)

    def _replace_by_query(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        window: Window | None,
        new: Query,
        spent: Spent,
    ) -> tuple[CountsByDay, CountsByDay] | None:
        """Work the rows out in the script that swaps them in: its stage goes with it."""
        sql = self.render(new.sql)
        foreseen = self._dry_run(client, sql, new.parameters, references(new.sql))
        spent.estimated += int(foreseen.total_bytes_processed or 0)
        staged = {f.name: type_of(f) for f in foreseen.schema or ()}
        self._check_columns(schema, staged)
        read_at = self._written_at(client, tables_read(new.sql) - {schema.name})
        script, bound = self._swap(schema, _STAGE, staged, window, sql)
        bound = {**new.parameters, **bound}
        return self._swapped(client, schema, script, bound, window, read_at, spent)

    def _written_at(self, client: bigquery.Client, tables: Iterable[str]) -> ReadAt:
        """When each of the tables was last written to."""
        return {t: client.get_table(self.home(t), retry=LOOK_RETRY).modified for t in tables}

    def _stage_rows(
        self, client: bigquery.Client, schema: TableSchema, stage: str, new: Rows
    ) -> None:
        table = bigquery.Table(stage, schema=[staged_field(c) for c in schema.columns])
        table.expires = datetime.now(UTC) + STAGE_LIFETIME
        with tempfile.TemporaryFile() as file:
            rows = write_parquet(schema, new, file)
            made = client.create_table(table)
            if rows:
                load(client, file, table, made.location or client.location)

    def _check_columns(self, schema: TableSchema, staged: Mapping[str, str]) -> None:
        check_names(schema, list(staged))
        for c in schema.columns:
            # A load has no JSON: its text is parsed when it is inserted.
            if staged[c.name] not in (c.type, staged_type(c)):
                raise WarehouseError(
                    f"{schema.name}.{c.name}: the new rows have {staged[c.name]}, the DDL says "
                    f"{c.type}; nothing was changed."
                )

    def _swap(
        self,
        schema: TableSchema,
        stage: str,
        staged: Mapping[str, str],
        window: Window | None,
        rows: str | None = None,
    ) -> tuple[str, Parameters]:
        """The script that looks at the stage, then deletes and inserts in one transaction.

        One job; `rows` is a query in it that makes the stage. A script that fails is rolled
        back by BigQuery; rows that are refused begin no transaction.
        """
        made = f"CREATE TEMP TABLE {stage} AS\n{rows};\n" if rows is not None else ""
        name = f"`{self.home(schema.name)}`"
        where, bounds = _where(schema, window)
        columns = ", ".join(f"`{c}`" for c in schema.column_names)
        values = ", ".join(inserted(c, staged[c.name]) for c in schema.columns)
        # Both cost nothing: whole partitions go, or the whole table.
        remove = (
            f"TRUNCATE TABLE {name}"
            if schema.partition_column is None
            else f"DELETE FROM {name} WHERE {where}"
        )
        script = f"""
DECLARE staged, old_days STRING;
{made}SET staged = ({looked_at(schema, stage, where if window is not None else "TRUE")});
IF COALESCE(JSON_VALUE(staged, '$.is_refused'), 'false') = 'false' THEN
BEGIN TRANSACTION;
SET old_days = ({counted_by_day(schema, name, where)});
{remove};
INSERT INTO {name} ({columns}) SELECT {values} FROM {stage};
COMMIT TRANSACTION;
END IF;
SELECT staged, old_days;
"""
        return script, bounds

    def _swapped(
        self,
        client: bigquery.Client,
        schema: TableSchema,
        script: str,
        bound: Parameters,
        window: Window | None,
        read_at: ReadAt,
        spent: Spent,
    ) -> tuple[CountsByDay, CountsByDay] | None:
        """Run the script; what was there of each day, and what is there now.

        None where a table that the rows come from was written to since: whoever did that builds
        this table after it, from newer rows than these. A transaction that lost against another is
        run again, for rows that are as new as before.
        """

        def moved() -> bool:
            return self._written_at(client, read_at) != read_at

        def attempt() -> tuple[CountsByDay, CountsByDay] | None:
            if moved():
                return None
            rows = run(client, script, bound, spent, TRANSIENT_RETRY)
            # Another's commit may have come between the look and the script, which may wait for
            # its turn: then these rows have to go as soon as they came.
            row = next(iter(rows))
            if moved():
                return None
            new_days = staged_counts(schema, row["staged"], window)
            return counts_by_day(row["old_days"]), new_days

        try:
            return CONFLICT_RETRY(attempt)()
        except api.GoogleAPICallError as error:
            raise WarehouseError(
                f"{schema.name}: the new rows were refused, the old ones stay: {said(error)}"
            ) from error

    def create_view(self, view: ViewSchema, literals: Literals) -> Details:
        """Create or replace the view with its render parameters filled in.

        One that stands so already is left alone: a new one loses the labels, tags and policy tags
        that others gave it, and is a line in the audit log. Labels are carried over at least.
        """
        self._create_what_is_read(view.query, literals)
        statement, spent = self.view_statement(view, literals), Spent()
        with self.client() as client:
            self._require_datasets(client)
            self._require_dataset(client, self.dataset_of(view.name))
            there = _found(client, self.home(view.name))
            if there is not None and view_stands(there, view, statement):
                return spent.details()
            spent.estimated += self._foreseen(
                client, self.render(view.query, literals), {}, reads=references(view.query)
            )
            run(client, statement, {}, spent)
            if there is not None and there.labels.keys() - view.labels.keys():
                made = client.get_table(self.home(view.name))
                made.labels = there.labels | view.labels
                client.update_table(made, ["labels"])
        return spent.details()

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
            return self._rows(client, sql, asked.parameters)

    def queries(self, queries: Mapping[str, Query]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        """The rows of several queries, by their names, in order; a few are asked at once."""
        # Who runs is known to this thread alone.
        labels = dict(self.labels())
        here = replace(self, labels=lambda: labels)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for name, rows in zip(queries, pool.map(here.query, queries.values()), strict=True):
                yield name, rows.to_reader()

    def measured(self, query: Query | str) -> tuple[pa.Table, Details]:
        """The rows of a query, and the bytes that it was foreseen to process and did."""
        asked = Query(query) if isinstance(query, str) else query
        sql = self.render(_only_query(asked.sql))
        spent = Spent()
        with self.client() as client:
            spent.estimated += self._foreseen(client, sql, asked.parameters)
            rows = self._rows(client, sql, asked.parameters, spent)
        return rows, spent.details()

    def _rows(
        self,
        client: bigquery.Client,
        sql: str,
        parameters: Parameters,
        spent: Spent | None = None,
    ) -> pa.Table:
        # A person may be waiting for the answer.
        rows = ask(client, sql, parameters, spent, LOOK_RETRY)
        if self.storage_api:
            try:
                return rows.to_arrow(create_bqstorage_client=True)
            except (api.Forbidden, api.ServiceUnavailable, api.MethodNotImplemented):
                # The Storage API is off, or this account may not use it: the slower way works.
                job = client.get_job(str(rows.job_id), location=rows.location)
                rows = cast(RowIterator, job.result())
        return rows.to_arrow(create_bqstorage_client=False)

    def estimate(self, query: Query | str) -> int:
        """The bytes that a query would process, without running it."""
        asked = Query(query) if isinstance(query, str) else query
        with self.client() as client:
            return self._foreseen(client, self.render(_only_query(asked.sql)), asked.parameters)

    def dataset_location(self, dataset: str) -> str:
        """Where a dataset lies. Raises `WarehouseError` if it is not there."""
        with self.client() as client:
            return str(self._dataset(client, dataset).location or "?")

    def dataset_defaults(self, dataset: str) -> list[str]:
        """What tables of a dataset would inherit that changes or deletes rows, and its remedy."""
        with self.client() as client:
            return inherited_defaults(self._dataset(client, dataset))

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
        with self.client() as client:
            yield bigquery_ibis.connect(client, self.project, self.dataset, client.location)

    def _foreseen(
        self,
        client: bigquery.Client,
        sql: str,
        parameters: Parameters,
        reads: Collection[str] = (),
    ) -> int:
        """The bytes that a statement would process, by a dry run."""
        job = self._dry_run(client, sql, parameters, reads)
        return int(job.total_bytes_processed or 0)

    def _dry_run(
        self,
        client: bigquery.Client,
        sql: str,
        parameters: Parameters,
        reads: Collection[str] = (),
    ) -> bigquery.QueryJob:
        """What a statement would give and process; it is not run, and costs nothing.

        A table among `reads` that nothing was written to yet is empty, not missing: it is made.
        """
        config = bound(parameters)
        config.dry_run = True
        config.use_query_cache = False
        try:
            return client.query(sql, job_config=config)
        except api.NotFound:
            if not reads:
                raise
            for name in set(reads) & set(table_names()):
                self._ensure(client, table_schema(name))
            return self._dry_run(client, sql, parameters)


def inserted(column: Column, staged: str) -> str:
    """A column of the stage as it is inserted."""
    name = f"`{column.name}`"
    if column.type != "JSON" or staged != "STRING":
        return name
    # A number longer than a FLOAT64 is rounded, not refused: the archive has its digits. Text that
    # is no JSON here stays text: no single record may keep a day's others out.
    parsed = f"SAFE.PARSE_JSON({name}, wide_number_mode=>'round')"
    return f"IF({name} IS NULL, NULL, COALESCE({parsed}, TO_JSON({name})))"


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
        return f"{column} >= {kind} '{_EARLIEST[kind]}'", {}
    bounds = (window.start, window.end) if whole_days else (window.start_at, window.end_at)
    return (
        f"{column} >= @replaced_from AND {column} < @replaced_to",
        {"replaced_from": bounds[0], "replaced_to": bounds[1]},
    )


def _found(client: bigquery.Client, name: str) -> bigquery.Table | None:
    try:
        return client.get_table(name, retry=LOOK_RETRY)
    except api.NotFound:
        return None


def _listed(client: bigquery.Client, dataset: str) -> Sequence[TableListItem]:
    try:
        return list(client.list_tables(dataset, retry=LOOK_RETRY))
    except api.NotFound:
        return ()


def _only_query(sql: str) -> str:
    """The statement, if it is one query: what only reads must not be able to change anything."""
    try:
        statements = [s for s in sqlglot.parse(sql, read="bigquery") if s is not None]
    except sqlglot.errors.SqlglotError as error:
        raise WarehouseError(f"query: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise WarehouseError("query: only one SELECT can be asked; nothing was run.")
    return sql
