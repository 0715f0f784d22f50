"""Runs whose process is gone: without their end nothing else would ever leave the queue.

Dagster's server notices when a process dies that it launched itself. A command executes its run in
its own process; if that is killed, the run stays "started" for ever.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "ai_usage/process"
"""Machine and process that execute a run."""
BEGAN_TAG = "ai_usage/process_began"
"""When that process began, as the machine counts it: a number is given to another one later, in a
container to the very next command."""


def this_process() -> dict[str, str]:
    """The tags of a run that this process executes."""
    process = os.getpid()
    return {PROCESS_TAG: f"{socket.gethostname()}/{process}", BEGAN_TAG: _began(process)}


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed the runs of this machine whose process is gone, and give their ids."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    dead = [run for run in instance.get_runs(started) if process_is_gone(run)]
    for run in dead:
        instance.report_run_failed(
            run,
            "The process of the command that executed this run is gone: it was killed, or the "
            "machine went down. Nothing is half-written; the same command goes on from there.",
        )
    return [run.run_id for run in dead]


def process_is_gone(run: dg.DagsterRun) -> bool:
    """Whether a process of this machine executed the run and is there no longer."""
    machine, _, process = run.tags.get(PROCESS_TAG, "").rpartition("/")
    if machine != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # Somebody else's process: it lives.
        return False
    then, now = run.tags.get(BEGAN_TAG, ""), _began(int(process))
    return bool(then and now and then != now)


def _began(process: int) -> str:
    """When a process began, in ticks since the machine did; empty where the system does not say."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program stands in brackets and may hold spaces.
    return text.rpartition(")")[2].split()[19]
