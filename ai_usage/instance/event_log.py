"""Dagster's event log on SQLite, quick enough for a year of partitions.

Dagster's own makes a new engine for every event, so that each INSERT is compiled anew and each
commit waits for the disk, looks the tables' columns up each time, and writes a batch event by
event. This one keeps its engine, remembers the columns, writes a batch in one transaction, and lets
SQLite's write-ahead log be synced at checkpoints: after a power cut the last events may be missing,
never half-written. Named in `dagster.yaml`; `batch_events` turns batches on. What checks find is
written in batches too, each event as one text where Dagster makes the same text for every row.
Events are of one to forty kilobytes: they are kept without spaces, and on pages that hold several.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
import sqlalchemy as db
from sqlalchemy.engine import Connection, Engine

from ai_usage.instance.dagster_private import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionsTable,
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqlEventLogStorageTable,
)

_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster's variable: as many materialisations of one range are handed to the storage at once."""
_PAGE_BYTES = 16_384
"""Of a page of the file: of SQLite's own 4,096 a fifth stays empty behind an event or two."""


def batch_events() -> None:
    """Let this process and its children write a range's materialisations together."""
    os.environ.setdefault(_BATCH_SIZE, "1000")


def stored_together(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Within, this thread's events become one batch, where the instance has this event log."""
    storage = instance.event_log_storage
    if isinstance(storage, PooledSqliteEventLogStorage):
        return storage.one_batch()
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

    def _init_db(self) -> None:
        # The first who writes to a new file settles the size of its pages.
        Path(self._base_dir).mkdir(parents=True, exist_ok=True)
        path = self.get_db_path()  # type: ignore[no-untyped-call]
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
        super()._init_db()  # type: ignore[no-untyped-call]

    def _event_to_row(self, event: dg.EventLogEntry) -> dict[str, Any]:
        row = super()._event_to_row(event)
        # Dagster's JSON may have numbers that JSON has not, as NaN: then it stays as it is.
        with suppress(msgspec.DecodeError):
            row["event"] = msgspec.json.format(row["event"], indent=-1)
        return row

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

    @contextmanager
    def one_batch(self) -> Iterator[None]:
        """Store what this thread stores meanwhile as a batch at the end; nothing if that fails."""
        self._open.waiting = waiting = list[dg.EventLogEntry]()
        try:
            yield
        finally:
            self._open.waiting = None
        if waiting:
            self.store_event_batch(waiting)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event, or let it wait for the rest of its batch."""
        waiting: list[dg.EventLogEntry] | None = getattr(self._open, "waiting", None)
        if waiting is None:
            super().store_event(event)
        else:
            waiting.append(event)

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
            found: list[_Evaluation] = []
            for (event, at), row in zip(stored, rows, strict=True):
                if event.dagster_event_type not in ASSET_CHECK_EVENTS:
                    continue
                if isinstance(evaluation := _evaluation_of(event), dg.AssetCheckEvaluation):
                    found.append(_Evaluation(event, at, evaluation, row["event"]))
                else:
                    self.store_asset_check_event(event, at)
            _store_evaluations(connection, found)

    def _store_asset_check_evaluation_planned(
        self, event: dg.EventLogEntry, event_id: int | None
    ) -> None:
        planned: Any = event.get_dagster_event().event_specific_data
        days = planned.partitions_subset
        same = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": self._event_to_row(event)["event"],
            "evaluation_event_timestamp": _instant_of(event),
            "evaluation_event_storage_id": event_id,
        }
        keys = days.get_partition_keys() if days else [None]
        with self._connect() as connection:
            connection.execute(
                AssetCheckExecutionsTable.insert(), [{**same, "partition": key} for key in keys]
            )

    def dispose(self) -> None:
        """Close the connections."""
        super().dispose()  # type: ignore[no-untyped-call]
        if self._engine is not None and self._engine_process == os.getpid():
            self._engine.dispose()
            self._engine = None


@dataclass(frozen=True)
class _Evaluation:
    """What a check found, the event that says so, and how that is stored: its id and text."""

    event: dg.EventLogEntry
    event_id: int
    found: dg.AssetCheckEvaluation
    text: str

    @property
    def planned_as(self) -> tuple[str, str, str]:
        """The asset, check and run of the rows that were planned for it."""
        return (self.found.asset_key.to_string(), self.found.check_name, self.event.run_id)

    def values(self) -> dict[str, Any]:
        """The columns that say what was found."""
        status, judged = AssetCheckExecutionRecordStatus, self.found.target_materialization_data
        return {
            "execution_status": (status.SUCCEEDED if self.found.passed else status.FAILED).value,
            "evaluation_event": self.text,
            "evaluation_event_timestamp": _instant_of(self.event),
            "evaluation_event_storage_id": self.event_id,
            "materialization_event_storage_id": judged.storage_id if judged else None,
        }


def _evaluation_of(event: dg.EventLogEntry) -> object:
    """What a check found, of an event of a run."""
    return event.get_dagster_event().event_specific_data if event.run_id else None


def _store_evaluations(connection: Connection, found: Sequence[_Evaluation]) -> None:
    """Fill the rows that were planned for these; one that was not planned gets a row of its own."""
    table = AssetCheckExecutionsTable
    planned: dict[tuple[tuple[str, str, str], str | None], int] = {}
    for key in {evaluation.planned_as for evaluation in found}:
        asset, check, run = key
        rows = connection.execute(
            db.select(table.c.id, table.c.partition).where(
                table.c.asset_key == asset, table.c.check_name == check, table.c.run_id == run
            )
        )
        planned |= {(key, partition): number for number, partition in rows}
    filled, added = [], {}
    for evaluation in found:
        at = (evaluation.planned_as, evaluation.found.partition)
        if at in planned:
            new = {f"new_{name}": value for name, value in evaluation.values().items()}
            filled.append({"planned_id": planned[at], **new})
        else:
            asset, check, run = evaluation.planned_as
            own = {"asset_key": asset, "check_name": check, "run_id": run}
            added[at] = {**own, "partition": evaluation.found.partition, **evaluation.values()}
    if filled:
        new_values: dict[str, Any] = {
            name: db.bindparam(f"new_{name}") for name in found[0].values()
        }
        fill = table.update().where(table.c.id == db.bindparam("planned_id")).values(new_values)
        connection.execute(fill, filled)
    if added:
        connection.execute(table.insert(), list(added.values()))


def _instant_of(event: dg.EventLogEntry) -> datetime:
    """When the event was, as the log's tables keep it: UTC, without saying so."""
    return datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)


def _sync_at_checkpoints(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
