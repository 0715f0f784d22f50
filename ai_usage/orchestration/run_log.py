"""What a run says of itself: in Dagster's run log, and on the console of whoever started it.

In words of ours, with the vendor's name: what was fetched, what is asked again and when, what was
left out and why. Libraries say nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from ai_usage.instance.progress import Step, tell
from ai_usage.vendors.fetching import FetchReport
from ai_usage.vendors.pace import FetchProgress
from ai_usage.vendors.retries import Retry, listening


def say(context: dg.AssetExecutionContext, line: str) -> None:
    """Write a line into the run's log, and nowhere else.

    `context.log.info` would print it too, on the console of whoever runs Dagster: what is wrong
    belongs there, what went well does not.
    """
    context.instance.handle_new_event(
        dg.EventLogEntry(  # type: ignore[no-untyped-call]
            error_info=None,
            level=logging.INFO,
            user_message=line,
            run_id=context.run_id,
            timestamp=time.time(),
            step_key=str(context.op_handle),
            job_name=context.job_name,
        )
    )


@contextmanager
def spoken(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Say of every request meanwhile that it is asked again, why and when."""
    name = context.asset_key.path[-1]

    def told(retry: Retry) -> None:
        context.log.warning(f"{retry}")
        tell(Step(name, "retrying", f"{retry}"))

    with listening(told):
        yield


def told_progress(context: dg.AssetExecutionContext) -> Callable[[FetchProgress], None]:
    """Say how far a fetch is, while it is under way."""
    name = context.asset_key.path[-1]

    def show(progress: FetchProgress) -> None:
        tell(Step(name, "fetching", str(progress)))
        if progress.days_done < progress.days:
            say(context, f"{name}: {progress}")

    return show


def note_fetch(context: dg.AssetExecutionContext, report: FetchReport) -> None:
    """Say what was fetched, and which days were not asked for and why."""
    place = f"{report.vendor} {report.endpoint}"
    if report.fetched_days:
        say(context, f"{place}: fetched {report}")
        tell(Step(context.asset_key.path[-1], "fetched", f"{report}"))
    for line in report.skipped():
        say(context, f"{place}: {line}")


def skipped(context: dg.AssetExecutionContext, why: str) -> dg.MaterializeResult[None]:
    """Say why nothing was asked for."""
    say(context, why)
    tell(Step(context.asset_key.path[-1], "fetched", why))
    return dg.MaterializeResult(metadata={"status": why})
