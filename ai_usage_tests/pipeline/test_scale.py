"""A year in one command, in bounded memory."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ai_usage.simulator import Company, serve, write_directory_files
from ai_usage_tests.conftest import ANCHOR, TODAY
from ai_usage_tests.support.child import start_backfill
from ai_usage_tests.support.pipeline import (
    simulated_environment,
    simulated_settings,
    warehouse_of,
    window,
)

GIGABYTE = 10**9


def high_water(pid: int) -> int:
    """The most memory that a process has had so far, in bytes; 0 of one that has ended.

    What the kernel tells after the end (`ru_maxrss`) counts what the tests' own process had when it
    started this one.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.M)
    return int(found[1]) * 1024 if found else 0


@pytest.mark.slow
def test_a_year_is_backfilled_in_one_command_below_a_gigabyte(
    tmp_path: Path, report: Callable[[str], None]
) -> None:
    """In a process of its own, whose peak the kernel keeps; the vendors are not in it."""
    days = window(TODAY - timedelta(days=364), TODAY)
    company = Company(today=TODAY, anchor=ANCHOR)
    with serve(company) as base_url:
        environment = simulated_environment(tmp_path, base_url, TODAY, days.start)
        settings = simulated_settings(tmp_path, base_url, TODAY, days.start)
        write_directory_files(company, settings.reference_path)
        started = time.monotonic()
        process = start_backfill(environment, days)
        assert process.stdout is not None
        printed, peak = "", 0
        for line in process.stdout:
            printed += line
            peak = max(peak, high_water(process.pid))
        # Not subprocess's wait: only wait4 tells what this child used, not what all children did.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, printed
    elapsed = time.monotonic() - started
    (counted,) = warehouse_of(settings).rows(
        "SELECT COUNT(*) AS n, MIN(event_date) AS first, MAX(event_date) AS last "
        "FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
    )
    report(
        f"a year of the default company: {counted['n']:,} raw events, {elapsed:.0f} s elapsed, "
        f"{used.ru_utime + used.ru_stime:.0f} CPU-s, peak {peak / 10**6:.0f} MB"
    )
    assert (counted["first"], counted["last"]) == (days.start, TODAY)
    assert GIGABYTE / 10 < peak < GIGABYTE
