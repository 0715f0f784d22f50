"""Dagster's event log on SQLite, quick enough for a year of partitions.

Dagster's own makes a new engine for every event, so that each INSERT is compiled anew and each
commit waits for the disk. This one keeps its engine, and lets SQLite's write-ahead log be synced
at checkpoints: after a power cut the last events may be missing, never half-written.
Named in `dagster.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.engine import Connection, Engine


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """Dagster's consolidated SQLite event log with one engine a process."""

    _engine: Engine | None = None
    _engine_process: int = 0
    _inherited: Engine | None = None
    _tables: frozenset[str] = frozenset()

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._kept_engine().begin() as connection:
            yield connection

    def _kept_engine(self) -> Engine:
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
