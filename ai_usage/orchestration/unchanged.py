"""What the warehouse was built from: looked at before a run, and remembered after it.

A run of the whole graph is remembered with what it was built from: how far each endpoint of the
archive was read, what follows from lists and files, the code, the settings, the day. What of that
says something else decides which days the next one builds that starts by itself (`selection`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import msgspec

from ai_usage.days.windows import Window
from ai_usage.instance.key_values import note, noted
from ai_usage.ledger.adopted import states_of_closed_months
from ai_usage.ledger.closing import history
from ai_usage.ledger.moved import Answers, Mark, inputs
from ai_usage.orchestration.as_left import fingerprint
from ai_usage.orchestration.assets.dimensions import Declared
from ai_usage.orchestration.derived import Derived
from ai_usage.orchestration.resources import Resources
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.files import installed_version

_KEY = "ai_usage/built_from"
"""Key in the instance's key-value store."""
_ASKED = "ai_usage/asked_from"
"""Another: of the run that was last asked for."""


class State(msgspec.Struct, frozen=True):
    """What a run builds from: how far the archive was read, the day, and all else by one digest."""

    version: str
    day: date
    marks: dict[str, Mark]


@dataclass(frozen=True)
class Looked:
    """What a run would build from that starts now."""

    answers: Answers
    version: str
    day: date

    @property
    def state(self) -> State:
        """What to remember of it."""
        return State(self.version, self.day, self.answers.marks)


@dataclass(frozen=True)
class Built:
    """What a run was built from: as it began, as it ended, and what has become of that by it.

    Once it has ended its files are taken in, and with them those that closed months stand by: the
    `version` is that of afterwards. Answers that came in since are not read.
    """

    began: State
    ended: State
    version: str

    @property
    def state(self) -> State | None:
        """What to remember; None where anything came in meanwhile: what it read is not known."""
        if self.began != self.ended:
            return None
        return msgspec.structs.replace(self.ended, version=self.version)


class FailedCheck(msgspec.Struct, frozen=True):
    """A check that did not pass, and on which days."""

    asset: str
    name: str
    is_error: bool
    blocking: bool
    days: list[date]

    def on(self, days: Collection[date]) -> FailedCheck:
        """The same, of these days alone."""
        return msgspec.structs.replace(self, days=[day for day in self.days if day in days])


class Beside(msgspec.Struct, frozen=True):
    """What stands of earlier runs beside what a run builds: days, and the runs that wrote them.

    `derived` is what followed from lists and files when they were known to stand, as it does still.
    """

    runs: list[str] = []
    days: list[date] = []
    failing: list[FailedCheck] = []
    derived: Derived | None = None


class Remembered(msgspec.Struct):
    """What the warehouse was built from. `last_run` is the last that wrote to it, as far as known.

    `left` is the warehouse's fingerprint after it. `days` were built, and `runs` wrote their rows;
    of those `failing` have failed.
    """

    last_run: str
    built_by: str
    runs: list[str]
    days: list[date]
    failing: list[FailedCheck]
    state: State
    derived: Derived | None
    left: str


class _Asked(msgspec.Struct):
    """A run that was asked for and not remembered yet, and what there was to build from then."""

    name: str
    state: State
    beside: Beside


def look(settings: Settings, vendors: Sequence[Vendor], given: Resources) -> Looked:
    """What a run that starts now is built from."""
    archive = given.archive
    lists = [(vendor, e) for _, vendor, e in Declared.of(settings, vendors).directories]
    told = [
        installed_version(),
        # A day that is pretended is the day, which stands by itself.
        settings.model_dump_json(exclude={"as_of"}),
        states_of_closed_months(archive),
    ]
    version = hashlib.sha256("\0".join(told).encode()).hexdigest()
    return Looked(Answers(archive, inputs(archive, vendors, lists)), version, given.clock.today)


def remember(
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    runs: Sequence[str],
    windows: Iterable[Window],
    built: Built,
    beside: Beside,
) -> None:
    """Remember what a run of the whole graph built these windows from.

    `runs` are that run, as the last, and those that it went on from; `beside` is what stood already
    and was not built.
    """
    state = built.state
    if state is None:
        return
    days = {day for window in windows for day in window.days()}.union(beside.days)
    failing = [*beside.failing, *_failed_checks(instance, runs[-1])]
    known = Remembered(
        last_run=runs[-1],
        built_by=runs[-1],
        runs=[*beside.runs, *runs],
        days=sorted(days),
        failing=failing,
        state=state,
        derived=beside.derived,
        left=fingerprint(warehouse),
    )
    note(instance, _KEY, known)


def remembered(instance: dg.DagsterInstance) -> Remembered | None:
    """What the warehouse was built from; None where no run of the whole graph is known."""
    return noted(instance, _KEY, Remembered)


def note_asked(instance: dg.DagsterInstance, name: str, state: State, beside: Beside) -> None:
    """Keep what there was to build from, and what stood, when a run of that name was asked for."""
    note(instance, _ASKED, _Asked(name, state, beside))


def asked_from(instance: dg.DagsterInstance, name: str) -> tuple[State, Beside] | None:
    """What there was when the run of that name was asked for; None where another one was since."""
    asked = noted(instance, _ASKED, _Asked)
    return (asked.state, asked.beside) if asked is not None and asked.name == name else None


def open_windows(given: Resources, window: Window, leaves_closed: bool) -> list[Window]:
    """The days of the window that a run builds."""
    return history(given.archive).open(window) if leaves_closed else [window]


def note_kept_up(instance: dg.DagsterInstance, warehouse: Warehouse, run_id: str) -> None:
    """Remember that a run has written no more than when vendors were asked."""
    known = remembered(instance)
    if known is not None:
        left = fingerprint(warehouse)
        note(instance, _KEY, msgspec.structs.replace(known, last_run=run_id, left=left))


def _failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[FailedCheck]:
    """The checks that found something wrong on single days, in a run."""
    found: dict[tuple[str, str], FailedCheck] = {}
    entries = instance.all_logs(run_id, of_type={dg.DagsterEventType.ASSET_CHECK_EVALUATION})
    for event in (entry.dagster_event for entry in entries):
        if event is None:
            continue
        judged = event.asset_check_evaluation_data
        if judged.passed or judged.partition is None:
            continue
        one = FailedCheck(
            judged.asset_key.path[-1],
            judged.check_name,
            judged.severity == dg.AssetCheckSeverity.ERROR,
            bool(judged.blocking),
            [],
        )
        own = found.setdefault((one.asset, one.name), one)
        own.days.append(date.fromisoformat(judged.partition))
    return list(found.values())
