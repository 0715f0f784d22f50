"""Runs of the graph started by a person: in this process, with progress, errors as lines.

Dagster's UI and daemon do not come through here; they run the same definitions.
"""

from __future__ import annotations

import difflib
import logging
import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
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
from ai_usage.orchestration.stages import COMMAND, GOES_ON, STAGE, Stage, is_input, stages
from ai_usage.orchestration.standing import keep_up
from ai_usage.orchestration.unchanged import Looked, look, open_windows, remember, unchanged_since
from ai_usage.reference import reference_files
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import discovered_vendors

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
    `rebuilt`, by their first days: those are built as they were reported. With `spare` as well the
    warehouse is not built where it was built from all that is known after the inputs (`unchanged`).
    The runs are named after the `command`. Raises `AiUsageError` if the selection is unreadable or
    selects nothing.

    Without `spare` a build of all that was killed or stopped goes on where it was (`going_on`):
    vendors are not asked again before.
    """
    keys = selected(defs, selection)
    job = command_job(defs, command)
    given = Resources.named(defs.resources or {})
    may_spare = spare and leave_closed and not rebuilt
    note_empty_warehouse(given)
    done: list[RunResult] = []
    tags = {**_tags_of(window), COMMAND: str(uuid.uuid4())}
    tags |= rebuilds(rebuilt) if leave_closed else {}
    ahead = stages(keys)
    whole = {key for key in defs.resolve_asset_graph().executable_asset_keys if not is_input(key)}
    before: Looked | None = None
    left: Stopped | None = None
    asked_for = f"{command} {window} {leave_closed} {sorted(rebuilt)} {refetch}"

    def looked() -> Looked:
        return look(settings, discovered_vendors(), given)

    def build(stage: Stage, own: Mapping[str, str], written: Window = window) -> RunResult:
        return _build(
            defs, job, settings, instance, stage, written, refetch, own, progress=progress
        )

    with dagster_instance(settings) as instance, listening(progress):
        end_dead_commands(settings, defs, instance)
        if not spare and whole and whole <= set(keys):
            left = stopped(instance, defs.resolve_asset_graph(), asked_for, looked)
        if left is not None:
            listed = set(map(reference_key, reference_files()))
            if files := [key for key in keys if key in listed]:
                done.append(build(Stage("inputs", files), {**tags, GOES_ON: "true"}))
            if all(result.success for result in done) and is_unmoved(looked(), left.state):
                ahead = [left.left_of(ahead[-1])]
                progress(Step("warehouse", "resuming", left.told(ahead[-1].keys)))
            else:
                left = None
                done.clear()
        for stage in ahead:
            if WRITES.items() <= stage.tags.items() and settings.warehouse == "bigquery":
                # A DuckDB file is held by one process at a time anyway.
                wait_for_turn(instance, lambda note: progress(Step("warehouse", "waiting", note)))
            own = {**tags, **({} if stage is ahead[-1] else {GOES_ON: "true"})}
            written = window
            if may_spare and stage.name == "inputs":
                written = newest_day(window)
                own |= tags_of_part(window, written)
            if left is not None or (whole and whole <= set(stage.keys)):
                before = looked()
                if may_spare and (
                    since := unchanged_since(instance, settings, given, window, before)
                ):
                    asked = Window(max(refetch.first or window.start, window.start), window.end)
                    listen = partial(_report, progress=progress)
                    done.append(keep_up(defs, job, settings, instance, asked, own, since, listen))
                    break
                if not spare and all(result.success for result in done):
                    note_began(instance, began(tags[COMMAND], asked_for, before.state, left))
            done.append(build(stage, own, written))
            if done[-1].interrupted:
                break
        if left is not None:
            done[-1] = left.joined(done[-1], set(keys) - set(ahead[-1].keys))
        _prune(settings, instance)
        if before is not None and done[-1].success and done[-1].since is None:
            take_in_reference(given, window, leaves_closed=leave_closed)
            windows = open_windows(given, window, leave_closed)
            runs = [*(left.runs if left is not None else ()), done[-1].run_id]
            remember(instance, runs, windows, before.state, looked().state)
    return joined(done, [key.path[-1] for key in keys])


def _build(
    defs: dg.Definitions,
    job: dg.JobDefinition,
    settings: Settings,
    instance: dg.DagsterInstance,
    stage: Stage,
    written: Window,
    refetch: Refetch,
    tags: Mapping[str, str],
    *,
    progress: Progress,
) -> RunResult:
    """Build a stage in a run of its own, in this process, and tell of it.

    `written` are the partitions that the run writes.
    """
    graph = defs.resolve_asset_graph()
    of_assets = {key.path[-1]: graph.get(key).tags for key in stage.keys}
    run_id = str(uuid.uuid4())
    instance.add_event_listener(run_id, lambda entry: _report(entry, progress))
    result = job.execute_in_process(
        run_id=run_id,
        instance=instance,
        asset_selection=list(stage.keys),
        raise_on_error=False,
        run_config={**refetch.config(of_assets), **QUIET},
        tags={**tags, **stage.tags, STAGE: stage.name},
    )
    alert_on_run(settings, defs, instance, run_id)
    return outcome(defs, result, written)


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
