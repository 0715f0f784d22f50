"""Dagster's storage is pruned, and every day keeps its newest materialisation and check result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.instance import pruning
from ai_usage.instance.event_log import PooledSqliteEventLogStorage
from ai_usage.instance.pruning import Pruned, prune, prune_if_due
from ai_usage_tests.instance.test_event_log import DEFS, instance

BUILT = dg.AssetKey("built")
TOMORROW = datetime.now(UTC) + timedelta(days=1)
"""An instant before which everything was written."""


def run(made: dg.DagsterInstance, first: str, last: str) -> str:
    """Build the days; the id of the run."""
    tags = {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }
    job = DEFS.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=made, raise_on_error=False, tags=tags).run_id


def newest(made: dg.DagsterInstance) -> list[tuple[str | None, str]]:
    """Day and run of each materialisation that is left."""
    records = made.fetch_materializations(BUILT, limit=50).records
    return sorted((str(r.partition_key), r.run_id) for r in records)


def test_what_is_old_goes_but_for_the_newest_of_every_day(tmp_path: Path) -> None:
    """By hand: 1 March is built by the first run alone, 2 March by all three, 3 by the last two."""
    with instance(tmp_path, PooledSqliteEventLogStorage) as made:
        one = run(made, "2026-03-01", "2026-03-02")
        two = run(made, "2026-03-02", "2026-03-03")
        three = run(made, "2026-03-02", "2026-03-03")
        before = len(made.all_logs(one)), len(made.all_logs(two)), len(made.all_logs(three))
        assert len(newest(made)) == 6

        gone = prune(made, TOMORROW)

        assert newest(made) == [("2026-03-01", one), ("2026-03-02", three), ("2026-03-03", three)]
        assert made.get_materialized_partitions(BUILT) == {"2026-03-01", "2026-03-02", "2026-03-03"}
        (check,) = DEFS.resolve_asset_graph().asset_check_keys
        history = made.event_log_storage.get_asset_check_execution_history(check, 10)
        assert {record.run_id for record in history if record.event} >= {three}
        assert one not in {record.run_id for record in history}
        assert {r.run_id for r in made.get_runs()} == {one, three}, "two has nothing left to show"
        left = len(made.all_logs(one)), len(made.all_logs(three))
        assert gone.runs == 1
        assert gone.events == sum(before) - sum(left)
        assert left[0] == 1, "its materialisation of 1 March"
        assert prune(made, TOMORROW) == Pruned(), "nothing more to remove"
        # The graph goes on as if nothing had been.
        four = run(made, "2026-03-01", "2026-03-01")
        assert ("2026-03-01", four) in newest(made)


def test_what_is_younger_stays_and_it_is_done_once_a_day(tmp_path: Path) -> None:
    with instance(tmp_path, PooledSqliteEventLogStorage) as made:
        only = run(made, "2026-03-01", "2026-03-02")
        written = len(made.all_logs(only))
        now = datetime.now(UTC)
        assert prune_if_due(made, 90, now) == Pruned()
        assert len(made.all_logs(only)) == written
        assert prune_if_due(made, 90, now + timedelta(hours=23)) is None
        later = prune_if_due(made, 90, now + timedelta(days=91))
        assert later is not None
        assert later.events > 0


def test_what_takes_too_long_at_a_time_is_gone_on_with_at_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance(tmp_path, PooledSqliteEventLogStorage) as made:
        one = run(made, "2026-03-01", "2026-03-01")
        two = run(made, "2026-03-01", "2026-03-01")
        monkeypatch.setattr(pruning, "SECONDS", 0.0)
        monkeypatch.setattr(pruning, "_AT_ONCE", 1)
        first = prune_if_due(made, 0, TOMORROW)
        assert first is not None
        assert not first.whole
        assert 0 < first.events <= 10
        monkeypatch.setattr(pruning, "SECONDS", 60.0)
        rest = prune_if_due(made, 0, TOMORROW)
        assert rest is not None
        assert rest.whole
        assert [r.run_id for r in made.get_runs()] == [two] != [one]
        assert newest(made) == [("2026-03-01", two)]


def test_a_run_that_has_not_ended_keeps_its_events(tmp_path: Path) -> None:
    with instance(tmp_path, PooledSqliteEventLogStorage) as made:
        job = DEFS.resolve_implicit_global_asset_job_def()
        under_way = made.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        made.report_engine_event("still at it", under_way)
        written = len(made.all_logs(under_way.run_id))
        assert written
        assert prune(made, TOMORROW) == Pruned()
        assert len(made.all_logs(under_way.run_id)) == written
