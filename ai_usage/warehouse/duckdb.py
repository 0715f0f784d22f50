"""The embedded default: one DuckDB file, opened for as short as possible.

DuckDB locks its file to one process. Every operation here opens it, works and closes it; a file
that another process holds is waited for, with jitter, up to a limit.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import (
    DayCounts,
    Details,
    Parameters,
    Query,
    Replaced,
    Rows,
    Warehouse,
)
from ai_usage.warehouse.duckdb_errors import (
    disk_trouble,
    first_line,
    is_no_room,
    is_spilling,
    run,
)
from ai_usage.warehouse.duckdb_tables import (
    Schemas,
    bring_to_ddl,
    columns_of,
    count,
    definitions_of,
)
from ai_usage.warehouse.duckdb_views import put_view
from ai_usage.warehouse.embedded_engine import (
    IN_USE,
    OWN_NAMES,
    attach,
    by_one_thread,
    let_go,
    streamed,
)
from ai_usage.warehouse.incoming import (
    check_arrow,
    check_names,
    checked,
    refuse_nulls,
    refuse_outside,
)
from ai_usage.warehouse.memory import MEGABYTE, default_limit
from ai_usage.warehouse.own_sql import Columns, OwnSql
from ai_usage.warehouse.parts import ROWS_AT_ONCE, parts_of
from ai_usage.warehouse.relations import INTERNAL_SUFFIX
from ai_usage.warehouse.schema import TableSchema, bigquery_type, table_names, table_schema
from ai_usage.warehouse.sql import Literals, references, render
from ai_usage.warehouse.views import ViewSchema, tables_read

_BATCH = 122_880
"""Rows that are handed on at once: as many as DuckDB keeps together."""

_ROWS = "ai_usage_rows"
_NARROWER = {"BIGINT": "INTEGER"}
"""Types that a statement may give for a wider one: every value of theirs fits."""
_LOCKED = re.compile(r"Could not set lock on file|being used by another")
_HOLDER = re.compile(r"PID (\d+)")
_process_lock = threading.RLock()


class _RefusedRowsError(WarehouseError):
    """Some of the new rows break what their table promises; how many of them is not said yet."""


class DuckDBWarehouse(Warehouse):
    """A warehouse in the DuckDB file `path`: tables and views in the schema `dataset`.

    What is internal stands in the schema `internal_dataset`, else `<dataset>_internal`. What does
    not fit into `memory_limit` bytes is spilled to the folder `spill_dir`, else `<path>.tmp`.
    """

    asks_together: ClassVar[int] = 4
    """To open the file has a price; others wait for as long as it is held."""

    def __init__(
        self,
        path: Path,
        dataset: str,
        *,
        internal_dataset: str | None = None,
        lock_timeout_seconds: float = 60.0,
        memory_limit: int | None = None,
        spill_dir: Path | None = None,
    ) -> None:
        self.path = path
        self.dataset = dataset
        self.internal_dataset = internal_dataset or f"{dataset}{INTERNAL_SUFFIX}"
        self.lock_timeout_seconds = lock_timeout_seconds
        self.memory_limit = memory_limit or default_limit()
        self.spill_dir = spill_dir or path.with_name(f"{path.name}.tmp")
        self._schemas = Schemas(path, dataset, self.internal_dataset)

    def describe(self) -> str:
        """The file's path."""
        return str(self.path)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file, alone in this process, and close it whatever happens.

        Within one that this thread has open for writing it is not opened again.

        Raises `WarehouseError` if another process holds it for longer than the time-out, or it is
        no DuckDB file.
        """
        stem = self.path.name.split(".")[0].lower()
        for schema in (self.dataset, self.internal_dataset):
            # DuckDB names the database after its file, and then no name says which one is meant.
            if stem == schema.lower():
                raise WarehouseError(
                    f"{self.path}: a DuckDB file cannot be named like its schema {schema}; give "
                    "AI_USAGE_DUCKDB_PATH or AI_USAGE_DATASET another name."
                )
        if stem in OWN_NAMES:
            raise WarehouseError(
                f"{self.path}: DuckDB has a database {stem} of its own; give AI_USAGE_DUCKDB_PATH "
                "another name."
            )
        if read_only and not self.path.exists():
            raise WarehouseError(
                f"{self.path}: there is no warehouse yet; fill it with `ai-usage run` or "
                "`ai-usage backfill`."
            )
        if not _process_lock.acquire(timeout=min(self.lock_timeout_seconds, threading.TIMEOUT_MAX)):
            raise WarehouseError(
                f"{self.path} is in use by another thread of this process: waited "
                f"{self.lock_timeout_seconds:.0f} s; try again when it is done."
            )
        try:
            connection = self._open(read_only)
            try:
                if not read_only:
                    for schema in (self.dataset, self.internal_dataset):
                        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
                yield connection
            except duckdb.Error as error:
                # Anything that is executed may be the first to meet a full disk.
                if (refused := self._by_disk(error)) is None:
                    raise
                raise refused from error
            finally:
                let_go(connection, self.path)
        finally:
            _process_lock.release()

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.lock_timeout_seconds
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(
                f"{self.path.parent}: cannot make the warehouse's folder: {error.strerror}; "
                "set AI_USAGE_HOME or AI_USAGE_DUCKDB_PATH to a place that can be written."
            ) from error
        while True:
            try:
                return attach(
                    self.path,
                    read_only=read_only,
                    memory_limit=self.memory_limit,
                    spill_dir=self.spill_dir,
                )
            except duckdb.Error as error:
                if IN_USE in str(error):
                    # Threads wait for each other: only this thread, or code of another's, has it.
                    raise WarehouseError(
                        f"{self.path} is already open in this process, for reading; "
                        "close it there first."
                    ) from error
                if (why := disk_trouble(error)) is not None:
                    raise self._unwritable(why) from error
                if not _LOCKED.search(str(error)):
                    raise WarehouseError(
                        f"{self.path}: DuckDB cannot open it: {first_line(error)}; move the file "
                        "away or set AI_USAGE_DUCKDB_PATH."
                    ) from error
                if time.monotonic() >= deadline:
                    holder = _HOLDER.search(str(error))
                    by = f" (process {holder.group(1)})" if holder else ""
                    raise WarehouseError(
                        f"{self.path} is held by another process{by}: waited "
                        f"{self.lock_timeout_seconds:.0f} s; close it there and try again."
                    ) from error
                # Jitter keeps two waiters from meeting again and again.
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311

    def _by_disk(self, error: Exception) -> WarehouseError | None:
        """What a disk refused, in a line; None where that is not the trouble."""
        if is_spilling(error):
            return self._cannot_spill()
        why = disk_trouble(error)
        return None if why is None else self._unwritable(why)

    def _unwritable(self, why: str) -> WarehouseError:
        return WarehouseError(
            f"{self.path} cannot be written: {why}. Nothing of it is lost, the old rows stay."
        )

    def _cannot_spill(self) -> WarehouseError:
        memory = f"{self.memory_limit // MEGABYTE} MB of memory"
        return WarehouseError(
            f"{self.spill_dir}: no room to spill what does not fit into {memory}; make room there, "
            "set AI_USAGE_DUCKDB_SPILL_DIR to a larger disk, or give more memory by "
            "AI_USAGE_DUCKDB_MEMORY. Nothing is lost, the old rows stay."
        )

    def held(self) -> AbstractContextManager[object]:
        """The file open, for writing too."""
        return self.connect()

    def exists(self, relation: str) -> bool:
        """Whether the table or view is there."""
        if not self.path.exists():
            return False
        there = (
            "SELECT 1 FROM duckdb_{0}s() WHERE database_name = current_database() "
            "AND schema_name = $home AND {0}_name = $name"
        )
        with self.connect(read_only=True) as connection:
            found = connection.execute(
                f"{there.format('table')} UNION ALL {there.format('view')}",
                {"home": self.dataset_of(relation), "name": relation},
            )
            return found.fetchone() is not None

    def definitions(self) -> Mapping[str, str]:
        """The text of each of the product's tables and views that are there, as DuckDB keeps it."""
        if not self.path.exists():
            return {}
        with self.connect(read_only=True) as connection:
            return definitions_of(connection, self._schemas)

    def column_types(self, relation: str) -> Mapping[str, str]:
        """BigQuery's name for the type of each column that a table or view has."""
        if not self.path.exists():
            return {}
        with self.connect(read_only=True) as connection:
            found = columns_of(connection, self._schemas, {relation}).get(relation, {})
        return {name: bigquery_type(column.type) for name, column in found.items()}

    def ensure_table(self, table: str) -> None:
        """Create the table, or add the columns it lacks; other drift is an error."""
        with self.connect() as connection:
            bring_to_ddl(connection, self._schemas, {table})

    def replace(self, table: str, window: Window | None, new: Rows | Query) -> Replaced:
        """Make the window (None: the whole table) hold exactly the new rows."""
        schema, needed = table_schema(table), {table}
        with self.connect() as connection:
            if isinstance(new, Query):
                self._create_what_is_read(new.sql, {})
                needed |= references(new.sql) & set(table_names())
            bring_to_ddl(connection, self._schemas, needed)
            name = self._schemas.qualified(table)
            columns = ", ".join(f'"{c}"' for c in schema.column_names)
            where, values = self._where(schema, window)
            with (
                self._new_rows(connection, schema, window, new) as parts,
                _replacing(connection, table),
            ):
                days_before = self._by_day(connection, schema, name, where, values)
                deleted = _changed(connection, f"DELETE FROM {name} {where}", values)
                into = f"INSERT INTO {name} ({columns})"
                inserted = sum(_changed(connection, f"{into} {rows}", part) for rows, part in parts)
                days = self._by_day(connection, schema, name, where, values)
                if where and inserted != sum(day.rows for day in days.values()):
                    raise _RefusedRowsError(f"{table}: some of the new rows lie outside {window}")
            total = count(connection, name)
        return Replaced(
            rows=inserted,
            rows_before=deleted,
            rows_in_table=total,
            days=days,
            days_before=days_before,
        )

    def _by_day(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: TableSchema,
        source: str,
        where: str,
        values: list[Any],
    ) -> dict[date, DayCounts]:
        if not where:
            return {}
        usd = f'SUM("{schema.dollars_column}")' if schema.dollars_column else "NULL"
        found = connection.execute(
            f'SELECT CAST("{schema.partition_column}" AS DATE), count(*), {usd} '
            f"FROM {source} {where} GROUP BY 1",
            values,
        ).fetchall()
        return {day: DayCounts(rows, dollars) for day, rows, dollars in found}

    @contextmanager
    def _new_rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: TableSchema,
        window: Window | None,
        new: Rows | Query,
    ) -> Iterator[Sequence[tuple[str, Parameters]]]:
        """The SELECTs that give the new rows, and their parameters; columns as they are declared.

        Streamed rows are looked at while they are read, and an error that stops them goes on as it
        is. A query's are held nowhere before they are inserted: to write a year of them takes
        longer than to work them out. Where some were refused, and the old ones are back, the query
        is asked again which these are.
        """
        columns = ", ".join(f'"{c}"' for c in schema.column_names)
        if isinstance(new, Query):
            sql = self._rendered(new.sql)
            self._check_columns(connection, schema, sql, new)
            select = f"SELECT {columns} FROM ({sql})"
            parts = [(select, part) for part in self.parts_of(connection, new)]
            # Of every part each thread leaves rows that fill no block. When the file is closed
            # DuckDB packs most blocks anew for them, which takes longer than a second thread saves.
            one_by_one = by_one_thread(connection) if len(parts) > 1 else nullcontext()
            try:
                with one_by_one:
                    yield parts
            except _RefusedRowsError:
                self._refuse_rows(connection, schema, window, sql, new)
                raise
            return
        check_arrow(schema, new.schema)
        batches = new if isinstance(new, pa.RecordBatchReader) else new.to_batches()
        with streamed(connection, _ROWS, new.schema, checked(schema, window, batches)):
            casts = ", ".join(f'CAST("{c.name}" AS {c.duckdb_type})' for c in schema.columns)
            yield [(f"SELECT {casts} FROM {_ROWS}", {})]

    @staticmethod
    def _check_columns(
        connection: duckdb.DuckDBPyConnection, schema: TableSchema, sql: str, query: Query
    ) -> None:
        """Refuse a query whose columns are not the declared ones, before it is run."""
        if schema.name in tables_read(query.sql):
            raise ValueError(f"{schema.name}: a query cannot read the table it is written to")
        described = run(connection, f"DESCRIBE {sql}", query.parameters, schema.name).fetchall()
        given = [(name, type_name) for name, type_name, *_ in described]
        check_names(schema, [name for name, _ in given])
        for name, type_name in given:
            declared = schema.column(name).duckdb_type
            # A number that a statement names is an INTEGER to DuckDB, and an INT64 to BigQuery.
            if type_name not in (declared, _NARROWER.get(declared)):
                raise WarehouseError(
                    f"{schema.name}.{name}: the new rows have {type_name}, the DDL says "
                    f"{declared}; nothing was changed."
                )

    def _refuse_rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: TableSchema,
        window: Window | None,
        sql: str,
        query: Query,
    ) -> None:
        """Raise for rows that break the contract, with how many there are of them."""
        required = schema.required_columns
        counts = ", ".join(f'count(*) FILTER ("{name}" IS NULL)' for name in required)
        day = f'CAST("{schema.partition_column}" AS DATE)'
        nulls: Counter[str] = Counter()
        outside: Counter[date] = Counter()
        for part in self.parts_of(connection, query):
            found = run(connection, f"SELECT [{counts}] FROM ({sql})", part, schema.name).fetchone()
            nulls.update(dict(zip(required, found[0] if found else (), strict=True)))
            if window is not None:
                days = f"SELECT {day}, count(*) FROM ({sql}) WHERE {day} IS NOT NULL GROUP BY 1"
                rows = dict(run(connection, days, part, schema.name).fetchall())
                outside.update(
                    {d: n for d, n in rows.items() if not window.start <= d < window.end}
                )
        refuse_nulls(schema, nulls)
        if window is not None:
            refuse_outside(schema, window, outside)

    def parts_of(self, connection: duckdb.DuckDBPyConnection, query: Query) -> Sequence[Parameters]:
        """What the query is run with, one after the other."""
        if query.by_days is None:
            return [query.parameters]
        found = connection.execute(
            "SELECT table_name FROM duckdb_tables() "
            "WHERE database_name = current_database() AND estimated_size > ?",
            [ROWS_AT_ONCE],
        ).fetchall()
        large = {name for (name,) in found} & tables_read(query.sql) & set(table_names())
        busiest = (self._busiest_day(connection, name, query.by_days.window) for name in large)
        return parts_of(query, max(busiest, default=0))

    def _busiest_day(
        self, connection: duckdb.DuckDBPyConnection, table: str, window: Window
    ) -> int:
        """The most rows that the table has of any of the days; 0 of a table without days."""
        schema = table_schema(table)
        if schema.partition_column is None:
            return 0
        where, values = self._where(schema, window)
        days = self._by_day(connection, schema, self._schemas.qualified(table), where, values)
        return max((day.rows for day in days.values()), default=0)

    def _where(self, schema: TableSchema, window: Window | None) -> tuple[str, list[Any]]:
        if window is None:
            return "", []
        if schema.partition_column is None:
            raise WarehouseError(f"{schema.name} has no partitions: it is replaced as a whole.")
        # The bare column, not its DATE(): only so can DuckDB skip blocks by their min and max.
        column = f'"{schema.partition_column}"'
        whole_days = schema.column(schema.partition_column).type == "DATE"
        bounds = (window.start, window.end) if whole_days else (window.start_at, window.end_at)
        return f"WHERE {column} >= ? AND {column} < ?", list(bounds)

    def create_view(self, view: ViewSchema, literals: Literals) -> Details:
        """Create the view with its render parameters filled in, or replace it by another one."""
        query = self._rendered(view.query, literals)
        with self.connect() as connection:
            self._create_what_is_read(view.query, literals)
            read = references(view.query) & set(table_names())
            bring_to_ddl(connection, self._schemas, read)
            put_view(connection, self._schemas, view, query)
        return {}

    def query(self, query: Query | str) -> pa.Table:
        """The rows of a query in BigQuery's dialect."""
        if isinstance(query, str):
            query = Query(query)
        with self.connect(read_only=True) as connection, self._answering():
            return self._asked(connection, query.sql, query.parameters).to_arrow_table()

    def queries(self, queries: Mapping[str, Query]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        """The rows of several queries: nobody writes in between, the file is held meanwhile."""
        with self.connect(read_only=True) as connection:
            for name, query in queries.items():
                yield name, self._streamed(connection, query)

    def _streamed(
        self, connection: duckdb.DuckDBPyConnection, query: Query
    ) -> pa.RecordBatchReader:
        """The rows of a query, worked out while they are read: a long range part by part."""
        parts = iter(self.parts_of(connection, query))
        with self._answering():
            first = self._asked(connection, query.sql, next(parts)).to_arrow_reader(_BATCH)

        def batches() -> Iterator[pa.RecordBatch]:
            with self._answering():
                yield from first
                for part in parts:
                    yield from self._asked(connection, query.sql, part).to_arrow_reader(_BATCH)

        return pa.RecordBatchReader.from_batches(first.schema, batches())

    def _asked(
        self, connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters
    ) -> duckdb.DuckDBPyRelation:
        return connection.sql(self._rendered(sql), params=dict(parameters) or None)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Say in a line what stops a query, at once or while its rows are read."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            refused = self._by_disk(error)
            raise refused or WarehouseError(f"query: {first_line(error)}") from error

    @contextmanager
    def ibis(self) -> Iterator[Any]:
        """An ibis connection to the warehouse's schema, closed afterwards."""
        import ibis

        with self.connect(read_only=True) as connection:
            connection.execute(f'SET schema = "{self.dataset}"')
            yield ibis.duckdb.from_connection(connection)

    @contextmanager
    def own_sql(self) -> Iterator[OwnSql]:
        """Questions in DuckDB's dialect, at one opening of the file."""
        with self.connect(read_only=True) as connection:
            yield _InOwnSql(self, connection)

    def rows_of(self, table: str, window: Window | None) -> tuple[str, list[Any]]:
        """The SELECT of a table's rows of these days, and what is bound in it."""
        where, values = self._where(table_schema(table), window)
        return f"SELECT * FROM {self._schemas.qualified(table)} {where}", values

    def _rendered(self, sql: str, literals: Literals | None = None) -> str:
        return render(
            sql,
            "duckdb",
            dataset=self.dataset,
            internal_dataset=self.internal_dataset,
            literals=literals,
        )

    def dataset_of(self, relation: str) -> str:
        """The schema in which a table or view of the product stands."""
        return self._schemas.of(relation)


@dataclass(frozen=True)
class _InOwnSql(OwnSql):
    """See `OwnSql`."""

    warehouse: DuckDBWarehouse
    connection: duckdb.DuckDBPyConnection

    def columns(self, table: str) -> Columns:
        """The columns of a table of the product; none where it is not there."""
        rows, _ = self.warehouse.rows_of(table, None)
        try:
            found = self.connection.execute(f"DESCRIBE {rows}").fetchall()
        except duckdb.CatalogException:
            return ()
        return tuple((name, kind, nullable) for name, kind, nullable, *_ in found)

    def answer(self, question: str, reads: Mapping[str, Window | None]) -> dict[str, Any]:
        """The only row of a question over tables by their bare names."""
        tables, bound = [], []
        for name, window in reads.items():
            rows, values = self.warehouse.rows_of(name, window)
            # As if it stood where it is named: else all its columns would be read, and held.
            tables.append(f'"{name}" AS NOT MATERIALIZED ({rows})')
            bound += values
        asked = f"WITH {', '.join(tables)} SELECT * FROM ({question}) AS asked"
        answered = self.connection.execute(asked, bound)
        names = [column[0] for column in answered.description or ()]
        return dict(zip(names, answered.fetchone() or (), strict=True))


def _changed(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Parameters | Sequence[Any]
) -> int:
    """How many rows the statement has deleted or inserted."""
    bound = dict(values) if isinstance(values, Mapping) else values
    found = connection.execute(sql, bound or None).fetchone()
    return int(found[0]) if found else 0


@contextmanager
def _replacing(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[None]:
    """A transaction: what is done within is committed, or all of it is rolled back."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except (duckdb.Error, _RefusedRowsError) as error:
        # Where even this is refused, closing the connection does it.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        if isinstance(error, _RefusedRowsError) or is_no_room(error):
            raise
        refusal = (
            _RefusedRowsError if isinstance(error, duckdb.ConstraintException) else WarehouseError
        )
        raise refusal(
            f"{table}: the new rows were refused, the old ones stay: {first_line(error)}"
        ) from error
