"""Which of its days a run builds that starts by itself: those for which anything has moved.

A day is built from its reports, from what follows from lists and files, from the code and the
settings. Where all that moved is told by days, a run begins with the first of them, and the days
before stand as they were built; it writes to its last day, as month-to-date columns need. A file
that a person keeps, a close, a bill, another version or setting build all days of the run, and so
does a warehouse that somebody else has written to, or that is not as the last run left it. Where
nothing has moved nothing is built. Whoever is in doubt builds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window, windows_of
from ai_usage.errors import AiUsageError
from ai_usage.instance.one_writer import WRITES
from ai_usage.instance.partitions import newest_day
from ai_usage.ledger.moved import Moved
from ai_usage.migration.description import FILE_NAME
from ai_usage.orchestration.as_left import LOADED, NAME_THEIR_RUN, fingerprint, writers
from ai_usage.orchestration.assets.dimensions import Declared
from ai_usage.orchestration.derived import Derived, Deriving
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.unchanged import Beside, Looked, Remembered, open_windows, remembered
from ai_usage.reference import reference_file
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor

_BUILT_BY_DAYS = tuple(table for table in NAME_THEIR_RUN if table != LOADED)
"""Tables of which a run writes no other days than it builds, and whose rows name it."""
_KNOWN_FOR = timedelta(days=62)
"""How far back days are remembered to stand when a day has passed: further than a night reads."""


@dataclass(frozen=True)
class Selection:
    """What a run builds of its days: `written`, to its last; None where all of them stand.

    `since` is the run that built what stands, if anything does; `beside` is to be remembered of it.
    `altered_since` is the run that left the warehouse otherwise than it is now, if one did.
    """

    written: Window | None
    since: str | None
    beside: Beside
    altered_since: str | None = None

    def told(self, window: Window) -> str | None:
        """Which days of a run's window are not built, or why all are, as a line; None without."""
        if self.altered_since is not None:
            return (
                f"the warehouse is not as run {self.altered_since[:8]} left it: {window} are "
                "built, `ai-usage rebuild` builds the days before."
            )
        if self.written is None or self.since is None or self.written == window:
            return None
        before = Window(window.start, self.written.start)
        return f"{before} stand as run {self.since[:8]} built them; {self.written} are built"


@dataclass(frozen=True)
class _Asked:
    """What is asked: of a run over the window, what it would build from now."""

    instance: dg.DagsterInstance
    settings: Settings
    given: Resources
    window: Window
    now: Looked
    deriving: Deriving


def select(
    instance: dg.DagsterInstance,
    settings: Settings,
    vendors: Sequence[Vendor],
    given: Resources,
    window: Window,
    now: Looked,
) -> Selection:
    """What a run over the window builds, given what there is to build from now."""
    deriving = Deriving(Declared.of(settings, vendors), given)
    asked = _Asked(instance, settings, given, window, now, deriving)
    known = _standing(asked)
    if known is not None and known.left != fingerprint(given.warehouse):
        return Selection(window, None, _whole(deriving, window), known.last_run)
    found = None if known is None else _moved_days(asked, known)
    return found or Selection(window, None, _whole(deriving, window))


def of_whole(
    settings: Settings, vendors: Sequence[Vendor], given: Resources, window: Window
) -> Beside:
    """What to remember of a run that builds all of its days, whatever stands."""
    return _whole(Deriving(Declared.of(settings, vendors), given), window)


def _whole(deriving: Deriving, window: Window) -> Beside:
    try:
        return Beside(derived=deriving.derived(window))
    except AiUsageError:
        # The run says what is wrong.
        return Beside()


def _standing(asked: _Asked) -> Remembered | None:
    """What was built from the same code and settings, if nobody has written since."""
    known = remembered(asked.instance)
    if known is None or (asked.settings.home / FILE_NAME).exists():
        return None
    newest = asked.instance.get_runs(dg.RunsFilter(tags=dict(WRITES)), limit=1)
    if not newest or newest[0].run_id != known.last_run or not newest[0].is_success:
        return None
    same = known.state.version == asked.now.version and known.state.day <= asked.now.day
    return known if same else None


def _moved_days(asked: _Asked, known: Remembered) -> Selection | None:
    """From which day on to build; None where it cannot be told, and all days are built."""
    parts = open_windows(asked.given, asked.window, leaves_closed=True)
    own = {day for part in parts for day in part.days()}
    moved = asked.now.answers.moved(known.state.marks)
    if not own or any(one.feeds == "anything" for one in moved):
        return None
    told = _told_by_days(asked, known, moved)
    if told is None:
        return None
    stands = told.stands - told.stale
    written = None
    if build := own - stands:
        written = _to_the_last(asked.window, _with_cycles(asked.given.archive, build))
    elif moved:
        # What is told of days that are closed, and what is spent by now, comes with any day.
        written = newest_day(asked.window)
    stands = stands.difference(written.days()) if written else stands & own
    runs = writers(asked.given.warehouse, windows_of(stands), _BUILT_BY_DAYS)
    if not runs or not runs <= set(known.runs):
        return None
    failing = [one.on(stands) for one in known.failing if stands.intersection(one.days)]
    beside = Beside(sorted(runs), sorted(stands), failing, told.derived)
    return Selection(written, known.built_by, beside)


class _Told(NamedTuple):
    """Days that say something else than when they were built, and those that were built."""

    stale: set[date]
    stands: set[date]
    derived: Derived | None


def _told_by_days(asked: _Asked, known: Remembered, moved: Sequence[Moved]) -> _Told | None:
    """What moved of which days; None where lists or files may have moved any of them."""
    window = asked.window
    oldest = min(window.start, window.end - _KNOWN_FOR)
    stands = {day for day in known.days if day >= oldest}
    stale = {day for one in moved if one.feeds == "events" for day in one.days}
    if asked.now.day == known.state.day and all(one.feeds != "lists" for one in moved):
        return _Told(stale, stands, known.derived)
    if known.derived is None:
        return None
    among = Window(min(stands | {window.start}), window.end)
    try:
        follows = asked.deriving.moved(known.derived, among)
        return (
            None
            if follows is None
            else _Told(stale | follows, stands, asked.deriving.derived(among))
        )
    except AiUsageError:
        # The run says what is wrong.
        return None


def _with_cycles(archive: Archive, days: Collection[date]) -> date:
    """The first of the days, and of the invoiced cycles that they lie in: a cycle is judged whole.

    Whether a day's cost is reconciled depends on all days of its cycle.
    """
    invoices = newest_rows(archive, reference_file("invoices.csv")) or []
    cycles: list[date] = [
        row["period_from"]
        for row in invoices
        if any(row["period_from"] <= day <= row["period_to"] for day in days)
    ]
    return min([*days, *cycles])


def _to_the_last(window: Window, first: date) -> Window:
    return Window(max(first, window.start), window.end)
