"""The pooled event log records what Dagster's own does, from threads and forked processes too."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.instance.dagster_private import ConsolidatedSqliteEventLogStorage
from ai_usage.instance.event_log import PooledSqliteEventLogStorage, stored_together
from ai_usage.orchestration.runs import dagster_home
from ai_usage.settings import Settings

PARTITIONS = dg.DailyPartitionsDefinition("2026-03-01", timezone="UTC")
RUN = "11111111-2222-3333-4444-555555555555"


@dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
def built(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log.info("building")
    return dg.MaterializeResult(metadata={"n": 3})


@dg.asset(deps=[built], partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
def fails() -> None:
    raise ValueError("no")


@dg.asset_check(asset=built)
def looks_good() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset_check(asset=built, partitions_def=PARTITIONS)
def each_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Logs a result for two days, one of them twice and one that was not planned."""
    op = context.op_execution_context
    with stored_together(op.instance):
        for day, passed in (("03-01", False), ("03-05", True), ("03-01", True)):
            op.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]
                    asset_key=dg.AssetKey("built"),
                    check_name="each_day",
                    passed=passed,
                    partition=f"2026-{day}",
                    metadata={"n": len(day)},
                )
            )
    return dg.AssetCheckResult(passed=False)


DEFS = dg.Definitions([built, fails], asset_checks=[looks_good])
WITH_DAYS = dg.Definitions([built, fails], asset_checks=[looks_good, each_day])


@contextmanager
def instance(folder: Path, storage: type) -> Iterator[dg.DagsterInstance]:
    folder.mkdir(exist_ok=True)
    chosen = {
        "module": storage.__module__,
        "class": storage.__name__,
        "config": {"base_dir": str(folder)},
    }
    with dg.instance_for_test(
        overrides={"event_log_storage": chosen, "telemetry": {"enabled": False}},
        temp_dir=str(folder),
    ) as made:
        assert type(made.event_log_storage) is storage
        yield made


def recorded(folder: Path, storage: type) -> list[Any]:
    """What a run of two days leaves in the log, by every way of asking that the project uses."""
    tags = {
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-02",
    }
    with instance(folder, storage) as made:
        WITH_DAYS.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=made, raise_on_error=False, run_id=RUN, tags=tags
        )
        log = made.all_logs(RUN)
        events = [
            (e.dagster_event.event_type_value, e.step_key, e.dagster_event.partition)
            if e.dagster_event
            else (e.level, e.user_message)
            for e in log
        ]
        key = dg.AssetKey("built")
        materialized = sorted(made.get_materialized_partitions(key))
        fetched = made.fetch_materializations(key, limit=10).records
        history = [
            (key.name, record.status.value, record.partition, _evaluated(record.event))
            for key in sorted(WITH_DAYS.resolve_asset_graph().asset_check_keys)
            for record in made.event_log_storage.get_asset_check_execution_history(key, 10)
        ]
        return [
            events,
            materialized,
            [(r.partition_key, r.asset_materialization.metadata["n"].value)
             for r in fetched if r.asset_materialization],
            history,
            made.get_latest_materialization_event(key) is not None,
            made.event_log_storage.get_stats_for_run(RUN).steps_failed,
        ]  # fmt: skip


def _evaluated(event: dg.EventLogEntry | None) -> object:
    """What a check's row says was found, where it is no longer just planned."""
    data: Any = event.get_dagster_event().event_specific_data if event else None
    if not isinstance(data, dg.AssetCheckEvaluation):
        return type(data).__name__
    judged = data.target_materialization_data
    return (data.passed, data.partition, dict(data.metadata), judged and judged.storage_id)


def test_it_records_what_dagsters_own_storage_records(tmp_path: Path) -> None:
    ours = recorded(tmp_path / "ours", PooledSqliteEventLogStorage)
    theirs = recorded(tmp_path / "theirs", ConsolidatedSqliteEventLogStorage)
    assert ours == theirs
    events, materialized, fetched, checks, latest, failed = ours
    assert len(events) > 15
    assert materialized == ["2026-03-01", "2026-03-02"]
    assert fetched == [("2026-03-02", 3), ("2026-03-01", 3)]
    assert [
        (status, day) for name, status, day, _found in checks if name == "each_day" and day
    ] == [("SUCCEEDED", "2026-03-05"), ("PLANNED", "2026-03-02"), ("SUCCEEDED", "2026-03-01")]
    assert (latest, failed) == (True, 1)


def test_a_batch_records_what_event_by_event_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    one_by_one = recorded(tmp_path / "one by one", PooledSqliteEventLogStorage)
    batches: list[int] = []
    store = PooledSqliteEventLogStorage.store_event_batch

    def counted(self: PooledSqliteEventLogStorage, events: Sequence[dg.EventLogEntry]) -> None:
        batches.append(len(events))
        store(self, events)

    monkeypatch.setattr(PooledSqliteEventLogStorage, "store_event_batch", counted)
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    assert recorded(tmp_path / "batched", PooledSqliteEventLogStorage) == one_by_one
    assert 2 in batches, "both days of the asset that was built"


def test_what_one_storage_wrote_the_other_reads(tmp_path: Path) -> None:
    recorded(tmp_path, PooledSqliteEventLogStorage)
    with instance(tmp_path, ConsolidatedSqliteEventLogStorage) as made:
        assert len(made.get_materialized_partitions(dg.AssetKey("built"))) == 2


@contextmanager
def log(folder: Path) -> Iterator[PooledSqliteEventLogStorage]:
    """The storage alone, without the instance around it."""
    storage = PooledSqliteEventLogStorage(str(folder))
    try:
        yield storage
    finally:
        storage.dispose()


def note(text: str) -> dg.EventLogEntry:
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=20,
        user_message=text,
        run_id=RUN,
        timestamp=0.0,
        job_name="job",
    )


def test_threads_that_write_at_once_lose_no_event(tmp_path: Path) -> None:
    with log(tmp_path) as storage:

        def write(thread: int) -> None:
            for n in range(25):
                storage.store_event(note(f"{thread}.{n}"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        texts = {entry.user_message for entry in storage.get_logs_for_run(RUN)}
        assert texts == {f"{thread}.{n}" for thread in range(4) for n in range(25)}


FORKED = """
import os, sys
from pathlib import Path
from ai_usage_tests.instance.test_event_log import log, note, RUN
with log(Path(sys.argv[1])) as storage:
    storage.store_event(note("before"))
    engine = storage.kept_engine()
    child = os.fork()
    if child == 0:
        try:
            for n in range(20):
                storage.store_event(note(f"child {n}"))
            os._exit(0 if storage.kept_engine() is not engine else 3)
        except BaseException:
            os._exit(4)
    for n in range(20):
        storage.store_event(note(f"parent {n}"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage.kept_engine() is engine
    texts = [entry.user_message for entry in storage.get_logs_for_run(RUN)]
    assert len(texts) == len(set(texts)) == 41, texts
    print("all there")
"""


def test_a_forked_process_writes_through_a_connection_of_its_own(tmp_path: Path) -> None:
    # In a process of its own: this one has threads, which a fork would not take along.
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FORKED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.stdout.endswith("all there\n"), run.stderr


def test_events_go_through_one_engine_that_syncs_at_checkpoints(tmp_path: Path) -> None:
    with log(tmp_path) as storage:
        engine = storage.kept_engine()
        storage.store_event(note("one"))
        storage.store_event(note("two"))
        assert storage.kept_engine() is engine
        with storage.run_connection(RUN) as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("synchronous", "journal_mode")
            ]
        assert pragmas == [1, "wal"], "NORMAL is safe only with a write-ahead log"


def test_events_are_kept_without_spaces_on_pages_that_hold_several(tmp_path: Path) -> None:
    with log(tmp_path) as storage:
        storage.store_event(note("two  words: as they are, \u00fc"))
        with storage.run_connection(RUN) as connection:
            (text,) = connection.exec_driver_sql("SELECT event FROM event_logs").scalars()
            assert connection.exec_driver_sql("PRAGMA page_size").scalar() == 16_384
        assert len(text) < len(json.dumps(json.loads(text)))
        (entry,) = storage.get_logs_for_run(RUN)
        assert entry.user_message == "two  words: as they are, \u00fc"


def test_an_event_with_a_number_that_json_does_not_have_is_kept(tmp_path: Path) -> None:
    with instance(tmp_path, PooledSqliteEventLogStorage) as made:
        made.report_runless_asset_event(dg.AssetMaterialization("built", metadata={"n": math.nan}))
        event = made.get_latest_materialization_event(dg.AssetKey("built"))
        assert event is not None
        assert event.asset_materialization is not None
        assert math.isnan(float(str(event.asset_materialization.metadata["n"].value)))


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with log(tmp_path) as storage:
        storage.store_event(note("kept"))

        def halfway() -> None:
            with storage.run_connection(RUN) as connection:
                connection.exec_driver_sql("DELETE FROM event_logs")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            halfway()
        assert len(storage.get_logs_for_run(RUN)) == 1


def test_events_stored_together_are_there_all_or_none(tmp_path: Path) -> None:
    with log(tmp_path) as storage:
        with storage.one_batch():
            storage.store_event(note("one"))
            storage.store_event(note("two"))
            assert not storage.get_logs_for_run(RUN), "they wait for the end of their batch"

        def halfway() -> None:
            with storage.one_batch():
                storage.store_event(note("three"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            halfway()
        storage.store_event(note("four"))
        texts = [entry.user_message for entry in storage.get_logs_for_run(RUN)]
        assert texts == ["one", "two", "four"]


def test_a_persons_instance_uses_it_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "restored afterwards")
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    environment = {"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_ENV_FILE": str(tmp_path / "no.env")}
    dagster_home(Settings.load(environment))
    with dg.DagsterInstance.get() as made:
        assert isinstance(made.event_log_storage, PooledSqliteEventLogStorage)
        assert int(os.environ["DAGSTER_EVENT_BATCH_SIZE"]) > 365
