"""The simulated company of the benchmarks: its size, its vendors in a process of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ai_usage.days.windows import Window
from ai_usage.simulator import (
    ANTHROPIC_KEY,
    CURSOR_KEY,
    Company,
    serve,
    write_reference_files,
)

TODAY = date(2026, 3, 18)
CURSOR_EVENTS_A_DAY = 167
OTHER_RECORDS_A_DAY = 107
"""What the default company makes on average, weekends included, at scale 1."""


def scale_for(records: int) -> float:
    """The scale at which the company makes about so many records a day."""
    return max(records - OTHER_RECORDS_A_DAY, 1) / CURSOR_EVENTS_A_DAY


def last_days(number: int) -> Window:
    """So many days, the last of which is the company's today."""
    return Window(TODAY - timedelta(days=number - 1), TODAY + timedelta(days=1))


def environment(home: Path, url: str, first_day: date) -> dict[str, str]:
    """The settings of a pipeline whose state is in `home` and that asks the vendors at the URL.

    The company's reference files are written where it looks for them.
    """
    write_reference_files(Company(today=TODAY), home / "reference")
    return {
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_AS_OF": TODAY.isoformat(),
        "AI_USAGE_START_DATE": first_day.isoformat(),
        "CURSOR_API_KEY": CURSOR_KEY,
        "CURSOR_BASE_URL": f"{url}/cursor",
        "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
        "ANTHROPIC_BASE_URL": f"{url}/anthropic",
    }


def _serve(scale: float, url: Connection, stop: Connection) -> None:
    with serve(Company(today=TODAY, scale=scale)) as base_url:
        url.send(base_url)
        stop.recv()


@contextmanager
def vendors(scale: float) -> Iterator[str]:
    """The simulated vendors in a process of their own, and their URL."""
    context = multiprocessing.get_context("spawn")
    url, url_end = context.Pipe(duplex=False)
    stop_end, stop = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(scale, url_end, stop_end), daemon=True)
    process.start()
    try:
        yield url.recv()
    finally:
        stop.send(None)
        process.join(10)
