"""Dagster's own daemon as a process: fetches end, the transformation runs, people hear of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.days.clock import utc_today
from ai_usage.instance.partitions import lookback_window, range_tags
from ai_usage.orchestration.automation import (
    HOURLY,
    REFERENCE,
    SCHEDULE_TAG,
    TICK_TAG,
    TRANSFORM,
)
from ai_usage.orchestration.runs import dagster_home
from ai_usage.settings import Settings
from ai_usage_tests.alerts.receivers import http_receiver
from ai_usage_tests.support.dagster_private import create_run_for_test

WAIT_SECONDS = 150


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(1)
    return False


@pytest.mark.slow
def test_the_daemon_transforms_after_a_failed_fetch_and_tells_who_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with http_receiver() as receiver:
        environment = {
            "AI_USAGE_HOME": str(tmp_path),
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "AI_USAGE_START_DATE": utc_today().isoformat(),
            "AI_USAGE_NOTIFY_URLS": receiver.url(),
            "CURSOR_API_KEY": "key_of_a_test",
        }
        settings = Settings.load(environment)
        home = dagster_home(settings)
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as instance:
            tick = datetime.now(UTC).isoformat(timespec="seconds")
            tags = {TICK_TAG: tick, SCHEDULE_TAG: HOURLY} | range_tags(lookback_window(settings))
            for job, status in (
                ("ingest_cursor", dg.DagsterRunStatus.FAILURE),
                (REFERENCE, dg.DagsterRunStatus.SUCCESS),
            ):
                create_run_for_test(instance, job_name=job, status=status, tags=tags)
            command = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
            kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            with (tmp_path / "daemon.log").open("wb") as log:
                daemon = subprocess.Popen(  # noqa: S603
                    [*command, "--module-name", "ai_usage.orchestration.definitions"],
                    env=kept | environment | {"DAGSTER_HOME": str(home)},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                try:
                    heard = eventually(lambda: bool(receiver.posts))
                finally:
                    os.killpg(daemon.pid, signal.SIGINT)
                    daemon.wait(30)
            (run,) = instance.get_runs(dg.RunsFilter(job_name=TRANSFORM))
    assert heard, (tmp_path / "daemon.log").read_text()[-4000:]
    assert run.tags[TICK_TAG] == tick
    assert run.is_success
    told = "\n".join(receiver.titles)
    assert "raw_ai_events: completeness failed" in told
    completeness = next(post for post in receiver.posts if "raw_ai_events" in post["title"])
    assert "cursor.usage_events: 1 failing" in completeness["message"]
    assert run.run_id in completeness["message"]
