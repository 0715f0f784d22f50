"""Runs whose process is gone: without their end nothing else would ever leave the queue.

Dagster's server notices when a process dies that it launched itself. A command executes its run in
its own process; if that is killed, the run stays "started" for ever.
"""

from __future__ import annotations

import os
import socket

import dagster as dg

PROCESS_TAG = "ai_usage/process"
"""Machine and process that execute a run."""


def this_process() -> dict[str, str]:
    """The tag of a run that this process executes."""
    return {PROCESS_TAG: f"{socket.gethostname()}/{os.getpid()}"}


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed the runs of this machine whose process is gone, and give their ids."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    dead = [run for run in instance.get_runs(started) if _is_dead(run)]
    for run in dead:
        instance.report_run_failed(
            run,
            "The process of the command that executed this run is gone: it was killed, or the "
            "machine went down. Nothing is half-written; the same command goes on from there.",
        )
    return [run.run_id for run in dead]


def _is_dead(run: dg.DagsterRun) -> bool:
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
    return False
