"""Killed in the middle and run again: the tables of a run that nobody disturbed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.requests import Request

from ai_usage.settings import Settings
from ai_usage.simulator import serve, write_directory_files
from ai_usage_tests.support.child import finish, start_backfill
from ai_usage_tests.support.faults import watching
from ai_usage_tests.support.pipeline import (
    Loaded,
    assert_equal_tables,
    simulated_environment,
    simulated_settings,
    warehouse_of,
)

SEED = 7
GIVE_UP_SECONDS = 120.0


@dataclass
class Vendors:
    """Watches the vendors' side: kills the process that asks, at a given request."""

    victim: subprocess.Popen[str] | None = None
    kill_at: int | None = None
    requests: int = field(default=0)

    def see(self, request: Request) -> None:
        self.requests += 1
        if self.victim is not None and self.requests == self.kill_at:
            self.victim.kill()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not happened():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def written(settings: Settings) -> Callable[[], bool]:
    """Whether the run writes to the warehouse."""
    path = settings.warehouse_path
    before = path.stat().st_mtime_ns if path.exists() else None
    return lambda: path.exists() and path.stat().st_mtime_ns != before


@pytest.mark.slow
def test_a_backfill_killed_at_random_moments_and_run_again_ends_in_the_undisturbed_tables(
    week: Loaded, tmp_path: Path, report: Callable[[str], None]
) -> None:
    """Twice while it asks the vendors, twice while it writes; SIGKILL leaves no time."""
    draw = random.Random(SEED)  # noqa: S311
    vendors = Vendors()
    moments = []
    with serve(week.company, middleware=[watching(vendors.see)]) as base_url:
        place = (tmp_path, base_url, week.company.today, week.days.start)
        environment, settings = simulated_environment(*place), simulated_settings(*place)
        write_directory_files(week.company, settings.reference_path)
        for request in (draw.randint(2, 5), draw.randint(2, 5)):
            vendors.requests, vendors.kill_at = 0, request
            vendors.victim = start_backfill(environment, week.days)
            vendors.victim.communicate(timeout=GIVE_UP_SECONDS)
            assert vendors.victim.returncode == -signal.SIGKILL
            moments.append(f"request {request}")
        vendors.victim = None
        for longest in (1.0, 4.0):
            process = start_backfill(environment, week.days)
            wait_until(written(settings), process)
            pause = draw.uniform(0, longest)
            time.sleep(pause)
            process.kill()
            process.communicate(timeout=GIVE_UP_SECONDS)
            assert process.returncode == -signal.SIGKILL, "it had ended before it was killed"
            moments.append(f"{pause:.2f} s of writing")
        finish(start_backfill(environment, week.days))
    report(f"killed after {', '.join(moments)}; then run to the end")
    assert_equal_tables(week.warehouse, warehouse_of(settings))
