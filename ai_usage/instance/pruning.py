"""Dagster's storage has a bound: old events and runs go, what the UI stands on stays.

Of every asset and day the newest materialisation and observation stay, and the newest result of
each check, however old they are: they say that a day is built and sound. Dagster itself removes
only what its sensors and schedules decided (`retention` in `dagster.yaml`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as db
from sqlalchemy.engine import Connection

from ai_usage.instance.dagster_private import (
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
)

PRUNED_AT = "ai_usage/pruned_at"
"""Key in the instance's key-value store: when it was last pruned, ISO."""

EVERY = timedelta(days=1)
SECONDS = 30.0
"""How long it takes at a time: Dagster stops a sensor after a minute, and a command has its own
work. What is left, as at the first time, is for the next one."""
_AT_ONCE = 500
"""Rows of one statement: a run that writes meanwhile hardly waits."""

_EVENTS = SqlEventLogStorageTable.c
_CHECKS = AssetCheckExecutionsTable.c
_NEWEST_STAY = (
    dg.DagsterEventType.ASSET_MATERIALIZATION.value,
    dg.DagsterEventType.ASSET_OBSERVATION.value,
)
_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_NOT_ENDED = [status for status in dg.DagsterRunStatus if status not in _ENDED]


@dataclass(frozen=True)
class Pruned:
    """How many events, check results and runs went; `whole` is false where some are left."""

    events: int = 0
    checks: int = 0
    runs: int = 0
    whole: bool = True

    def __str__(self) -> str:
        """As a line for a person."""
        return f"{self.events:,} events, {self.checks:,} check results, {self.runs:,} runs"


def prune_if_due(instance: dg.DagsterInstance, days: int, now: datetime) -> Pruned | None:
    """Prune once a day, whoever comes first, and go on where time was short; None if not due."""
    store = instance.daemon_cursor_storage
    last = store.get_cursor_values({PRUNED_AT}).get(PRUNED_AT)
    if last is not None and now - datetime.fromisoformat(last) < EVERY:
        return None
    store.set_cursor_values({PRUNED_AT: now.isoformat()})
    pruned = prune(instance, now - timedelta(days=days), SECONDS)
    if not pruned.whole:
        store.set_cursor_values({PRUNED_AT: (now - EVERY).isoformat()})
    return pruned


def prune(instance: dg.DagsterInstance, before: datetime, seconds: float = float("inf")) -> Pruned:
    """Remove what was written before the instant, but for what the module says that stays.

    It ends soon after so many seconds, the oldest first. Nothing happens in a storage that is no
    SQL database. Runs that have not ended stay, and so does a run of which an event stays.
    """
    last = time.monotonic() + seconds
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return Pruned()
    before = before.astimezone(UTC)
    with storage.index_connection() as connection:
        end = _first_after(connection, before.replace(tzinfo=None))
        kept_checks = set(connection.execute(_newest_checks()).scalars())
        kept = set(connection.execute(_newest_events()).scalars())
        kept |= set(connection.execute(_events_of_checks()).scalars())
    running = {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=_NOT_ENDED))}
    events = checks = 0
    for rows in _old_events(storage, end):
        gone = [id_ for id_, run_id in rows if id_ not in kept and run_id not in running]
        with storage.index_connection() as connection:
            for some in _parts(gone):
                connection.execute(
                    AssetEventTagsTable.delete().where(AssetEventTagsTable.c.event_id.in_(some))
                )
                connection.execute(SqlEventLogStorageTable.delete().where(_EVENTS.id.in_(some)))
        events += len(gone)
        if time.monotonic() > last:
            return Pruned(events, whole=False)
    with storage.index_connection() as connection:
        old = db.select(_CHECKS.id, _CHECKS.run_id).where(
            _CHECKS.evaluation_event_timestamp < before.replace(tzinfo=None)
        )
        gone = [
            int(row.id)
            for row in connection.execute(old)
            if row.id not in kept_checks and row.run_id not in running
        ]
        for some in _parts(gone):
            connection.execute(AssetCheckExecutionsTable.delete().where(_CHECKS.id.in_(some)))
        checks = len(gone)
    runs = 0
    for run_id in _old_runs(instance, before):
        if time.monotonic() > last:
            return Pruned(events, checks, runs, whole=False)
        if _has_events(storage, run_id):
            continue
        instance.delete_run(run_id)
        with suppress(Exception):
            # What a step printed; where it is kept somewhere else, it has a bound of its own.
            instance.compute_log_manager.delete_logs(prefix=[run_id])
        runs += 1
    return Pruned(events, checks, runs)


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> list[str]:
    old = dg.RunsFilter(statuses=_ENDED, updated_before=before)
    return [run.run_id for run in reversed(instance.get_runs(old))]


def _has_events(storage: SqlEventLogStorage, run_id: str) -> bool:
    with storage.index_connection() as connection:
        asked = db.select(_EVENTS.id).where(_EVENTS.run_id == run_id).limit(1)
        return connection.execute(asked).first() is not None


def _first_after(connection: Connection, before: datetime) -> int:
    """The first id that is no older than the instant: ids grow with time, which has no index."""
    low = connection.execute(db.select(db.func.min(_EVENTS.id))).scalar() or 0
    high = (connection.execute(db.select(db.func.max(_EVENTS.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            db.select(_EVENTS.id, _EVENTS.timestamp)
            .where(_EVENTS.id >= middle)
            .order_by(_EVENTS.id)
            .limit(1)
        ).first()
        if row is None or row.timestamp >= before:
            high = middle
        else:
            low = int(row.id) + 1
    return low


def _newest_events() -> db.Select[int]:
    return (
        db.select(db.func.max(_EVENTS.id))
        .where(_EVENTS.dagster_event_type.in_(_NEWEST_STAY), _EVENTS.asset_key.is_not(None))
        .group_by(_EVENTS.asset_key, _EVENTS.dagster_event_type, _EVENTS.partition)
    )


def _newest_checks() -> db.Select[int]:
    """The newest result of each check and day: what was only planned is none."""
    return (
        db.select(db.func.max(_CHECKS.id))
        .where(_CHECKS.execution_status != AssetCheckExecutionRecordStatus.PLANNED.value)
        .group_by(_CHECKS.asset_key, _CHECKS.check_name, _CHECKS.partition)
    )


def _events_of_checks() -> db.Select[int]:
    return db.select(_CHECKS.evaluation_event_storage_id).where(
        _CHECKS.id.in_(_newest_checks()), _CHECKS.evaluation_event_storage_id.is_not(None)
    )


def _old_events(storage: SqlEventLogStorage, end: int) -> Iterator[list[tuple[int, str | None]]]:
    last = -1
    while True:
        asked = (
            db.select(_EVENTS.id, _EVENTS.run_id)
            .where(_EVENTS.id > last, _EVENTS.id < end)
            .order_by(_EVENTS.id)
            .limit(_AT_ONCE * 10)
        )
        with storage.index_connection() as connection:
            rows = [(int(row.id), row.run_id) for row in connection.execute(asked)]
        if not rows:
            return
        last = rows[-1][0]
        yield rows


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
