"""Runs of the graph started by a person: in this process, with progress, errors as lines.

Dagster's UI and daemon do not come through here; they run the same definitions.
"""

from __future__ import annotations

import difflib
import logging
import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy.exc import OperationalError

from ai_usage.alerts.findings import STARTED_BY
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, ArgumentError
from ai_usage.instance.dead_runs import this_process
from ai_usage.instance.event_log import batch_events
from ai_usage.instance.one_writer import WRITES, wait_for_turn
from ai_usage.instance.partitions import newest_day, range_tags, tags_of_part
from ai_usage.instance.progress import Progress, Step, listening
from ai_usage.instance.pruning import prune_if_due
from ai_usage.instance.step_errors import interrupted, step_error
from ai_usage.orchestration.adopting import note_empty_warehouse, take_in_reference
from ai_usage.orchestration.alerting import alert_on_run, end_dead_commands
from ai_usage.orchestration.assets.reference import reference_key
from ai_usage.orchestration.assets.sources import LOOKBACK_TAG
from ai_usage.orchestration.going_on import Stopped, began, is_unmoved, note_began, stopped
from ai_usage.orchestration.named_jobs import QUIET, command_job
from ai_usage.orchestration.open_days import rebuilds
from ai_usage.orchestration.outcome import CheckResult as CheckResult
from ai_usage.orchestration.outcome import RunResult as RunResult
from ai_usage.orchestration.outcome import check_results, joined, outcome
from ai_usage.orchestration.resources import Resources
from ai_usage.orchestration.selection import Selection, of_whole, select
from ai_usage.orchestration.stages import COMMAND, GOES_ON, STAGE, Stage, is_input, stages
from ai_usage.orchestration.standing import keep_up, still_failing
from ai_usage.orchestration.unchanged import Built, Looked, look, open_windows, remember
from ai_usage.reference import reference_files
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import Vendor, discovered_vendors

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refetch:
    """From which day on a source asks its vendor again, though the archive holds the day."""

    usage: date | None = None
    cost: date | None = None
    reach_back: bool = False
    """Also where that day lies before the run's own days, in a closed month, which is locked."""

    @classmethod
    def nothing(cls) -> Refetch:
        """Ask only for days that the archive does not hold."""
        return cls()

    @classmethod
    def since(cls, day: date) -> Refetch:
        """Ask again for every day from this one on."""
        return cls(day, day)

    @property
    def first(self) -> date | None:
        """The first day that anything is asked again for; None if nothing is."""
        return min((day for day in (self.usage, self.cost) if day is not None), default=None)

    @classmethod
    def lookback(cls, settings: Settings, today: date | None = None) -> Refetch:
        """Ask again for the trailing days that vendors restate."""
        today = today or settings.today
        return cls(
            today - timedelta(days=settings.lookback_usage_days),
            today - timedelta(days=settings.lookback_cost_days),
            reach_back=True,
        )

    def config(self, tags: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        """The run configuration of assets, given their tags by name; sources alone need any."""
        ops = {}
        for name, of_asset in tags.items():
            day = {"usage": self.usage, "cost": self.cost}.get(of_asset.get(LOOKBACK_TAG, ""))
            if day is not None:
                asked = {"refetch_since": day.isoformat(), "reach_back": self.reach_back}
                ops[name] = {"config": asked}
        return {"ops": ops}


def dagster_yaml() -> Path:
    """The instance configuration: the checkout's, or the copy that the wheel carries."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_dagster.yaml"
    return packaged if packaged.is_file() else package.parent / "dagster.yaml"


def dagster_home(settings: Settings) -> Path:
    """The folder of Dagster's storage: DAGSTER_HOME, else one in the state folder. Made ready.

    The folder in the state folder is ours: its `dagster.yaml` follows the installed version. In a
    DAGSTER_HOME of the person's own the file is written once and never touched again.
    """
    own = settings.vendor_value("DAGSTER_HOME")
    home = Path(own or settings.home / "dagster").absolute()
    target, current = home / "dagster.yaml", dagster_yaml().read_bytes()
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not target.exists() or (own is None and target.read_bytes() != current):
            target.write_bytes(current)
    except OSError as error:
        raise AiUsageError(
            f"{home}: cannot keep Dagster's state there: {error.strerror}; set AI_USAGE_HOME to a "
            "folder that can be written."
        ) from error
    os.environ["DAGSTER_HOME"] = str(home)
    batch_events()
    return home


_LEAST_ROOM = 1_000_000
"""Bytes of room below which SQLite finds its disk full, in various words."""


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance: its runs, events and the state of alerts.

    Raises `AiUsageError` where its storage cannot be opened, like a Postgres that is down, and
    where it cannot be written meanwhile, like a disk that is full.
    """
    home = dagster_home(settings)
    try:
        instance = dg.DagsterInstance.get()
    except Exception as error:
        # Dagster and the database's driver have a dozen kinds of error for it.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        _explain_full_disk(home, error)
        said = mask_text(str(cause).strip().partition("\n")[0]) or type(cause).__name__
        raise AiUsageError(
            f"Dagster's storage cannot be opened: {said}. See what {home / 'dagster.yaml'} says "
            "of it, and the variables that it names."
        ) from error
    try:
        with instance:
            yield instance
    except OperationalError as error:
        _explain_full_disk(home, error)
        raise AiUsageError(
            f"Dagster's storage failed: {mask_text(str(error.orig).partition(chr(10))[0])}. Fix "
            f"what {home / 'dagster.yaml'} says of it, and run the same command again."
        ) from error


def _explain_full_disk(home: Path, error: Exception) -> None:
    """Raise `AiUsageError` if there is no room for Dagster's state."""
    if shutil.disk_usage(home).free < _LEAST_ROOM:
        raise AiUsageError(
            f"{home}: the disk is full: make room, and run the same command again. Archive and "
            "warehouse are whole."
        ) from error


def run_assets(
    defs: dg.Definitions,
    settings: Settings,
    selection: str,
    window: Window,
    *,
    refetch: Refetch = Refetch(),
    leave_closed: bool = False,
    rebuilt: Collection[date] = (),
    spare: bool = False,
    command: str = "run",
    progress: Progress = lambda step: None,
) -> RunResult:
    """Materialise the selected assets for a range of days, checks included.

    Inputs are a run of their own, as the schedules have it: one that fails leaves its last good
    state to what is built after it (`stages`). `selection` is Dagster's asset selection syntax (`*`
    for all). With `leave_closed` the days of closed months keep their rows, but for the months
    `rebuilt`, by their first days: those are built as they were reported. With `spare` as well only
    the days are built for which anything has moved (`selection`), and nothing where nothing has.
    The runs are named after the `command`. Raises `AiUsageError` if the selection is unreadable or
    selects nothing.

    Without `spare` a build of all that was killed or stopped goes on where it was (`going_on`):
    vendors are not asked again before.
    """
    keys = selected(defs, selection)
    given = Resources.named(defs.resources or {})
    note_empty_warehouse(given)
    tags = {**_tags_of(window), COMMAND: str(uuid.uuid4())}
    tags |= rebuilds(rebuilt) if leave_closed else {}
    with dagster_instance(settings) as instance, listening(progress):
        end_dead_commands(settings, defs, instance)
        own = _Command(
            defs=defs,
            job=command_job(defs, command),
            settings=settings,
            given=given,
            instance=instance,
            window=window,
            refetch=refetch,
            tags=tags,
            asked=f"{command} {window} {leave_closed} {sorted(rebuilt)} {refetch}",
            leave_closed=leave_closed,
            goes_on=not spare,
            may_spare=spare and leave_closed and not rebuilt,
            progress=progress,
        )
        own.build(keys)
        _prune(settings, instance)
    return joined(own.done, [key.path[-1] for key in keys])


@dataclass
class _Command:
    """A command's builds of assets for a range of days, and what it has done so far.

    It `goes_on` where the same one was stopped, or it `may_spare` what stands.
    """

    defs: dg.Definitions
    job: dg.JobDefinition
    settings: Settings
    given: Resources
    instance: dg.DagsterInstance
    window: Window
    refetch: Refetch
    tags: Mapping[str, str]
    asked: str
    leave_closed: bool
    goes_on: bool
    may_spare: bool
    progress: Progress
    done: list[RunResult] = field(default_factory=list)

    def build(self, keys: Sequence[dg.AssetKey]) -> None:
        """Build the assets: inputs in a run of their own, and then what is made of them."""
        graph = self.defs.resolve_asset_graph()
        whole = {key for key in graph.executable_asset_keys if not is_input(key)}
        is_whole = bool(whole) and whole <= set(keys)
        ahead = stages(keys)
        left = self._left(keys) if self.goes_on and is_whole else None
        if left is not None:
            ahead = [left.left_of(ahead[-1])]
            self.progress(Step("warehouse", "resuming", left.told(ahead[-1].keys)))
        for stage in ahead:
            own = {**self.tags, **({} if stage is ahead[-1] else {GOES_ON: "true"})}
            if WRITES.items() <= stage.tags.items() and self.settings.warehouse == "bigquery":
                # A DuckDB file is held by one process at a time anyway.
                wait_for_turn(
                    self.instance, lambda note: self.progress(Step("warehouse", "waiting", note))
                )
            if is_whole and stage is ahead[-1]:
                self._build_warehouse(stage, own, left)
                if left is not None:
                    self.done[-1] = left.joined(self.done[-1], set(keys) - set(stage.keys))
            elif self.may_spare and stage.name == "inputs":
                self._run(stage, own, newest_day(self.window))
            else:
                self._run(stage, own, self.window)
            if self.done[-1].interrupted:
                break

    def _left(self, keys: Sequence[dg.AssetKey]) -> Stopped | None:
        """What the same command has finished that was stopped; its files are read again."""
        left = stopped(self.instance, self.defs.resolve_asset_graph(), self.asked, self._looked)
        if left is None:
            return None
        windows = open_windows(self.given, self.window, self.leave_closed)
        if not left.is_held(self.given.warehouse, windows):
            return None
        listed = set(map(reference_key, reference_files()))
        if files := [key for key in keys if key in listed]:
            self._run(Stage("inputs", files), {**self.tags, GOES_ON: "true"}, self.window)
        if all(result.success for result in self.done) and is_unmoved(self._looked(), left.state):
            return left
        self.done.clear()
        return None

    def _build_warehouse(self, stage: Stage, tags: Mapping[str, str], left: Stopped | None) -> None:
        """Build all that is made of the inputs, or what of it does not stand; and remember it."""
        before = self._looked()
        written = self.window
        if self.may_spare:
            found = select(
                self.instance, self.settings, self._vendors, self.given, self.window, before
            )
            if found.written is None:
                self._keep_up(tags, found)
                return
            written, beside = found.written, found.beside
            if (told := found.told(self.window)) is not None:
                self.progress(Step("warehouse", "standing", told))
        else:
            if self.goes_on and all(result.success for result in self.done):
                note_began(self.instance, began(self.tags[COMMAND], self.asked, before.state, left))
            beside = of_whole(self.settings, self._vendors, self.given, self.window)
        self._run(stage, tags, written)
        failing = tuple(still_failing(beside.failing))
        self.done[-1] = replace(self.done[-1], still_failing=failing)
        if self.done[-1].success:
            ended = self._looked()
            take_in_reference(self.given, self.window, leaves_closed=self.leave_closed)
            runs = [*(left.runs if left is not None else ()), self.done[-1].run_id]
            windows = open_windows(self.given, written, self.leave_closed)
            built = Built(before.state, ended.state, self._looked().version)
            remember(self.instance, self.given.warehouse, runs, windows, built, beside)

    def _keep_up(self, tags: Mapping[str, str], found: Selection) -> None:
        """Do what is due though all stands."""
        start = max(self.refetch.first or self.window.start, self.window.start)
        self.done.append(
            keep_up(
                self.defs,
                self.job,
                self.settings,
                self.instance,
                Window(start, self.window.end),
                tags,
                str(found.since),
                partial(_report, progress=self.progress),
            )
        )

    def _looked(self) -> Looked:
        return look(self.settings, self._vendors, self.given)

    @cached_property
    def _vendors(self) -> Sequence[Vendor]:
        return discovered_vendors()

    def _run(self, stage: Stage, tags: Mapping[str, str], written: Window) -> None:
        """Build a stage in a run of its own, in this process, and tell of it.

        `written` are the partitions that the run writes.
        """
        graph = self.defs.resolve_asset_graph()
        of_assets = {key.path[-1]: graph.get(key).tags for key in stage.keys}
        run_id = str(uuid.uuid4())
        if written != self.window:
            tags = {**tags, **tags_of_part(self.window, written)}
        self.instance.add_event_listener(run_id, lambda entry: _report(entry, self.progress))
        result = self.job.execute_in_process(
            run_id=run_id,
            instance=self.instance,
            asset_selection=list(stage.keys),
            raise_on_error=False,
            run_config={**self.refetch.config(of_assets), **QUIET},
            tags={**tags, **stage.tags, STAGE: stage.name},
        )
        alert_on_run(self.settings, self.defs, self.instance, run_id)
        self.done.append(outcome(self.defs, result, written))


def _prune(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Keep Dagster's storage within its bound: without a daemon nobody else does.

    Never fails the command: what cannot be removed now is removed by the next one.
    """
    try:
        prune_if_due(instance, settings.event_days, datetime.now(UTC))
    except Exception as error:
        _log.warning("old events: %s: %s", type(error).__name__, mask_text(str(error))[:200])


def run_blocking_checks(
    defs: dg.Definitions, settings: Settings, window: Window
) -> tuple[CheckResult, ...]:
    """Evaluate every blocking check over the days as the warehouse has them; nothing is built.

    Raises `AiUsageError` where one cannot be evaluated.
    """
    graph = defs.resolve_asset_graph()
    blocking = {key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    job = command_job(defs, "close").get_subset(
        asset_selection=set(), asset_check_selection=blocking
    )
    run_id = str(uuid.uuid4())
    with dagster_instance(settings) as instance:
        end_dead_commands(settings, defs, instance)
        result = job.execute_in_process(
            run_id=run_id,
            instance=instance,
            raise_on_error=False,
            run_config=QUIET,
            tags=_tags_of(window),
        )
        alert_on_run(settings, defs, instance, run_id)
    failed = [event for event in result.all_events if event.is_step_failure]
    if any(map(interrupted, failed)):
        raise AiUsageError("stopped while the checks ran; nothing was changed.")
    for error in map(step_error, failed):
        if error is not None:
            raise AiUsageError(error.line)
    return check_results(defs, result, window)


def _tags_of(window: Window) -> dict[str, str]:
    return {**range_tags(window), STARTED_BY: "cli", **this_process()}


_SELECTIONS = "Examples: raw_ai_events, group:views, *fact_ai_costs (with all that it needs)."


def selected(defs: dg.Definitions, selection: str) -> list[dg.AssetKey]:
    """The asset keys that a selection names. Raises `AiUsageError` where there are none."""
    graph = defs.resolve_asset_graph()
    try:
        chosen = dg.AssetSelection.from_string(selection)
        keys = sorted(chosen.resolve(graph) & graph.executable_asset_keys)
    except dg.DagsterInvalidSubsetError:
        keys = []
    except dg.DagsterError as error:
        line = str(error).strip().splitlines()[0].rstrip(".")
        raise ArgumentError(f"--select {selection!r}: {line}. {_SELECTIONS}") from error
    if not keys:
        names = [key.path[-1] for key in graph.executable_asset_keys]
        close = difflib.get_close_matches(selection.strip("+*"), names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ArgumentError(f"--select {selection!r} names no asset: {hint}{_SELECTIONS}")
    return keys


def plan_size(defs: dg.Definitions, selection: str) -> int:
    """How many steps a run of the selection has: its assets and their checks."""
    keys = set(selected(defs, selection))
    steps = {
        check.node_def.name
        for check in defs.asset_checks or ()
        if any(key.asset_key in keys for key in check.check_keys)
    }
    return len(keys) + len(steps)


def _report(entry: dg.EventLogEntry, progress: Progress) -> None:
    event = entry.dagster_event
    if event is None or event.step_key is None:
        return
    states = {
        dg.DagsterEventType.STEP_START: "started",
        dg.DagsterEventType.STEP_SUCCESS: "done",
        dg.DagsterEventType.STEP_FAILURE: "failed",
        dg.DagsterEventType.STEP_SKIPPED: "skipped",
    }
    state = states.get(event.event_type)
    if state is not None:
        progress(Step(event.step_key, state))
