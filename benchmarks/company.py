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
from benchmarks.weekly import WeeklyCompany

TODAY = date(2026, 3, 18)
PEOPLE = 40
CURSOR_EVENTS_A_DAY = 167
OTHER_RECORDS_A_DAY = 107
"""What so many people make on average, weekends included, at scale 1."""


def scale_for(records: int, people: int = PEOPLE) -> float:
    """The scale at which a company makes about so many records a day."""
    others = OTHER_RECORDS_A_DAY * people / PEOPLE
    return max(records - others, 1) / (CURSOR_EVENTS_A_DAY * people / PEOPLE)


def last_days(number: int, newest: date = TODAY) -> Window:
    """So many days, the last of which is the newest."""
    return Window(newest - timedelta(days=number - 1), newest + timedelta(days=1))


def settled(days: Window) -> Window:
    """All but the last two of the days, of which Cursor's usage events may still change.

    The others are not asked for again where they are archived.
    """
    return Window(days.start, days.end - timedelta(days=2))


def company_of(people: int, records: int, *, weekly: bool = False) -> Company:
    """A company that makes about so many records a day, all its weeks alike if `weekly`."""
    kind = WeeklyCompany if weekly else Company
    return kind(today=TODAY, people=people, scale=scale_for(records, people))


def environment(
    home: Path, url: str, first_day: date, today: date = TODAY, people: int = PEOPLE
) -> dict[str, str]:
    """The settings of a pipeline whose state is in `home` and that asks the vendors at the URL.

    The company's reference files are written where it looks for them.
    """
    # Invoices are of all that was ever used: a small scale makes them soon.
    write_reference_files(Company(today=TODAY, people=people, scale=0.1), home / "reference")
    return {
        "AI_USAGE_ENV_FILE": str(home / "no.env"),
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_AS_OF": today.isoformat(),
        "AI_USAGE_START_DATE": first_day.isoformat(),
        "CURSOR_API_KEY": CURSOR_KEY,
        "CURSOR_BASE_URL": f"{url}/cursor",
        "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
        "ANTHROPIC_BASE_URL": f"{url}/anthropic",
    }


def _serve(people: int, records: int, weekly: bool, url: Connection, stop: Connection) -> None:
    with serve(company_of(people, records, weekly=weekly)) as base_url:
        url.send(base_url)
        stop.recv()


@contextmanager
def vendors(records: int, people: int = PEOPLE, *, weekly: bool = False) -> Iterator[str]:
    """The vendors of a company in a process of their own, and their URL. See `company_of`."""
    context = multiprocessing.get_context("spawn")
    url, url_end = context.Pipe(duplex=False)
    stop_end, stop = context.Pipe(duplex=False)
    arguments = (people, records, weekly, url_end, stop_end)
    process = context.Process(target=_serve, args=arguments, daemon=True)
    process.start()
    try:
        yield url.recv()
    finally:
        stop.send(None)
        process.join(10)
