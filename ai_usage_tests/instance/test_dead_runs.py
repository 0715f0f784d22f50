"""A command that was killed leaves a run behind: it is ended, told of, and the queue goes on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.instance.dead_runs import BEGAN_TAG, PROCESS_TAG, fail_orphaned_runs, this_process
from ai_usage.orchestration.runs import dagster_yaml
from ai_usage_tests.support.dagster_private import create_run_for_test

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    text = dagster_yaml().read_text().replace("env: DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(text)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def started(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run: dg.DagsterRun = create_run_for_test(instance, job_name="job", status=STARTED, tags=tags)
    return run.run_id


def test_only_runs_whose_process_on_this_machine_is_gone_are_ended(
    instance: dg.DagsterInstance,
) -> None:
    here = socket.gethostname()
    gone = started(instance, {PROCESS_TAG: f"{here}/{dead_process()}"})
    alive = started(instance, this_process())
    parent = started(instance, {PROCESS_TAG: f"{here}/{os.getppid()}"})
    elsewhere = started(instance, {PROCESS_TAG: f"another-machine/{dead_process()}"})
    launched = started(instance, {})
    reused = started(instance, {**this_process(), BEGAN_TAG: "1"})
    assert set(fail_orphaned_runs(instance)) == {gone, reused}
    assert fail_orphaned_runs(instance) == []
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {
        gone: FAILURE,
        reused: FAILURE,
        alive: STARTED,
        parent: STARTED,
        elsewhere: STARTED,
        launched: STARTED,
    }
