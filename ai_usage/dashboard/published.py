"""The copy that pages read: made after each run, swapped by rename, never waited for.

A DuckDB file is locked by whoever writes it, and a query on BigQuery costs seconds and dollars. So
what pages need - rollups, small dimensions, views - is copied into a DuckDB file of its own beside
the warehouse. A reader opens it read-only and notices by inode and time when another one has taken
its place; a query that runs meanwhile ends on the old one.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ai_usage.dashboard.copied import COPIED, MONTHS_BACK, TO_LABEL, labelled
from ai_usage.dashboard.parted import parted_tables
from ai_usage.days.months import months_before
from ai_usage.days.spans import day_after, day_before
from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import ByDays, Parameter, Query, Warehouse
from ai_usage.warehouse.embedded_engine import streamed
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.sql import WINDOW_START, parameters, references

Key = tuple[int, int]
"""What tells one copy from another: inode and time of change, in nanoseconds."""


@dataclass(frozen=True)
class About:
    """What a copy says of itself: the day it is seen from, when it was made, and by which run."""

    as_of: date
    published_at: datetime
    run_id: str | None


_MEMORY = "256MB"
"""What DuckDB may take for the copy, written or read; in a run the warehouse's own comes on top."""
_INSTANT = pa.timestamp("us", "UTC")

STATES: Mapping[str, pa.Schema] = {
    "checks": pa.schema(
        [
            ("asset", pa.string()),
            ("check_name", pa.string()),
            ("passed", pa.bool_()),
            ("is_error", pa.bool_()),
            ("promise", pa.string()),
            ("evaluated_at", _INSTANT),
            ("run_id", pa.string()),
        ]
    ),
    "runs": pa.schema(
        [
            ("run_id", pa.string()),
            ("name", pa.string()),
            ("status", pa.string()),
            ("started_at", _INSTANT),
            ("ended_at", _INSTANT),
        ]
    ),
}
"""What the orchestration says of itself: tables of the copy that it brings; else they are empty."""


NOTHING_READ: Mapping[str, pa.Table] = {}


@cache
def shape() -> str:
    """What tells a copy that these pages can read from another version's."""
    told = sorted({**COPIED, **labelled()}.items()), [(n, str(s)) for n, s in STATES.items()]
    return sha256(repr(told).encode()).hexdigest()[:16]


def publish(
    warehouse: Warehouse,
    path: Path,
    *,
    as_of: date,
    now: datetime,
    run_id: str | None = None,
    states: Mapping[str, pa.Table] | None = None,
    read: Mapping[str, pa.Table] = NOTHING_READ,
) -> None:
    """Copy what the pages read into the file `path`, and swap it for the one that is there.

    `as_of` is the UTC day that the views are seen from; `states` are the tables of `STATES`;
    `read` holds rows that need not be asked for, by the SELECT of `COPIED` that would give them.
    Readers of the old file keep it until they ask again. Raises `WarehouseError` where the
    warehouse has not been filled, or the file cannot be written; the old copy stays.
    """
    about = About(as_of, now, run_id)
    try:
        _write(warehouse, path, about, states or {}, read)
    except WarehouseError:
        if not _ensured(warehouse):
            raise
        _write(warehouse, path, about, states or {}, read)


def renew(
    warehouse: Warehouse,
    path: Path,
    *,
    as_of: date,
    now: datetime,
    run_id: str,
    states: Mapping[str, pa.Table],
) -> None:
    """Publish the same again, known to be right `now`: the warehouse holds what `run_id` built.

    Only what tells of the hour is read anew: when vendors were asked, and the `states`. Where the
    copy that is there is not of that run, that day and this version, all of it is. Raises as
    `publish`.
    """
    if _made_of(path) != (as_of, run_id, shape()):
        publish(warehouse, path, as_of=as_of, now=now, run_id=run_id, states=states)
        return
    about = About(as_of, now, run_id)
    asked = {name: query for name, query in queries_of(about).items() if name in _OF_THE_HOUR}
    with _swapped(path) as temporary:
        shutil.copyfile(path, temporary)
        with closing(duckdb.connect(str(temporary))) as connection:
            for name, rows in chain(warehouse.queries(asked), _readers(states)):
                connection.execute(f"DROP TABLE {name}")
                _store(connection, name, rows)
            connection.execute("UPDATE about SET published_at = ?", [now])
            connection.execute("CHECKPOINT")


_OF_THE_HOUR = ("freshness",)
"""Tables of the copy that tell when vendors were asked."""


def _made_of(path: Path) -> tuple[date, str | None, str] | None:
    """The day, the run and the version of the copy that is there; None where none can be read."""
    if not path.exists():
        return None
    try:
        with closing(_attached(path)) as connection:
            row = connection.execute("SELECT as_of, run_id, shape FROM copy.about").fetchone()
    except duckdb.Error:
        return None
    return (row[0], row[1], row[2]) if row else None


def queries_of(about: About) -> dict[str, Query]:
    """What fills the copy's tables, by their names."""
    start = months_before(about.as_of, MONTHS_BACK)
    window = Window(start, day_after(about.as_of))

    def asked(name: str, sql: str) -> Query:
        def bound(part: Window) -> Mapping[str, Parameter]:
            known: Mapping[str, Parameter] = {
                "start": part.start,
                WINDOW_START: start,
                "as_of": day_before(part.end),
                # Whole months: a cost that is dated later in the running one belongs to it.
                "end": months_before(about.as_of, -1),
            }
            return {key: known[key] for key in parameters(sql)}

        # Rows of a day are made of that day.
        return Query(sql, bound(window), ByDays(window, bound) if name in TO_LABEL else None)

    return {name: asked(name, sql) for name, sql in COPIED.items()}


@contextmanager
def _swapped(path: Path) -> Iterator[Path]:
    """A path to write a file to that takes the place of the other; on an error the old one stays.

    Raises `WarehouseError` where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, duckdb.IOException) as error:
        raise WarehouseError(
            f"{path}: the pages' copy cannot be written: {str(error).splitlines()[0]}. The old one "
            "stays."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _write(
    warehouse: Warehouse,
    path: Path,
    about: About,
    states: Mapping[str, pa.Table],
    read: Mapping[str, pa.Table],
) -> None:
    asked = queries_of(about)
    there = {name: read[query.sql] for name, query in asked.items() if query.sql in read}
    others = {name: query for name, query in asked.items() if name not in there}
    with _swapped(path) as temporary, closing(duckdb.connect(str(temporary))) as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET preserve_insertion_order = false")
        # How long a stream is is not known: it is what is labelled, not what is looked up.
        connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
        for name, rows in chain(_readers(there), warehouse.queries(others)):
            _store(connection, name, rows)
        cycles = connection.sql("SELECT * FROM reconciliation").to_arrow_table().to_pylist()
        empty = {name: schema.empty_table() for name, schema in STATES.items()}
        for name, rows in _readers({**parted_tables(warehouse, cycles), **empty, **states}):
            _store(connection, name, rows)
        connection.execute(
            "CREATE TABLE about AS SELECT ?::DATE AS as_of, ?::TIMESTAMPTZ AS published_at, "
            "?::VARCHAR AS run_id, ?::VARCHAR AS shape",
            [about.as_of, about.published_at, about.run_id, shape()],
        )
        connection.execute("CHECKPOINT")


def _readers(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
    return ((name, rows.to_reader()) for name, rows in tables.items())


def _store(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.RecordBatchReader) -> None:
    """Make the table of the rows, or of the rows with their labels alone, while they are read."""
    table, source = TO_LABEL.get(name, name), name if name in TO_LABEL else "incoming"
    sql = labelled().get(table, f"SELECT * FROM {source}")
    with streamed(connection, source, rows.schema, rows):
        connection.execute(f"CREATE TABLE {table} AS {sql}")


def _ensured(warehouse: Warehouse) -> bool:
    """Make the tables that nothing was written to yet: they are empty, not missing.

    Whether there were any. A view is there when its asset is built.
    """
    read = {name for sql in COPIED.values() for name in references(sql)}
    missing = [name for name in read if relations()[name] == "table" and not warehouse.exists(name)]
    for name in missing:
        warehouse.ensure_table(name)
    return bool(missing)


class Published:
    """A reader of the copy: safe for threads, and never in a writer's way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._key: Key | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._about: tuple[Key | None, About | None] = None, None

    @property
    def key(self) -> Key:
        """Which copy is there now. Raises `WarehouseError` where there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise WarehouseError(
                f"{self.path}: nothing is published for the pages yet; `ai-usage run` does, after "
                "it has filled the warehouse."
            ) from None
        return found.st_ino, found.st_mtime_ns

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """The rows of a SELECT in DuckDB's dialect over the newest copy; `$name` is bound."""
        reader = self._reader()
        try:
            return reader.sql(sql, params=dict(values) if values else None).to_arrow_table()
        finally:
            reader.close()

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a small query as mappings."""
        found: list[dict[str, Any]] = self.query(sql, values).to_pylist()
        return found

    @property
    def about(self) -> About:
        """What the newest copy says of itself."""
        key, found = self._about
        if found is None or key != self.key:
            key = self.key
            (row,) = self.rows("SELECT as_of, published_at, run_id FROM about")
            found = About(row["as_of"], row["published_at"].astimezone(UTC), row["run_id"])
            self._about = key, found
        return found

    def _reader(self) -> duckdb.DuckDBPyConnection:
        key = self.key
        with self._lock:
            if self._connection is None or self._key != key:
                # Not closed: a query of another thread may still run on the old one. It goes when
                # its last reader does.
                self._connection, self._key = self._opened(), key
            reader = self._connection.cursor()
        reader.execute("USE copy")
        return reader

    def _opened(self) -> duckdb.DuckDBPyConnection:
        connection = _attached(self.path)
        try:
            (made,) = connection.execute("SELECT shape FROM copy.about").fetchall()[0]
        except duckdb.BinderException:
            made = None
        if made != shape():
            raise WarehouseError(
                f"{self.path}: the pages' copy was published by another version of ai-usage; "
                "`ai-usage run` publishes it anew."
            )
        return connection


def _attached(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection to the file, by ATTACH.

    `duckdb.connect` would hand out the old instance as long as any connection to the path is open.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 2")
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS copy (READ_ONLY)")
    return connection
