"""Dagster's event log on SQLite, quick enough for a year of partitions.

Dagster's own makes a new engine for every event, so that each INSERT is compiled anew and each
commit waits for the disk, looks the tables' columns up each time, and writes a batch event by
event. This one keeps its engine, remembers the columns, writes a batch in one transaction, and lets
SQLite's write-ahead log be synced at checkpoints: after a power cut the last events may be missing,
never half-written. Named in `dagster.yaml`; `batch_events` turns batches on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import dagster as dg
import sqlalchemy as db
from sqlalchemy.engine import Connection, Engine

from ai_usage.instance.dagster_private import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqlEventLogStorageTable,
)

_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster's variable: as many materialisations of one range are handed to the storage at once."""


def batch_events() -> None:
    """Let this process and its children write a range's materialisations together."""
    os.environ.setdefault(_BATCH_SIZE, "1000")


def stored_together(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Within, this thread's events are one transaction, where the instance has this event log."""
    storage = instance.event_log_storage
    if isinstance(storage, PooledSqliteEventLogStorage):
        return storage.one_transaction()
    return nullcontext()


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """Dagster's consolidated SQLite event log with one engine a process."""

    _engine: Engine | None = None
    _engine_process: int = 0
    _inherited: Engine | None = None
    _tables: frozenset[str] = frozenset()
    _asset_key_columns: frozenset[str] = frozenset()

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open = threading.local()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        open_here: Connection | None = getattr(self._open, "connection", None)
        if open_here is not None:
            yield open_here
            return
        with self.kept_engine().begin() as connection:
            yield connection

    @contextmanager
    def one_transaction(self) -> Iterator[None]:
        """Store what this thread stores meanwhile in one transaction, all or none."""
        outer: Connection | None = getattr(self._open, "connection", None)
        with self._connect() as connection:
            self._open.connection = connection
            try:
                yield
            finally:
                # Within another one the rest of that one's events are still its own.
                self._open.connection = outer

    def kept_engine(self) -> Engine:
        """The engine that all of this process's events go through, made when first asked for."""
        # A forked process must neither use its parent's connections nor close them.
        if self._engine is None or self._engine_process != os.getpid():
            self._inherited = self._engine
            engine = db.create_engine(
                self._conn_string, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            )
            db.event.listen(engine, "connect", _sync_at_checkpoints)
            self._engine, self._engine_process = engine, os.getpid()
        return self._engine

    def has_table(self, table_name: str) -> bool:
        """Whether the table exists; asked at every event, so a yes is remembered."""
        if table_name not in self._tables:
            if not super().has_table(table_name):
                return False
            self._tables = self._tables | {table_name}
        return True

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._asset_key_columns:
            if not super()._has_asset_key_col_on_connection(conn, column_name):
                return False
            self._asset_key_columns = self._asset_key_columns | {column_name}
        return True

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of assets and checks in one transaction, all or none."""
        insert = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        rows = [self._event_to_row(event) for event in events]
        with self.one_transaction(), self._connect() as connection:
            ids = list(connection.execute(insert, rows).scalars())
            stored = list(zip(events, ids, strict=True))
            of_assets = [pair for pair in stored if pair[0].dagster_event_type in ASSET_EVENTS]
            self._store_asset_event_tags(
                connection, [event for event, _ in of_assets], [at for _, at in of_assets]
            )
            # An asset's latest event stands in a table of its own: only the last of them stays.
            last = {event.get_dagster_event().asset_key: (event, at) for event, at in of_assets}
            for event, at in last.values():
                self._store_asset_event(connection, event, at)
            for event, at in stored:
                if event.dagster_event_type in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(event, at)

    def dispose(self) -> None:
        """Close the connections."""
        super().dispose()  # type: ignore[no-untyped-call]
        if self._engine is not None and self._engine_process == os.getpid():
            self._engine.dispose()
            self._engine = None


def _sync_at_checkpoints(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
