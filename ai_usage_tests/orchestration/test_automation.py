"""Schedules ask for the right days, and the transformation waits for all fetches, not for luck."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.instance.one_writer import OneWriterCoordinator
from ai_usage.instance.partitions import newest_day, range_tags, tags_of_part, window_of_run
from ai_usage.ledger.adopted import adopt, pending_changes
from ai_usage.ledger.closing import record_close
from ai_usage.orchestration.automation import (
    CRONS,
    FLOW_TAG,
    HOURLY,
    LAUNCHED_WITHIN,
    NIGHTLY,
    REFERENCE,
    SCHEDULE_TAG,
    TICK_TAG,
    TRANSFORM,
    accepted_since,
)
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.open_days import LEAVE_CLOSED
from ai_usage.orchestration.runs import dagster_yaml
from ai_usage.orchestration.stages import COMMAND, GOES_ON
from ai_usage.reference import VENDOR, read_path, reference_file
from ai_usage.reference.states import accept
from ai_usage.settings import Settings
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import view_names
from ai_usage_tests.support.dagster_private import TimeWindowFreshnessPolicy, create_run_for_test
from ai_usage_tests.support.environment import VENDOR_KEYS, VENDORS

TODAY = date(2026, 3, 18)
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
FETCHES = (*(f"ingest_{vendor.name}" for vendor in VENDORS), REFERENCE)


def settings_for(home: Path, **more: str) -> Settings:
    return Settings.load(
        {
            "AI_USAGE_HOME": str(home),
            "AI_USAGE_ENV_FILE": str(home / "no.env"),
            "AI_USAGE_AS_OF": TODAY.isoformat(),
            "AI_USAGE_START_DATE": "2026-01-01",
            **more,
        }
    )


class Graph:
    """The product's definitions, as the daemon sees them."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.defs = build_defs(settings)
            self.repository = self.defs.get_repository_def()

    def schedule(self, name: str, at: datetime) -> list[dg.RunRequest] | str:
        """Evaluate a schedule: its run requests, or why there are none."""
        with dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=at,
            repository_def=self.repository,
            resources=dict(self.defs.resources or {}),
        ) as context:
            data = self.repository.get_schedule_def(name).evaluate_tick(context)
        return list(data.run_requests or []) or str(data.skip_message)

    def sensor(
        self, name: str, cursor: str | None = None
    ) -> tuple[str | None, list[dg.RunRequest], str]:
        """Evaluate a sensor: its cursor, run requests, and why there are none."""
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=cursor,
            repository_def=self.repository,
            resources=dict(self.defs.resources or {}),
        ) as context:
            data = self.repository.get_sensor_def(name).evaluate_tick(context)
        errors = [r.error for r in data.dagster_run_reactions or [] if r.error]
        assert not errors, errors
        return data.cursor, list(data.run_requests or []), data.skip_message or ""

    def run(
        self, job: str, status: dg.DagsterRunStatus, tags: Mapping[str, str], **more: object
    ) -> dg.DagsterRun:
        """A run that has come to this status."""
        run = create_run_for_test(
            self.instance, job_name=job, status=dg.DagsterRunStatus.STARTED, tags=dict(tags), **more
        )
        events = {
            dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
            dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
            dg.DagsterRunStatus.CANCELED: dg.DagsterEventType.RUN_CANCELED,
        }
        if status in events:
            event = dg.DagsterEvent(events[status].value, job, message="ended")
            self.instance.report_dagster_event(event, run.run_id)
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "dagster"
    home.mkdir()
    text = dagster_yaml().read_text().replace("env: DAGSTER_HOME", str(home))
    (home / "dagster.yaml").write_text(text)
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


@pytest.fixture
def graph(tmp_path: Path, instance: dg.DagsterInstance) -> Graph:
    return Graph(settings_for(tmp_path / "home", **VENDOR_KEYS), instance)


# -- jobs ---------------------------------------------------------------------------------------


def test_every_asset_is_in_exactly_one_job_and_a_vendors_sources_alone_in_its_own(
    graph: Graph,
) -> None:
    names = [*FETCHES, TRANSFORM]
    chosen = {
        name: {
            key.path[-1] for key in graph.repository.get_job(name).asset_layer.selected_asset_keys
        }
        for name in names
    }
    every = [asset for name in names for asset in chosen[name]]
    keys = graph.defs.resolve_asset_graph().executable_asset_keys
    assert sorted(every) == sorted(key.path[-1] for key in keys)
    of_warehouse = {*table_names(), *view_names(), "dashboard_copy", "monthly_report"}
    assert chosen[TRANSFORM] == set(every) & of_warehouse
    for vendor in discovered_vendors():
        expected = {f"source_{vendor.name}_{endpoint.name}" for endpoint in vendor.every_endpoint}
        assert chosen[f"ingest_{vendor.name}"] == expected


def test_every_asset_has_the_one_freshness_policy(graph: Graph) -> None:
    nodes = graph.defs.resolve_asset_graph()
    policies = {nodes.get(key).freshness_policy for key in nodes.executable_asset_keys}
    (policy,) = policies
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert policy.fail_window.to_timedelta() == timedelta(hours=2)


# -- schedules ----------------------------------------------------------------------------------


def test_the_hourly_schedule_asks_again_for_today_and_each_sources_own_lookback(
    graph: Graph,
) -> None:
    asked = graph.schedule(f"ingest_anthropic_{HOURLY}", datetime(2026, 3, 18, 9, tzinfo=UTC))
    assert isinstance(asked, list), asked
    (request,) = asked
    assert window_of_run(request.tags) == Window(date(2026, 3, 11), date(2026, 3, 19))
    assert (request.tags[START], request.tags[END]) == ("2026-03-18", "2026-03-18"), (
        "what stands is said once an hour, not once a day of the look-back"
    )
    assert request.tags[TICK_TAG] == "2026-03-18T09:00:00+00:00"
    since = {name: op["config"]["refetch_since"] for name, op in request.run_config["ops"].items()}
    assert since["source_anthropic_usage_report"] == "2026-03-15"
    assert since["source_anthropic_cost_report"] == "2026-03-11"
    dg.validate_run_config(graph.repository.get_job("ingest_anthropic"), request.run_config)


def test_the_nightly_schedule_asks_again_for_the_long_lookback(graph: Graph) -> None:
    at = datetime(2026, 3, 18, 3, 30, tzinfo=UTC)
    asked = graph.schedule(f"ingest_cursor_{NIGHTLY}", at)
    assert isinstance(asked, list), asked
    (request,) = asked
    assert window_of_run(request.tags) == Window(date(2026, 2, 11), date(2026, 3, 19))
    since = {op["config"]["refetch_since"] for op in request.run_config["ops"].values()}
    assert since == {"2026-02-11"}


def test_all_schedules_of_a_kind_fire_at_once_and_run_unasked(graph: Graph) -> None:
    schedules = graph.repository.schedule_defs
    assert {s.cron_schedule for s in schedules} == set(CRONS.values())
    assert {s.execution_timezone for s in schedules} == {"UTC"}
    assert {s.default_status for s in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert len(schedules) == 2 * len(FETCHES)


def test_without_keys_no_schedule_starts_anything(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    graph = Graph(settings_for(tmp_path / "home"), instance)
    at = datetime(2026, 3, 18, 9, tzinfo=UTC)
    for schedule in graph.repository.schedule_defs:
        told = graph.schedule(schedule.name, at)
        assert isinstance(told, str), schedule.name
        assert "configured" in told
    assert graph.sensor("transform_after_ingest")[1] == []


def test_a_vendor_without_a_key_is_not_waited_for(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    graph = Graph(settings_for(tmp_path / "home", CURSOR_API_KEY="key_test"), instance)
    at = datetime.now(UTC).replace(microsecond=0)
    tick = {TICK_TAG: at.isoformat(), SCHEDULE_TAG: HOURLY} | range_tags(Window.day(TODAY))
    for job in ("ingest_cursor", REFERENCE):
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tick)
    assert len(graph.sensor("transform_after_ingest")[1]) == 1


def test_a_tick_is_left_out_while_an_earlier_one_waits_in_the_queue(graph: Graph) -> None:
    waiting = {TICK_TAG: "earlier", SCHEDULE_TAG: HOURLY}
    create_run_for_test(
        graph.instance,
        job_name="ingest_cursor",
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags=waiting,
    )
    at = datetime(2026, 3, 18, 9, tzinfo=UTC)
    assert "still waits in the queue" in str(graph.schedule(f"ingest_cursor_{HOURLY}", at))
    assert isinstance(graph.schedule(f"ingest_anthropic_{HOURLY}", at), list)
    assert isinstance(graph.schedule(f"ingest_cursor_{NIGHTLY}", at), list)


# -- the transformation of a tick ---------------------------------------------------------------


def tick(at: datetime, schedule: str = HOURLY, days: int = 8) -> dict[str, str]:
    window = Window(TODAY - timedelta(days=days - 1), TODAY + timedelta(days=1))
    at = at.replace(microsecond=0)
    return {TICK_TAG: at.isoformat(), SCHEDULE_TAG: schedule} | tags_of_part(
        window, newest_day(window)
    )


def test_the_transformation_starts_when_every_fetch_has_ended_well_or_badly(graph: Graph) -> None:
    tags = tick(datetime.now(UTC))
    first, *others = (job for job in FETCHES if job != REFERENCE)
    graph.run(first, dg.DagsterRunStatus.FAILURE, tags)
    for job in others:
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tags)
    assert graph.sensor("transform_after_ingest")[1] == [], "one has not been launched yet"
    last = graph.run(REFERENCE, dg.DagsterRunStatus.STARTED, tags)
    _, requests, told = graph.sensor("transform_after_ingest")
    assert requests == []
    assert "have not all ended" in told
    ended = dg.DagsterEvent(dg.DagsterEventType.RUN_CANCELED.value, REFERENCE, message="cancelled")
    graph.instance.report_dagster_event(ended, last.run_id)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert request.tags[START] == "2026-03-11"
    assert request.tags[END] == "2026-03-18"
    graph.run(TRANSFORM, dg.DagsterRunStatus.STARTED, request.tags)
    assert graph.sensor("transform_after_ingest")[1] == [], "a tick is transformed once"


def test_a_fetch_that_is_never_launched_is_not_waited_for_forever(graph: Graph) -> None:
    late = datetime.now(UTC) - LAUNCHED_WITHIN - timedelta(seconds=2)
    graph.run("ingest_cursor", dg.DagsterRunStatus.SUCCESS, tick(late))
    assert len(graph.sensor("transform_after_ingest")[1]) == 1


def test_ticks_that_piled_up_are_one_transformation_over_all_their_days(graph: Graph) -> None:
    now = datetime.now(UTC)
    for hours, schedule, days in ((3, HOURLY, 8), (2, NIGHTLY, 36), (1, HOURLY, 8)):
        for job in FETCHES:
            tags = tick(now - timedelta(hours=hours), schedule, days)
            graph.run(job, dg.DagsterRunStatus.SUCCESS, tags)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert window_of_run(request.tags) == Window(date(2026, 2, 11), date(2026, 3, 19))
    graph.run(TRANSFORM, dg.DagsterRunStatus.SUCCESS, request.tags)
    assert graph.sensor("transform_after_ingest")[1] == []


def test_a_slow_nightly_fetch_is_transformed_though_a_later_tick_was_first(graph: Graph) -> None:
    now = datetime.now(UTC)
    nightly = tick(now - timedelta(hours=1), NIGHTLY, 36)
    slow = [graph.run(job, dg.DagsterRunStatus.STARTED, nightly) for job in FETCHES]
    for job in FETCHES:
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tick(now))
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert request.tags[START] == "2026-03-11"
    graph.run(TRANSFORM, dg.DagsterRunStatus.SUCCESS, request.tags)
    for run in slow:
        ended = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name, message="ok")
        graph.instance.report_dagster_event(ended, run.run_id)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert request.tags[START] == "2026-02-11"


def test_the_transformation_reaches_back_to_what_a_changed_file_affects(graph: Graph) -> None:
    settings, archive = graph.settings, Archive(graph.settings.archive_root)
    file = reference_file("users.csv")
    settings.reference_path.mkdir(parents=True)
    text = "user_email,department,team,effective_date\n{},Eng,{},2026-02-03\n"
    path = settings.reference_path / file.name
    path.write_text(text.format("mara@example.com", "Core"))
    accept(archive, settings, file, read_path(file, settings.reference_path).rows)
    everything = Window(settings.first_day, TODAY + timedelta(days=1))
    adopt(archive, settings, everything, everything)
    path.write_text(text.format("mara@example.com", "Edge"))
    (change,) = pending_changes(archive, settings.reference_path, settings)
    tags = tick(datetime.now(UTC))
    for job in FETCHES:
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tags)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert date.fromisoformat(request.tags[START]) == max(change.day, settings.first_day)
    assert change.day < TODAY - timedelta(days=8)


def test_the_transformation_leaves_closed_months_as_they_are(graph: Graph) -> None:
    """The nightly fetch reaches into February: vendors are asked, nothing of it is built anew."""
    settings, archive = graph.settings, Archive(graph.settings.archive_root)
    record_close(archive, date(2026, 2, 1), [], settings.now)
    tags = tick(datetime.now(UTC), NIGHTLY, 36)
    assert window_of_run(tags) == Window(date(2026, 2, 11), date(2026, 3, 19))
    for job in FETCHES:
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tags)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert (request.tags[START], request.tags[END]) == ("2026-03-01", "2026-03-18")
    assert request.tags.items() >= LEAVE_CLOSED.items(), "also those that close while it waits"


def test_a_tick_that_reaches_an_open_month_before_a_closed_one_builds_it(graph: Graph) -> None:
    """January is open; February, which lies between, is left out by the assets."""
    settings, archive = graph.settings, Archive(graph.settings.archive_root)
    record_close(archive, date(2026, 2, 1), [], settings.now)
    tags = tick(datetime.now(UTC), NIGHTLY, 60)
    assert window_of_run(tags) == Window(date(2026, 1, 18), date(2026, 3, 19))
    for job in FETCHES:
        graph.run(job, dg.DagsterRunStatus.SUCCESS, tags)
    _, (request,), _ = graph.sensor("transform_after_ingest")
    assert (request.tags[START], request.tags[END]) == ("2026-01-18", "2026-03-18")
    assert request.tags.items() >= LEAVE_CLOSED.items()


# -- reference files are taken in ---------------------------------------------------------------


def test_a_file_that_changed_after_the_run_began_is_not_taken_for_taken_in(graph: Graph) -> None:
    archive = Archive(graph.settings.archive_root)
    file = reference_file("users.csv")
    at = graph.settings.now
    assert not accepted_since(archive, at)
    accept(archive, graph.settings, file, [])
    assert accepted_since(archive, at - timedelta(hours=1))
    assert not accepted_since(archive, at + timedelta(hours=1))
    accept(archive, graph.settings, file, [])
    first, *_ = archive.fetches(VENDOR, file.stem)
    accept(archive, graph.settings, file, [])
    assert not accepted_since(archive, first.fetched_at), "the same state again"


# -- old days flow downstream -------------------------------------------------------------------


def flow(
    graph: Graph, job: str, tags: Mapping[str, str], *assets: str
) -> tuple[list[dg.RunRequest], str]:
    name = "old_days_flow_downstream"
    cursor, _, _ = graph.sensor(name)
    selection = frozenset(dg.AssetKey(asset) for asset in assets) or None
    graph.run(job, dg.DagsterRunStatus.SUCCESS, tags, asset_selection=selection)
    _, requests, told = graph.sensor(name, cursor)
    return requests, told


OLD = range_tags(Window(date(2026, 1, 5), date(2026, 1, 8)))


def test_old_days_that_a_person_materialised_again_are_rebuilt_downstream_in_one_run(
    graph: Graph,
) -> None:
    (request,), _ = flow(graph, "__ASSET_JOB", OLD, "source_cursor_usage_events")
    names = {key.path[-1] for key in request.asset_selection or []}
    assert {"raw_ai_events", "fact_ai_costs", "fact_ai_usage", "dim_users"} <= names
    assert "vw_executive_dashboard" in names
    assert not any(name.startswith(("source_", "reference_")) for name in names)
    assert (request.tags[START], request.tags[END]) == ("2026-01-05", "2026-01-07")


def test_what_follows_a_run_that_leaves_closed_months_leaves_them_too(graph: Graph) -> None:
    (asked,), _ = flow(graph, "__ASSET_JOB", OLD, "source_cursor_usage_events")
    assert not asked.tags.keys() & LEAVE_CLOSED.keys(), "a person asked for these days"
    (left,), _ = flow(graph, "__ASSET_JOB", {**OLD, **LEAVE_CLOSED}, "source_cursor_usage_events")
    assert left.tags.items() >= LEAVE_CLOSED.items()


def test_what_a_run_rebuilt_itself_is_not_built_again(graph: Graph) -> None:
    (request,), _ = flow(graph, "__ASSET_JOB", OLD, "raw_ai_events", "fact_ai_usage")
    names = {key.path[-1] for key in request.asset_selection or []}
    assert "fact_ai_costs" in names
    assert not {"raw_ai_events", "fact_ai_usage"} & names


def test_the_first_run_of_a_command_starts_no_flow_and_the_last_one_speaks_for_both(
    graph: Graph,
) -> None:
    """Its inputs come first: what reads them is about to be built by the command itself."""
    command = {**OLD, COMMAND: "one of them"}
    going_on = {**command, GOES_ON: "true"}
    requests, told = flow(graph, "__ASSET_JOB", going_on, "source_cursor_members")
    assert requests == []
    assert "goes on" in told
    (request,), _ = flow(graph, "__ASSET_JOB", command, "raw_ai_events")
    names = {key.path[-1] for key in request.asset_selection or []}
    assert "dim_users" in names, "the members flow, too"
    assert "raw_ai_events" not in names


@pytest.mark.parametrize(
    ("job", "tags", "assets"),
    [
        ("__ASSET_JOB", OLD, ("monthly_report",)),
        ("ingest_cursor", OLD | {TICK_TAG: "t", SCHEDULE_TAG: HOURLY}, ()),
        (TRANSFORM, OLD | {FLOW_TAG: "a run"}, ("fact_ai_costs",)),
        (TRANSFORM, OLD, ()),
        ("a_job_of_others", {}, ("theirs",)),
    ],
    ids=["nothing reads it", "a tick's fetch", "what flows already", "all of it", "others'"],
)
def test_what_needs_no_flow_starts_none(
    graph: Graph, job: str, tags: dict[str, str], assets: tuple[str, ...]
) -> None:
    requests, told = flow(graph, job, tags, *assets)
    assert requests == []
    assert told


# -- the instance -------------------------------------------------------------------------------

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "dagster.yaml"


def test_runs_wait_for_each_other_on_the_embedded_warehouse(instance: dg.DagsterInstance) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 1
    assert isinstance(instance.run_coordinator, OneWriterCoordinator)


def test_the_instance_on_postgres_is_one_that_dagster_accepts(tmp_path: Path) -> None:
    config = yaml.safe_load(DEPLOY.read_text())
    # The storage needs a database: `test_postgres.py` has one.
    del config["storage"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        queue = made.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs > 1
        assert not made.telemetry_enabled
