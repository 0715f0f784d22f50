"""Whether a run that nobody asked for by hand has anything to build, and what is due if it has not.

A run of the whole graph is remembered with what it was built from: how far each endpoint of the
archive was read, the code, the settings, the day. The next one that starts by itself is spared
where none of that says something else, and where nobody has written to the warehouse since. What is
true of the hour alone is brought up to date all the same: when vendors were asked, how fresh the
views are, when the pages' copy was last known to be right. Whoever is in doubt builds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import msgspec

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.instance.key_values import note, noted
from ai_usage.instance.one_writer import WRITES
from ai_usage.ledger.adopted import states_of_closed_months
from ai_usage.ledger.closing import history
from ai_usage.ledger.moved import Answers, Mark, inputs
from ai_usage.migration.description import FILE_NAME
from ai_usage.orchestration.assets.dimensions import Declared
from ai_usage.orchestration.resources import Resources
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.files import installed_version
from ai_usage.warehouse.schema import table_schema

_KEY = "ai_usage/built_from"
"""Key in the instance's key-value store."""
_ASKED = "ai_usage/asked_from"
"""Another: of the run that was last asked for."""

_WRITTEN = ("raw_ai_events", "fact_ai_usage", "fact_ai_costs")
"""Tables whose rows name the run that wrote them."""


class State(msgspec.Struct, frozen=True):
    """What a run builds from: how far the archive was read, and all else by one digest."""

    version: str
    marks: dict[str, Mark]


@dataclass(frozen=True)
class Looked:
    """What a run would build from that starts now."""

    answers: Answers
    version: str

    @property
    def state(self) -> State:
        """What to remember of it."""
        return State(self.version, self.answers.marks)


class _Remembered(msgspec.Struct):
    """What the warehouse was built from. `last_run` is the last that wrote to it, as far as known.

    `built` are days, each first and end; `runs` wrote their rows.
    """

    last_run: str
    built_by: str
    runs: list[str]
    built: list[tuple[date, date]]
    state: State

    @property
    def days(self) -> set[date]:
        """The days that were built."""
        return {day for window in self.built for day in Window(*window).days()}


class _Asked(msgspec.Struct):
    """A run that was asked for and not remembered yet, and what there was to build from then."""

    name: str
    state: State


def look(settings: Settings, vendors: Sequence[Vendor], given: Resources) -> Looked:
    """What a run that starts now is built from."""
    archive = given.archive
    lists = [(vendor, e) for _, vendor, e in Declared.of(settings, vendors).directories]
    told = [
        installed_version(),
        settings.model_dump_json(),
        given.clock.today.isoformat(),
        states_of_closed_months(archive),
    ]
    version = hashlib.sha256("\0".join(told).encode()).hexdigest()
    return Looked(Answers(archive, inputs(archive, vendors, lists)), version)


def remember(
    instance: dg.DagsterInstance,
    runs: Sequence[str],
    windows: Iterable[Window],
    before: State,
    after: State,
) -> None:
    """Remember what a run of the whole graph built these windows from.

    `runs` are that run, as the last, and those that it went on from. Not where anything came in
    while it ran: what it read of that is not known.
    """
    if before == after:
        built = [(window.start, window.end) for window in windows]
        note(instance, _KEY, _Remembered(runs[-1], runs[-1], list(runs), built, after))


def note_asked(instance: dg.DagsterInstance, name: str, state: State) -> None:
    """Keep what there was to build from when a run of that name was asked for."""
    note(instance, _ASKED, _Asked(name, state))


def asked_from(instance: dg.DagsterInstance, name: str) -> State | None:
    """What there was when the run of that name was asked for; None where another one was since."""
    asked = noted(instance, _ASKED, _Asked)
    return asked.state if asked is not None and asked.name == name else None


def open_windows(given: Resources, window: Window, leaves_closed: bool) -> list[Window]:
    """The days of the window that a run builds."""
    return history(given.archive).open(window) if leaves_closed else [window]


def unchanged_since(
    instance: dg.DagsterInstance,
    settings: Settings,
    given: Resources,
    window: Window,
    now: Looked,
) -> str | None:
    """The run that built the open days of the window from what is known now; None if none has.

    None also where the warehouse was written to since, or cannot tell by whom.
    """
    known = noted(instance, _KEY, _Remembered)
    if known is None or (settings.home / FILE_NAME).exists():
        return None
    newest = instance.get_runs(dg.RunsFilter(tags=dict(WRITES)), limit=1)
    if not newest or newest[0].run_id != known.last_run or not newest[0].is_success:
        return None
    if known.state.version != now.version or now.answers.moved(known.state.marks):
        return None
    own = open_windows(given, window, leaves_closed=True)
    if not own or not known.days.issuperset(day for part in own for day in part.days()):
        return None
    try:
        written_by = _writers(given.warehouse, own)
    except WarehouseError:
        # The run says what is wrong with it.
        return None
    return known.built_by if written_by and written_by <= set(known.runs) else None


def _writers(warehouse: Warehouse, windows: Sequence[Window]) -> set[str]:
    """The runs that wrote the days' events and facts, as their rows tell."""
    if not all(warehouse.exists(table) for table in _WRITTEN):
        return set()
    parts = [
        f"SELECT pipeline_run_id FROM {table} WHERE {table_schema(table).days_from(*bounds)}"
        for table in _WRITTEN
        for bounds in [(f"DATE '{window.start}'", f"DATE '{window.end}'") for window in windows]
    ]
    rows = " UNION ALL ".join(parts)
    found = warehouse.rows(f"SELECT DISTINCT pipeline_run_id FROM ({rows}) AS written")
    return {row["pipeline_run_id"] for row in found}


def note_kept_up(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remember that a run has written no more than when vendors were asked."""
    known = noted(instance, _KEY, _Remembered)
    if known is not None:
        note(instance, _KEY, msgspec.structs.replace(known, last_run=run_id))
