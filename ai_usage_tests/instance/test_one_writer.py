"""One run at a time writes to the warehouse, whoever started it; fetches wait for nobody."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ai_usage.errors import AiUsageError
from ai_usage.instance.dagster_private import SubmitRunContext
from ai_usage.instance.dead_runs import PROCESS_TAG
from ai_usage.instance.one_writer import WRITES, WRITES_TAG, wait_for_turn
from ai_usage.orchestration.automation import REFERENCE, TRANSFORM
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.runs import dagster_yaml
from ai_usage.settings import Settings
from ai_usage_tests.support.dagster_private import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
    TagConcurrencyLimitsCounter,
    create_run_for_test,
)

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "dagster.yaml"
TABLE, VIEW = dg.AssetKey("fact_ai_costs"), dg.AssetKey("vw_executive_dashboard")
SOURCE = dg.AssetKey("cursor_usage_events")
HERE = f"{socket.gethostname()}/{os.getpid()}"


@pytest.fixture(params=[dagster_yaml(), DEPLOY], ids=["embedded", "postgres"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance by each of the two files, with its storage in a folder."""
    config = yaml.safe_load(request.param.read_text())
    for storage in ("storage", "event_log_storage"):
        config.pop(storage, None)
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__"), "a_job"
)
"""Where the daemon would find the job; a run in the queue has one."""


def submitted(
    instance: dg.DagsterInstance, job: str, *assets: dg.AssetKey, **tags: str
) -> dg.DagsterRun:
    """A run as it stands in the queue."""
    selection = frozenset(assets) or None
    run = create_run_for_test(
        instance, job_name=job, tags=tags, asset_selection=selection, remote_job_origin=ORIGIN
    )
    instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("job", "assets", "waits"),
    [
        ("__ASSET_JOB", (TABLE,), True),
        ("__ASSET_JOB", (SOURCE, VIEW), True),
        ("__ASSET_JOB", (), True),
        ("__ASSET_JOB", (SOURCE,), False),
        ("ingest_cursor", (), False),
        (REFERENCE, (), False),
    ],
)
def test_what_writes_to_the_warehouse_waits_for_another_that_does(
    job: str, assets: tuple[dg.AssetKey, ...], waits: bool, instance: dg.DagsterInstance
) -> None:
    """Materialised or backfilled in the UI: such a run is of no job of ours."""
    under_way = create_run_for_test(
        instance, job_name=TRANSFORM, tags=dict(WRITES), status=dg.DagsterRunStatus.STARTED
    )
    config = instance.get_concurrency_config().run_queue_config
    assert config is not None
    counter = TagConcurrencyLimitsCounter(config.tag_concurrency_limits, [under_way])
    assert counter.is_blocked(submitted(instance, job, *assets)) is waits


def test_every_run_of_the_transformation_carries_the_tag(tmp_path: Path) -> None:
    defs = build_defs(Settings.load({"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_ENV_FILE": "no"}))
    repository = defs.get_repository_def()
    assert repository.get_job(TRANSFORM).run_tags[WRITES_TAG] == WRITES[WRITES_TAG]
    for job in ("ingest_cursor", "ingest_anthropic", REFERENCE):
        assert WRITES_TAG not in repository.get_job(job).run_tags


def test_a_command_waits_for_the_run_that_writes_and_says_for_which(
    instance: dg.DagsterInstance,
) -> None:
    run = create_run_for_test(
        instance,
        tags={**WRITES, PROCESS_TAG: HERE},
        status=dg.DagsterRunStatus.STARTED,
    )
    create_run_for_test(instance, tags={PROCESS_TAG: HERE}, status=dg.DagsterRunStatus.STARTED)
    told: list[str] = []
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name, message="ended")
    end = threading.Timer(0.5, lambda: instance.report_dagster_event(event, run.run_id))
    end.start()
    began = datetime.now(UTC)
    wait_for_turn(instance, told.append, poll=0.05)
    assert (datetime.now(UTC) - began).total_seconds() >= 0.4
    assert told == [f"run {run.run_id} writes to the warehouse"]
    end.join()


def test_a_command_waits_neither_for_the_queue_nor_for_a_process_that_is_gone(
    instance: dg.DagsterInstance,
) -> None:
    create_run_for_test(
        instance,
        tags=dict(WRITES),
        status=dg.DagsterRunStatus.QUEUED,
        remote_job_origin=ORIGIN,
    )
    gone = create_run_for_test(
        instance,
        tags={**WRITES, PROCESS_TAG: f"{socket.gethostname()}/{2**22 + 1}"},
        status=dg.DagsterRunStatus.STARTED,
    )
    wait_for_turn(instance, lambda note: pytest.fail(note))
    assert (found := instance.get_run_by_id(gone.run_id)) is not None
    assert found.is_failure


def test_a_run_that_never_ends_is_named(instance: dg.DagsterInstance) -> None:
    run = create_run_for_test(
        instance, tags={**WRITES, PROCESS_TAG: HERE}, status=dg.DagsterRunStatus.STARTED
    )
    with pytest.raises(AiUsageError, match=f"Run {run.run_id} still writes .* terminate it"):
        wait_for_turn(instance, lambda note: None, patience=0.0, poll=0.0)
