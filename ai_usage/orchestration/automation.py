"""Jobs, schedules and the sensors that chain them: when what runs. What runs is the assets'.

Every vendor is fetched by a job of its own, so that one vendor's outage holds back no other; the
transformation starts when all of a tick's fetches have ended, well or badly. That is decided by
looking at the runs of the tick, not by events of single runs: a run that was cancelled or could
not be launched ends without the event that a status sensor would wait for, and one that was never
launched must not be waited for at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES
from ai_usage.errors import AiUsageError
from ai_usage.instance.dagster_private import BACKFILL_ID_TAG
from ai_usage.instance.dead_runs import fail_orphaned_runs
from ai_usage.instance.one_writer import WRITES
from ai_usage.instance.partitions import (
    lookback_window,
    newest_day,
    range_tags,
    tags_of_part,
    window_of_run,
    written_by_run,
)
from ai_usage.instance.pruning import prune_if_due
from ai_usage.ledger.adopted import Change, deferred_changes, pending_changes, widened
from ai_usage.ledger.bills import pending_bills
from ai_usage.ledger.deferred import deferred_in_open_months
from ai_usage.orchestration.adopting import note_empty_warehouse, outdated, take_in_reference
from ai_usage.orchestration.open_days import LEAVE_CLOSED, leaves_closed
from ai_usage.orchestration.resources import ArchiveResource, ClockResource, Resources
from ai_usage.orchestration.runs import Refetch
from ai_usage.orchestration.selection import select
from ai_usage.orchestration.stages import COMMAND, GOES_ON, is_input
from ai_usage.orchestration.standing import UNCHANGED_SINCE, due, say_unchanged
from ai_usage.orchestration.unchanged import (
    Built,
    asked_from,
    look,
    note_asked,
    open_windows,
    remember,
)
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.reference import VENDOR, reference_files
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor

TRANSFORM = "transform"
REFERENCE = "ingest_reference"

TICK_TAG = "ai_usage/tick"
"""When the schedules fired that a run belongs to, ISO; equal for all jobs of the tick."""
SCHEDULE_TAG = "ai_usage/schedule"
"""Which schedule a run belongs to: hourly or nightly."""
TICKS_TAG = "ai_usage/transforms"
"""The ticks that a transformation is for: several where they piled up."""
FLOW_TAG = "ai_usage/flows_from"
"""The run whose re-materialised days a run carries downstream."""

HOURLY, NIGHTLY = "hourly", "nightly"
CRONS = {HOURLY: "0 * * * *", NIGHTLY: "30 3 * * *"}
"""UTC. The nightly run lies between two hourly ones."""

LAUNCHED_WITHIN = timedelta(minutes=10)
"""How long a tick's runs are awaited; a schedule that a person has stopped launches none."""
LOOK_BACK_FOR_TICKS = timedelta(days=2)
SENSOR_SECONDS = 30


@dataclass(frozen=True)
class Automation:
    """What `Definitions` takes of this module."""

    jobs: Sequence[Any]
    schedules: Sequence[dg.ScheduleDefinition]
    sensors: Sequence[dg.SensorDefinition]


def automation(
    settings: Settings, vendors: Sequence[Vendor], assets: Sequence[dg.AssetsDefinition]
) -> Automation:
    """The jobs over the assets, and what starts them."""
    specs = {spec.key: spec for asset in assets for spec in asset.specs}
    of_vendor = {
        vendor.name: [key for key, spec in specs.items() if spec.tags.get("vendor") == vendor.name]
        for vendor in vendors
    }
    transformed = [key for key in specs if not is_input(key)]
    fetched = {key for keys in of_vendor.values() for key in keys}
    clients = [*(name for v in vendors for name in v.clients), *(d.name for d in DIRECTORIES)]
    maintained = [key for key in specs if key not in fetched and key not in transformed]

    ingests = [
        Ingest(
            _job(
                f"ingest_{vendor.name}",
                of_vendor[vendor.name],
                f"Fetches {vendor.title} into the archive.",
            ),
            [specs[key] for key in of_vendor[vendor.name]],
            vendor,
        )
        for vendor in vendors
        if of_vendor[vendor.name]
    ]
    if maintained:
        job = _job(
            REFERENCE, maintained, "Reads directories, bills, and the files a person maintains."
        )
        watches = settings.focus_path is not None
        ingests.append(Ingest(job, [specs[key] for key in maintained], watches=watches))
    transform = _job(
        TRANSFORM,
        transformed,
        "Raw events, dimensions, facts, views, and all their checks.",
        WRITES,
    )
    return Automation(
        jobs=[*(ingest.job for ingest in ingests), transform],
        schedules=[
            _schedule(settings, clients, ingest, name) for ingest in ingests for name in CRONS
        ],
        sensors=[
            _transform_after_ingest(settings, vendors, clients, ingests, transform),
            _propagate_backfills(assets, transform, ingests, transformed),
            _rebuild_adopted_reference(settings, vendors, transform),
            _fail_orphaned_runs(),
            _prune_events(settings),
        ],
    )


def fresh_within(
    settings: Settings, assets: Iterable[dg.AssetsDefinition]
) -> list[dg.AssetsDefinition]:
    """The assets, all with the one freshness policy: built again within the hours of the promise.

    Only a heartbeat: Dagster counts any partition. How old the data in a view are is measured by
    the check `freshness`.
    """
    policy = dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=settings.freshness_hours),
        warn_window=timedelta(hours=settings.freshness_hours * 0.75),
    )
    mapped = dg.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy), assets)
    return [asset for asset in mapped if isinstance(asset, dg.AssetsDefinition)]


@dataclass(frozen=True)
class Ingest:
    """A job that fetches, its assets, and the vendor that it asks; None for what is no vendor's."""

    job: Any
    specs: Sequence[dg.AssetSpec]
    vendor: Vendor | None = None
    watches: bool = False
    """Whether a folder is watched for what may come."""

    def idle(self, given: Resources, folder: Path, clients: Sequence[str]) -> str | None:
        """Why there is nothing to fetch; None if there is.

        `folder` holds the files that people maintain, `clients` names whoever can be asked.
        """
        if self.vendor is not None:
            names = self.vendor.clients
            if any(given.configured(name) for name in names[1:]):
                return None
            return given.client(names[0]).why_not()
        if self.watches or any((folder / file.name).is_file() for file in reference_files()):
            return None
        if any(given.configured(name) for name in clients):
            return None
        return "Nothing is configured: `ai-usage doctor` says what is missing."

    def asked(self, clients: Sequence[str]) -> Sequence[str]:
        """The clients of whoever it asks, of these."""
        return clients if self.vendor is None else self.vendor.clients

    def config(self, refetch: Refetch) -> dict[str, Any]:
        """The run configuration that asks again for the days of the look-back."""
        return refetch.config({spec.key.path[-1]: spec.tags for spec in self.specs})


def _job(
    name: str,
    keys: Sequence[dg.AssetKey],
    description: str,
    run_tags: Mapping[str, str] | None = None,
) -> Any:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*keys),
        description=description,
        run_tags=run_tags,
    )


def tick_window(settings: Settings, today: date, schedule: str) -> tuple[Window, Refetch]:
    """The days that a schedule covers, and from when on their sources ask again."""
    if schedule == HOURLY:
        return lookback_window(settings, today), Refetch.lookback(settings, today)
    nightly = today - timedelta(days=settings.nightly_lookback_days)
    first = max(min(nightly, lookback_window(settings, today).start), settings.first_day)
    return Window(first, today + timedelta(days=1)), Refetch.since(first)


def _schedule(
    settings: Settings, clients: Sequence[str], ingest: Ingest, name: str
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{ingest.job.name}_{name}",
        job=ingest.job,
        cron_schedule=CRONS[name],
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        required_resource_keys={"clock", *ingest.asked(clients)},
        description="Today and the look-back, asked again."
        if name == HOURLY
        else f"The last {settings.nightly_lookback_days} days, asked again.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        given = Resources(context.resources)
        idle = ingest.idle(given, settings.reference_path, clients)
        if idle is not None:
            return dg.SkipReason(idle)
        waiting = context.instance.get_runs_count(
            dg.RunsFilter(
                job_name=ingest.job.name,
                tags={SCHEDULE_TAG: name},
                statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED],
            )
        )
        if waiting:
            # A long backfill holds the queue: one waiting run does what two would.
            return dg.SkipReason("The run of an earlier tick still waits in the queue.")
        tick = context.scheduled_execution_time.astimezone(UTC).isoformat(timespec="seconds")
        window, refetch = tick_window(settings, given.clock.today, name)
        return dg.RunRequest(
            run_key=f"{name}:{tick}",
            run_config=ingest.config(refetch),
            tags={
                **tags_of_part(window, newest_day(window)),
                TICK_TAG: tick,
                SCHEDULE_TAG: name,
            },
        )

    return schedule


def _transform_after_ingest(
    settings: Settings,
    vendors: Sequence[Vendor],
    clients: Sequence[str],
    ingests: Sequence[Ingest],
    transform: Any,
) -> dg.SensorDefinition:
    @dg.sensor(
        name="transform_after_ingest",
        job=transform,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"archive", "clock", "warehouse", *clients},
        description="Starts the transformation of a tick when all its fetches have ended.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        given = Resources(context.resources)
        folder = settings.reference_path
        expected = {i.job.name for i in ingests if i.idle(given, folder, clients) is None}
        # Dagster stamps ticks and runs with the real time, whatever day is pretended.
        now = given.clock.real_now
        ticks = _ticks(context.instance, now)
        done = [tick for tick in ticks if tick.ended(expected, now) and not tick.transformed]
        if not done:
            running = [tick.at for tick in ticks if not tick.transformed]
            return dg.SkipReason(
                f"The fetches of {running[-1]} have not all ended." if running else "No new tick."
            )
        # Ticks that piled up while the daemon was down are one transformation.
        newest = done[-1]
        window = Window(
            min(tick.window.start for tick in done), max(tick.window.end for tick in done)
        )
        archive, clock = given.archive, given.clock
        try:
            changes = pending_changes(archive, folder, clock)
            deferred_files = deferred_changes(archive, folder, clock)
            bills = pending_bills(archive, settings.first_day)
            note_empty_warehouse(given)
            older = outdated(given, settings.first_day)
        except AiUsageError as error:
            context.log.warning(f"What else must be rebuilt is not known: {error}")
            changes, deferred_files, bills, older = [], [], [], None
        if older is not None:
            reasons = "; ".join(older.reasons)
            context.log.info(f"Days {older.days} are rebuilt, the rules have changed: {reasons}.")
        for bill in bills:
            context.log.info(f"{bill}: days from {bill.day} on are rebuilt.")
        asked: list[Change] = [*changes, *bills, *([older] if older else [])]
        try:
            deferred = deferred_in_open_months(settings, archive, given.warehouse)
        except AiUsageError as error:
            # A run may hold the warehouse just now; the next tick asks again.
            context.log.warning(f"What open months before closed ones lack is not known: {error}")
            deferred = None
        if deferred is not None:
            context.log.info(f"{deferred}: days from {deferred.day} on are rebuilt.")
            window = Window(min(window.start, deferred.day), window.end)
        for change in changes:
            context.log.info(f"{change.file.name} has changed: days from {change.day} are rebuilt.")
        for change in deferred_files:
            context.log.warning(
                f"{change.file.name} has changed from {change.day} on: closed months stay as they "
                "are; `ai-usage run --closed` takes it in."
            )
        names = ",".join(tick.name for tick in done)
        tags = {
            **LEAVE_CLOSED,
            TICK_TAG: newest.at,
            SCHEDULE_TAG: newest.schedule,
            TICKS_TAG: names,
        }
        wide = widened(window, asked, archive, settings.first_day)
        now_known = look(settings, vendors, given)
        found = select(context.instance, settings, vendors, given, wide, now_known)
        graph = context.repository_def
        if found.written is not None or not isinstance(graph, dg.RepositoryDefinition):
            written = found.written or wide
            note_asked(context.instance, names, now_known.state, found.beside)
            if (told := found.told(wide)) is not None:
                context.log.info(f"{told}.")
            part = tags_of_part(wide, written) if written != wide else range_tags(wide)
            return dg.RunRequest(run_key=newest.name, tags={**part, **tags})
        since = str(found.since)
        context.log.info(f"Nothing has changed since run {since}: what is built stands.")
        own = due(graph.asset_graph)
        return dg.RunRequest(
            run_key=newest.name,
            tags={**range_tags(window), **tags, UNCHANGED_SINCE: since},
            asset_selection=sorted(own.assets),
            asset_check_keys=sorted(own.checks),
        )

    return sensor


@dataclass(frozen=True)
class Tick:
    """The runs that one tick of the schedules started."""

    at: str
    schedule: str
    window: Window
    fetches: Sequence[dg.DagsterRun]
    transformed: bool

    @property
    def name(self) -> str:
        """What no other tick is called."""
        return f"{self.schedule}:{self.at}"

    def ended(self, expected: set[str], now: datetime) -> bool:
        """Whether nothing of the tick is still to come."""
        launched = {run.job_name for run in self.fetches}
        late = now - datetime.fromisoformat(self.at) > LAUNCHED_WITHIN
        return all(run.is_finished for run in self.fetches) and (late or expected <= launched)


def _ticks(instance: dg.DagsterInstance, now: datetime) -> list[Tick]:
    """The ticks of the last days, oldest first.

    A slow nightly tick may end after an hourly one that began later: each tick is looked up by its
    own name, not by its place in the order.
    """
    runs = instance.get_runs(
        dg.RunsFilter(
            tags={SCHEDULE_TAG: [HOURLY, NIGHTLY]}, created_after=now - LOOK_BACK_FOR_TICKS
        )
    )
    done = {name for run in runs for name in run.tags.get(TICKS_TAG, "").split(",")}
    grouped: dict[tuple[str, str], list[dg.DagsterRun]] = {}
    for run in runs:
        if run.job_name != TRANSFORM and TICK_TAG in run.tags:
            grouped.setdefault((run.tags[TICK_TAG], run.tags[SCHEDULE_TAG]), []).append(run)
    found = []
    for (at, schedule), fetches in sorted(grouped.items()):
        windows = [window for run in fetches if (window := window_of_run(run.tags))]
        if windows:
            whole = Window(min(w.start for w in windows), max(w.end for w in windows))
            found.append(Tick(at, schedule, whole, fetches, f"{schedule}:{at}" in done))
    return found


def _propagate_backfills(
    assets: Sequence[dg.AssetsDefinition],
    transform: Any,
    ingests: Sequence[Ingest],
    transformed: Sequence[dg.AssetKey],
) -> dg.SensorDefinition:
    readers: dict[dg.AssetKey, set[dg.AssetKey]] = {}
    for asset in assets:
        for spec in asset.specs:
            for dep in spec.deps:
                readers.setdefault(dep.asset_key, set()).add(spec.key)
    of_job = {ingest.job.name: {spec.key for spec in ingest.specs} for ingest in ingests}
    of_job[TRANSFORM] = set(transformed)

    @dg.run_status_sensor(
        name="old_days_flow_downstream",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitor_all_code_locations=True,
        request_job=transform,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Days that somebody materialised again, in the UI or by a command, are rebuilt "
        "in all that reads them, in one run over the same days.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if TICK_TAG in run.tags or FLOW_TAG in run.tags:
            return dg.SkipReason("A scheduled run: its tick's transformation follows by itself.")
        if UNCHANGED_SINCE in run.tags:
            return dg.SkipReason("It found nothing to build, and wrote when vendors were asked.")
        if GOES_ON in run.tags:
            return dg.SkipReason("Its command goes on, and its last run says what it left out.")
        built = set(run.asset_selection or of_job.get(run.job_name, set()))
        built |= _built_before(context.instance, run)
        window = window_of_run(run.tags)
        if window is None or not built & readers.keys():
            return dg.SkipReason("Nothing reads what the run built.")
        stale = (_downstream(readers, built) & set(transformed)) - built
        stale -= _still_to_come(context.instance, run.tags.get(BACKFILL_ID_TAG))
        if not stale:
            return dg.SkipReason("The run rebuilt all that reads it, or its backfill will.")
        return dg.RunRequest(
            run_key=f"flow:{run.run_id}",
            asset_selection=sorted(stale),
            # What follows a run that left closed months as they are leaves them, too.
            tags={
                **range_tags(window),
                **(LEAVE_CLOSED if leaves_closed(run.tags) else {}),
                FLOW_TAG: run.run_id,
            },
        )

    return sensor


def _built_before(instance: dg.DagsterInstance, last: dg.DagsterRun) -> set[dg.AssetKey]:
    """What the earlier stages of a command's last run were to build."""
    if COMMAND not in last.tags:
        return set()
    own = instance.get_runs(dg.RunsFilter(tags={COMMAND: last.tags[COMMAND]}))
    return {key for run in own for key in run.asset_selection or ()}


def _downstream(
    readers: dict[dg.AssetKey, set[dg.AssetKey]], of: Iterable[dg.AssetKey]
) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    ahead = list(of)
    while ahead:
        new = readers.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


def _still_to_come(instance: dg.DagsterInstance, backfill_id: str | None) -> set[dg.AssetKey]:
    """The assets that a backfill builds itself, run after run."""
    backfill = instance.get_backfill(backfill_id) if backfill_id else None
    return set(backfill.asset_selection or ()) if backfill else set()


def _rebuild_adopted_reference(
    settings: Settings, vendors: Sequence[Vendor], transform: Any
) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name="reference_taken_in",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[transform],
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Remembers which states of the reference files are in the facts, so that a "
        "change rebuilds the days it affects, once.",
    )
    def sensor(
        context: dg.RunStatusSensorContext,
        archive: dg.ResourceParam[ArchiveResource],
        clock: dg.ResourceParam[ClockResource],
        warehouse: dg.ResourceParam[WarehouseResource],
    ) -> dg.SkipReason:
        run = context.dagster_run
        given = Resources.named({"archive": archive, "clock": clock, "warehouse": warehouse})
        window = window_of_run(run.tags)
        since = run.tags.get(UNCHANGED_SINCE)
        if window is not None and since is not None:
            graph = context.repository_def
            if isinstance(graph, dg.RepositoryDefinition):
                say_unchanged(
                    context.instance,
                    graph.asset_graph,
                    settings,
                    given,
                    window,
                    run_id=run.run_id,
                    since=since,
                )
            return dg.SkipReason(f"Nothing has changed since run {since}.")
        if window is None or run.asset_selection is not None:
            return dg.SkipReason("Only a part was transformed.")
        record = context.instance.get_run_record_by_id(run.run_id)
        started = record.start_time if record else None
        if started is None or accepted_since(given.archive, datetime.fromtimestamp(started, UTC)):
            return dg.SkipReason("A file changed meanwhile: the next transformation takes it in.")
        ended = look(settings, vendors, given).state
        take_in_reference(given, window, leaves_closed=leaves_closed(run.tags))
        asked = asked_from(context.instance, run.tags.get(TICKS_TAG, ""))
        written = written_by_run(run.tags)
        if asked is not None and written is not None:
            before, beside = asked
            windows = open_windows(given, written, leaves_closed(run.tags))
            built = Built(before, ended, look(settings, vendors, given).version)
            remember(context.instance, given.warehouse, [run.run_id], windows, built, beside)
        return dg.SkipReason(f"Reference files are in the facts of {window}.")

    return sensor


def _fail_orphaned_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_runs_end",
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends the runs of commands whose process was killed, so that the queue goes on "
        "and somebody is told.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = fail_orphaned_runs(context.instance)
        return dg.SkipReason(f"Ended {', '.join(ended)}." if ended else "No run is dead.")

    return sensor


def _prune_events(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="old_events_go",
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Once a day removes events and runs older than {settings.event_days} days "
        "(AI_USAGE_EVENT_DAYS), but the newest materialisation and check results of every day.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        pruned = prune_if_due(context.instance, settings.event_days, datetime.now(UTC))
        return dg.SkipReason("Done today." if pruned is None else f"Removed {pruned}.")

    return sensor


def accepted_since(archive: Archive, started: datetime) -> bool:
    """Whether a reference file was accepted in another state after that instant.

    The sensor comes some time after its run: a state that the run cannot have read must not be
    taken for one that is in the facts.
    """
    for file in reference_files():
        fetches = [fetch for fetch in archive.fetches(VENDOR, file.stem) if fetch.complete]
        before = [fetch for fetch in fetches if fetch.fetched_at <= started]
        if not fetches or fetches[-1].fetched_at <= started:
            continue
        if not before:
            return True
        pages = [archive.manifest(fetch).pages for fetch in (before[-1], fetches[-1])]
        if [p.sha256 for p in pages[0]] != [p.sha256 for p in pages[1]]:
            return True
    return False
