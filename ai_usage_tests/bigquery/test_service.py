"""What goes over the wire to BigQuery, and what is done when it is busy, off or says no."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import grpc
import ibis
import pytest
import requests
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)

from ai_usage.cli.doctor_bigquery import findings
from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.orchestration.bigquery_resource import EndpointBigQueryResource
from ai_usage.quality.judging import judge
from ai_usage.quality.promises import promised
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Replaced
from ai_usage.warehouse.bigquery import STAGE_LIFETIME, BigQueryWarehouse
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.bigquery.place import Place
from ai_usage_tests.bigquery.proxy import Asked, Fault, Meanwhile, Proxy, proxied
from ai_usage_tests.support.pipeline import warehouse_of
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, event_id, raw, row

pytestmark = pytest.mark.slow

TABLE = "raw_ai_events"
MANY = 150_000
"""More rows than the answer to a question carries: the others are fetched."""

_days = count(1)


@pytest.fixture(scope="module")
def proxy(place: Place) -> Iterator[Proxy]:
    """A proxy before the emulator; on the real service there is nothing to plant faults in."""
    if place.endpoint is None:
        pytest.skip("faults are planted in front of the emulator only")
    with proxied(place.endpoint) as proxy:
        yield proxy


def in_new_dataset(proxy: Proxy, new_dataset: Callable[[], dict[str, str]]) -> BigQueryWarehouse:
    """A warehouse behind the proxy, in which nothing is yet."""
    environment = {**new_dataset(), "AI_USAGE_BIGQUERY_LOCATION": "US"}
    settings = {"AI_USAGE_ENV_FILE": "no.env", "AI_USAGE_BIGQUERY_ENDPOINT": proxy.endpoint}
    opened = warehouse_of(Settings.load({**environment, **settings}))
    assert isinstance(opened, BigQueryWarehouse)
    return opened


@pytest.fixture(scope="module")
def warehouse(proxy: Proxy, new_dataset: Callable[[], dict[str, str]]) -> BigQueryWarehouse:
    """A warehouse behind the proxy, with the table there."""
    opened = in_new_dataset(proxy, new_dataset)
    opened.replace(TABLE, Window.day(DAY), arrow(TABLE, [raw(DAY, "standing")]))
    return opened


@pytest.fixture
def asked(proxy: Proxy, warehouse: BigQueryWarehouse) -> Iterator[list[Asked]]:
    """What is asked during a test."""
    proxy.asked.clear()
    proxy.faults.clear()
    proxy.meanwhile.clear()
    yield proxy.asked
    proxy.faults.clear()
    proxy.meanwhile.clear()


@pytest.fixture
def day() -> date:
    """A day that no other test writes to."""
    return DAY + timedelta(days=next(_days))


def stages(warehouse: BigQueryWarehouse) -> list[str]:
    with warehouse.client() as client:
        names = [table.table_id for table in client.list_tables(warehouse.dataset)]
    return [name for name in names if "stage" in name]


def events(warehouse: BigQueryWarehouse, day: date) -> set[str]:
    return set(warehouse.read(TABLE, Window.day(day)).column("event_id").to_pylist())


CONFLICT = "Transaction is aborted due to concurrent update against table p:d.raw_ai_events."
BUSY = [
    Fault("POST", "/jobs", 403, "rateLimitExceeded", "Exceeded rate limits", 2, "BEGIN TRANS"),
    Fault("POST", "/jobs", 503, "backendError", "Try again later", 1, "BEGIN TRANS"),
    Fault("POST", "/queries", 429, "rateLimitExceeded", "Too many requests", 1, "event_date"),
    Fault("POST", "uploadType", 403, "rateLimitExceeded", "Exceeded rate limits", 1),
    Fault("PUT", "uploadType", 503, "backendError", "Try again later", 1),
    # What another writer's commit looks like: only the one who waits for the job is told.
    Fault("GET", "/queries/", 400, "invalidQuery", CONFLICT, 1),
]


@pytest.mark.parametrize("fault", BUSY, ids=lambda f: f"{f.method}-{f.status}-{f.reason}")
@pytest.mark.usefixtures("loading")
def test_a_busy_service_is_tried_again_and_the_day_lands_once(
    fault: Fault, warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy, day: date
) -> None:
    """Quotas of a moment, servers in trouble, and a transaction that lost against another."""
    proxy.faults.append(planted := replace(fault))
    written = warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "new")]))
    assert written.rows == 1
    assert events(warehouse, day) == {event_id("new")}
    assert planted.times == 0, "the fault was never met"
    assert stages(warehouse) == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            Fault("POST", "/jobs", 403, "accessDenied", "Access Denied: no bigquery.jobs.create"),
            r"no bigquery\.jobs\.create.*docs/deploy\.md names the roles",
        ),
        (
            Fault("POST", "/jobs", 403, "quotaExceeded", "Quota exceeded: query usage per day"),
            "Quota exceeded: query usage per day",
        ),
        (
            Fault(
                "POST",
                "/jobs",
                400,
                "bytesBilledLimitExceeded",
                "Query exceeded limit for bytes billed: 10485760. 20971520 or higher required.",
            ),
            r"20971520 or higher required\. AI_USAGE_MAXIMUM_BYTES_BILLED is the limit",
        ),
    ],
    ids=["access", "daily-quota", "bytes"],
)
def test_what_waiting_does_not_mend_is_told_at_once_and_the_old_rows_stay(
    fault: Fault,
    says: str,
    warehouse: BigQueryWarehouse,
    asked: list[Asked],
    proxy: Proxy,
) -> None:
    proxy.faults.append(replace(fault, holding="BEGIN TRANS"))
    with pytest.raises(WarehouseError, match=says):
        warehouse.replace(TABLE, Window.day(DAY), arrow(TABLE, [raw(DAY, "new")]))
    assert sum(b"BEGIN TRANS" in each.body for each in asked) == 1
    assert events(warehouse, DAY) == {event_id("standing")}
    assert stages(warehouse) == []


def test_doctor_names_the_permissions_that_the_account_lacks(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy
) -> None:
    """Reading alone is not enough for the pipeline."""
    granted = '{"permissions": ["bigquery.tables.get", "bigquery.tables.getData"]}'
    proxy.faults.append(Fault("POST", "testIamPermissions", 200, "", granted))
    (found,) = [f for f in findings(Settings(), warehouse) if f.what == "permissions"]
    assert not found.ok
    lacking = [
        f"bigquery.tables.{what} in {warehouse.dataset}" for what in ("update", "updateData")
    ]
    assert f"lacks {', '.join(lacking)};" in found.detail
    assert "docs/deploy.md" in found.detail
    (well,) = [f for f in findings(Settings(), warehouse) if f.what == "permissions"]
    assert well.ok


def test_doctor_tries_in_each_dataset_what_a_run_does_and_leaves_nothing(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy
) -> None:
    """Asking for permissions does not show them all: no load, no script, no reading."""
    denied = "Access Denied: Dataset d: no bigquery.tables.create"
    proxy.faults.append(Fault("POST", f"{warehouse.internal}/tables", 403, "accessDenied", denied))
    trials = {f.what: f for f in findings(Settings(), warehouse) if f.what.startswith("trial")}
    assert set(trials) == {f"trial in {dataset}" for dataset in warehouse.datasets}
    refused = trials.pop(f"trial in {warehouse.internal}")
    assert not refused.ok
    assert "no bigquery.tables.create docs/deploy.md names the roles" in refused.detail
    assert all(trial.ok for trial in trials.values())
    assert stages(warehouse) == []


def test_doctor_has_every_statement_planned_that_builds_a_table(
    asked: list[Asked], proxy: Proxy, new_dataset: Callable[[], dict[str, str]]
) -> None:
    """A plan that BigQuery refuses shows before the first run; the analyzer makes none."""
    warehouse = in_new_dataset(proxy, new_dataset)
    for table in table_names():
        warehouse.ensure_table(table)
    for view in map(view_schema, view_names()):
        warehouse.create_view(view, view_literals(None, view))
    refused = "Resources exceeded during query execution: too many subqueries"
    fault = Fault("POST", "/jobs", 400, "resourcesExceeded", refused, 1, "int_cost_bearers")
    proxy.faults.append(fault)
    (found,) = [f for f in findings(Settings(), warehouse) if f.what == "statements"]
    assert not found.ok
    assert refused in found.detail
    (found,) = [f for f in findings(Settings(), warehouse) if f.what == "statements"]
    assert found.ok, found.detail


@pytest.mark.usefixtures("loading")
def test_every_job_names_its_location_its_labels_its_zone_and_what_it_may_bill(
    warehouse: BigQueryWarehouse, asked: list[Asked], day: date
) -> None:
    """Loads, scripts, dry runs, views, questions, those of ibis; no project's zone rules any.

    And nobody's credentials are sent to an address with http://.
    """
    query = Query(
        "SELECT * REPLACE (@day AS event_date) FROM raw_ai_events WHERE event_date = @old",
        {"day": day, "old": DAY},
    )
    warehouse.replace(TABLE, Window.day(day), query)
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "new")]))
    warehouse.measured("SELECT COUNT(*) AS n FROM raw_ai_events WHERE event_date = '2026-03-10'")
    view = view_schema("vw_member_spend")
    warehouse.create_view(view, view_literals(None, view))
    with warehouse.ibis() as connection:
        assert connection.table(TABLE).filter(ibis._.event_date == DAY).count().execute() == 1
    jobs = [a.json for a in asked if a.method == "POST" and a.path.split("?")[0].endswith("/jobs")]
    texts = [job["configuration"].get("query", {}).get("query", "LOAD") for job in jobs]
    assert {"LOAD", "DECLARE", "CREATE"} <= {text.split()[0] for text in texts}
    questions = [a.json for a in asked if a.path.split("?")[0].endswith("/queries")]
    assert len(jobs) >= 6
    assert questions
    zone = [{"key": "time_zone", "value": "UTC"}]
    for job in jobs:
        assert job["jobReference"]["location"] == "US"
        assert job["configuration"]["labels"]["app"] == "ai-usage"
        assert job["configuration"]["jobTimeoutMs"] == "900000"
        if "query" in job["configuration"]:
            assert job["configuration"]["query"]["maximumBytesBilled"] == "10000000000"
            assert job["configuration"]["query"]["connectionProperties"] == zone
    for question in questions:
        assert question["location"] == "US"
        assert question["labels"]["app"] == "ai-usage"
        assert question["jobTimeoutMs"] == "900000"
        assert question["maximumBytesBilled"] == "10000000000"
        assert question["connectionProperties"] == zone
    assert not [a for a in asked if "authorization" in {name.lower() for name in a.headers}]


def test_all_that_is_promised_of_a_table_is_one_job(
    warehouse: BigQueryWarehouse, asked: list[Asked], day: date
) -> None:
    """And what is broken is found there as everywhere: a doubled key, a rule, an amount."""
    names = promised(TABLE)

    def judged() -> dict[str, dict[str, int]]:
        asked.clear()
        with warehouse.ibis() as connection:
            found = judge(connection, TABLE, names, Window.day(day), warehouse.dataset_of)
        return {name: one.whole.failures for name, one in found.items()}

    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "one"), raw(day, "two")]))
    assert judged() == {name: {} for name in names}
    assert len([a for a in asked if a.method == "POST"]) == 1
    rows = [raw(day, "one"), raw(day, "one"), raw(day, "two", validation_errors=["unknown_enum:x"])]
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [*rows, raw(day, "3", commits=-1)]))
    assert judged() == {
        "contract": {},
        "quality": {"counts_not_negative": 1, "no_unknown_enum": 1},
        "unique_key": {"event_id not unique": 2},
    }


def test_a_view_is_created_where_its_text_changed_and_keeps_the_labels_of_others(
    warehouse: BigQueryWarehouse, asked: list[Asked]
) -> None:
    """A view made anew each hour loses what others noted on it, and fills the audit log."""
    view = view_schema("vw_platform_costs")
    name = warehouse.home(view.name)

    def created(as_of: date | None = None) -> int:
        asked.clear()
        warehouse.create_view(view, view_literals(as_of, view))
        texts = [json.dumps(a.json) for a in asked if a.method == "POST"]
        return sum("CREATE OR REPLACE VIEW" in text for text in texts)

    assert created() >= 1
    with warehouse.client() as client:
        there = client.get_table(name)
        there.labels = {**there.labels, "steward": "ada", "months": "12"}
        client.update_table(there, ["labels"])
    assert created() == 0
    assert not [a for a in asked if a.method in ("POST", "PATCH", "PUT")], "no job, not a dry run"
    assert created(DAY) == 1
    with warehouse.client() as client:
        there = client.get_table(name)
        assert there.labels["steward"] == "ada"
        there.description = "Somebody else's words."
        client.update_table(there, ["description"])
    assert created(DAY) == 1
    with warehouse.client() as client:
        assert client.get_table(name).description == view.description


@pytest.mark.usefixtures("loading")
def test_a_staging_table_expires_by_itself(
    warehouse: BigQueryWarehouse, asked: list[Asked], day: date
) -> None:
    """What a killed process leaves behind is nobody's to clear away."""
    latest = datetime.now(UTC) + STAGE_LIFETIME + timedelta(minutes=1)
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, []))
    (table,) = [a.json for a in asked if a.path.split("?")[0].endswith("/tables")]
    assert datetime.now(UTC).timestamp() * 1000 < int(table["expirationTime"])
    assert int(table["expirationTime"]) < latest.timestamp() * 1000


def test_a_replacement_asks_as_few_statements_as_its_promises_need(
    warehouse: BigQueryWarehouse,
    asked: list[Asked],
    day: date,
    request: pytest.FixtureRequest,
) -> None:
    """Each costs a second and more on the real service: one to swap rows in, one to load many.

    A statement more is a change to be made knowingly.
    """

    def statements() -> list[str]:
        run = [a.json for a in asked if a.method == "POST" and a.path.split("?")[0][-5:] != "ables"]
        kinds = []
        for each in run:
            configuration = each.get("configuration", {"query": each})
            text = configuration.get("query", {}).get("query", "LOAD").split()
            kinds.append(("dry " if configuration.get("dryRun") else "") + text[0])
        asked.clear()
        return kinds

    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "new")]))
    assert statements() == ["DECLARE"]
    query = Query("SELECT * FROM raw_ai_events WHERE event_date = @day", {"day": day})
    warehouse.replace(TABLE, Window.day(day), query)
    assert statements() == ["dry SELECT", "DECLARE"]
    request.getfixturevalue("loading")
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "newer")]))
    assert statements() == ["LOAD", "DECLARE"]


def test_a_small_table_that_has_the_rows_already_is_not_written_again(
    warehouse: BigQueryWarehouse, asked: list[Asked]
) -> None:
    """Dimensions and files change once a day, and are built each hour: asked without a job."""
    table = "dim_users"
    people = [
        row(table, user_sk=1, user_email="a@example.com", approved_platforms=["cursor"]),
        row(table, user_sk=2, user_email="b@example.com", approved_platforms=[]),
    ]

    def jobs(rows: list[Row]) -> int:
        asked.clear()
        done = warehouse.replace(table, None, arrow(table, rows))
        assert done.rows == len(rows)
        return sum(a.method == "POST" and "/tables" not in a.path for a in asked)

    assert jobs(people) > 0
    assert jobs(people[::-1]) == 0, "rows have no order"
    later = [one | {"updated_timestamp": datetime(2026, 3, 11, tzinfo=UTC)} for one in people]
    assert jobs(later) == 0, "when a row was written is not what it says"
    assert jobs([people[0], people[1] | {"user_email": "c@example.com"}]) > 0
    assert jobs([people[0], people[0]]) > 0, "as many rows, others"
    assert jobs([]) > 0
    assert jobs([]) == 0


def test_jobs_run_where_the_dataset_lies_though_no_setting_says_so(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy
) -> None:
    """A script, or a query of no table, would be run wherever Google guesses; asked once."""
    place = {"projectId": warehouse.project, "datasetId": warehouse.dataset}
    body = json.dumps({"datasetReference": place, "location": "EU"})
    proxy.faults.append(Fault("GET", f"/datasets/{warehouse.dataset}?", 200, "", body, 9))
    unplaced = replace(warehouse, location=None)
    resource = EndpointBigQueryResource(project=warehouse.project, endpoint=proxy.endpoint)
    unplaced = replace(unplaced, connect=resource.get_client)
    assert unplaced.located() == unplaced.located() == "EU"
    assert len([a for a in asked if "/datasets/" in a.path]) == 1
    with unplaced.client() as client:
        assert client.location == "EU"
    assert replace(unplaced, dataset="not_there").located() is None


def test_questions_that_need_no_others_answer_are_asked_side_by_side_under_the_same_labels(
    warehouse: BigQueryWarehouse, asked: list[Asked]
) -> None:
    """Their answers come in order, whichever was there first."""
    labelled = replace(warehouse, labels=lambda: {"asset": "dashboard_copy"})
    queries = {f"q{n}": Query(f"SELECT {n} AS n") for n in range(9)}
    found = {name: rows.read_all().to_pylist() for name, rows in labelled.queries(queries)}
    assert list(found.items()) == [(f"q{n}", [{"n": n}]) for n in range(9)]
    sent = [a.json for a in asked if a.path.split("?")[0].endswith("/queries")]
    assert [one["labels"]["asset"] for one in sent] == ["dashboard_copy"] * 9


def test_one_of_several_questions_that_fails_is_an_error_of_one_line(
    warehouse: BigQueryWarehouse, asked: list[Asked]
) -> None:
    with pytest.raises(WarehouseError, match="nowhere"):
        dict(warehouse.queries({"a": Query("SELECT 1"), "b": Query("SELECT * FROM nowhere")}))


def test_a_job_that_takes_too_long_names_the_setting(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy
) -> None:
    late = "Job execution was cancelled: Job timed out after 900s"
    proxy.faults.append(Fault("POST", "/queries", 400, "stopped", late, 9))
    with pytest.raises(WarehouseError, match=r"timed out.* AI_USAGE_BIGQUERY_JOB_MINUTES is the"):
        warehouse.query("SELECT 1 AS one")


def loads(asked: list[Asked]) -> list[str]:
    """The ids of the load jobs that were asked for."""
    started = [a.json for a in asked if a.method == "POST" and "uploadType" in a.path]
    return [job["jobReference"]["jobId"] for job in started]


@pytest.mark.usefixtures("loading")
def test_a_load_whose_answer_is_lost_is_found_again_not_doubled(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy, day: date
) -> None:
    """Its second try has the id of the first: BigQuery knows that id already, and says so."""
    lost = Fault("PUT", "uploadType", 403, "rateLimitExceeded", "Too many", 1, landed=True)
    known = Fault("POST", "uploadType", 409, "duplicate", "Already Exists: Job", 1)
    proxy.faults.append(lost)
    # The first request for the job passes, the second is told that there is one.
    proxy.meanwhile.append(Meanwhile("PAR1", lambda: proxy.faults.append(known)))
    written = warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "new")]))
    assert (lost.times, known.times) == (0, 0)
    assert written.rows == 1
    assert events(warehouse, day) == {event_id("new")}
    first, second = loads(asked)
    assert first == second
    assert first.startswith(f"ai_usage_stage_{TABLE}_")


@pytest.mark.usefixtures("loading")
def test_no_rows_are_no_load(warehouse: BigQueryWarehouse, asked: list[Asked], day: date) -> None:
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "old")]))
    asked.clear()
    emptied = warehouse.replace(TABLE, Window.day(day), arrow(TABLE, []))
    assert (emptied.rows, emptied.rows_before) == (0, 1)
    assert loads(asked) == []
    assert events(warehouse, day) == set()


@pytest.mark.usefixtures("loading")
def test_rows_that_are_there_are_no_failure_where_the_stage_cannot_be_dropped(
    warehouse: BigQueryWarehouse, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It expires by itself; the swap has been committed by then."""

    def cut_off(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("the line is dead")

    with monkeypatch.context() as patched:
        patched.setattr(bigquery.Client, "delete_table", cut_off)
        written = warehouse.replace(TABLE, Window.day(day), arrow(TABLE, [raw(day, "new")]))
    assert written.rows == 1
    assert events(warehouse, day) == {event_id("new")}
    with warehouse.client() as client:
        for stage in stages(warehouse):
            client.delete_table(f"{warehouse.project}.{warehouse.dataset}.{stage}")


def test_a_line_that_breaks_is_an_error_of_one_line(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("the line is dead")

    monkeypatch.setattr(bigquery.Client, "get_table", cut_off)
    with pytest.raises(WarehouseError, match="no answer: the line is dead"):
        warehouse.exists(TABLE)


# -- an older stage and a newer one ----------------------------------------------------------------

BUILT = Query(
    "SELECT 1 AS cost_center_sk, MIN(model) AS cost_center, CAST([] AS ARRAY<STRING>) AS "
    "departments, TRUE AS is_active, TIMESTAMP '2026-03-01 00:00:00+00' AS created_timestamp, "
    "TIMESTAMP '2026-03-01 00:00:00+00' AS updated_timestamp "
    "FROM raw_ai_events WHERE event_date = @day",
    {"day": DAY - timedelta(days=1)},
)
"""A small table built from another, as the facts are built from raw events."""


def transform(warehouse: BigQueryWarehouse, version: str) -> Replaced:
    """Raw events of a version, then the table that is built from them."""
    day = DAY - timedelta(days=1)
    rows = [raw(day, "of a version", model=version)]
    warehouse.replace(TABLE, Window.day(day), arrow(TABLE, rows))
    return warehouse.replace("dim_cost_centers", None, BUILT)


def built(warehouse: BigQueryWarehouse) -> list[str]:
    return list(warehouse.read("dim_cost_centers").column("cost_center").to_pylist())


@pytest.mark.parametrize("moment", ["BEGIN TRANS", "conflict"])
def test_an_older_stage_never_stays_over_a_newer_one(
    moment: str,
    place: Place,
    warehouse: BigQueryWarehouse,
    asked: list[Asked],
    proxy: Proxy,
) -> None:
    """One writer is about to build; another writes newer raw events and builds from them.

    Between the first one's look and its script, and in a conflict that it is told of.
    """
    transform(warehouse, "older")
    environment = {
        "AI_USAGE_ENV_FILE": "no.env",
        **place.environment(warehouse.dataset),
        "AI_USAGE_BIGQUERY_ENDPOINT": str(place.endpoint),
    }
    other = warehouse_of(Settings.load(environment))
    assert isinstance(other, BigQueryWarehouse)
    at = "BEGIN TRANS" if moment == "conflict" else moment
    proxy.meanwhile.append(Meanwhile(at, lambda: transform(other, "newer")))
    if moment == "conflict":
        proxy.faults.append(Fault("GET", "/queries/", 400, "invalidQuery", CONFLICT, 1))
    asked.clear()
    written = warehouse.replace("dim_cost_centers", None, BUILT)
    assert proxy.meanwhile == []
    assert built(warehouse) == ["newer"]
    assert written.details["staged_again"] == 1
    assert stages(warehouse) == []


def test_a_conflict_over_other_days_runs_the_same_script_again(
    warehouse: BigQueryWarehouse, asked: list[Asked], proxy: Proxy
) -> None:
    """BigQuery cancels a transaction for a table that changed, whatever the days."""
    transform(warehouse, "only")
    asked.clear()
    proxy.faults.append(Fault("GET", "/queries/", 400, "invalidQuery", CONFLICT, 1, "", True))
    # The look at the stage is a question of another kind: only scripts and CREATEs wait for a job.
    written = warehouse.replace("dim_cost_centers", None, BUILT)
    assert "staged_again" not in written.details
    assert built(warehouse) == ["only"]
    assert sum(b"CREATE TEMP TABLE" in each.body for each in asked) == 2


def test_two_transformations_at_once_leave_what_the_last_raw_events_say(
    warehouse: BigQueryWarehouse, asked: list[Asked]
) -> None:
    with futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda version: transform(warehouse, version), ["one", "other"]))
    day = DAY - timedelta(days=1)
    assert built(warehouse) == warehouse.read(TABLE, Window.day(day)).column("model").to_pylist()
    assert stages(warehouse) == []


# -- what a dataset hands down ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "says"),
    [
        ({"defaultTableExpirationMs": "5184000000"}, "deletes tables and views after 60 days"),
        (
            {"defaultPartitionExpirationMs": "5184000000"},
            "deletes days of partitioned tables after 60 days",
        ),
        ({"defaultCollation": "und:ci"}, "default collation und:ci"),
        ({"isCaseInsensitive": True}, "differ in case"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_dataset_whose_defaults_delete_or_confuse_rows_is_refused(
    default: dict[str, Any],
    says: str,
    warehouse: BigQueryWarehouse,
    asked: list[Asked],
    proxy: Proxy,
) -> None:
    """By doctor, and before a table or view is made in it; the statement that helps is named."""

    def plant(dataset: str) -> None:
        place = {"projectId": warehouse.project, "datasetId": dataset}
        body = json.dumps({"datasetReference": place, "location": "US", **default})
        proxy.faults.append(Fault("GET", f"/datasets/{dataset}?", 200, "", body, 2))

    for dataset in warehouse.datasets:
        plant(dataset)
        (found,) = [f for f in findings(Settings(), warehouse) if f.what == f"dataset {dataset}"]
        assert not found.ok
        assert says in found.detail
        assert f"ALTER SCHEMA `{warehouse.project}.{dataset}` SET" in found.detail
        proxy.faults.clear()
    plant(warehouse.dataset)
    with pytest.raises(WarehouseError, match=f"{says}.*nothing was made in it"):
        warehouse.ensure_table("dim_budgets")
    assert not warehouse.exists("dim_budgets")
    proxy.faults.clear()
    plant(str(warehouse.views_dataset))
    view = view_schema("vw_member_spend")
    with pytest.raises(WarehouseError, match=f"{says}.*nothing was made in it"):
        warehouse.create_view(view, view_literals(None, view))


@contextmanager
def storage_api(monkeypatch: pytest.MonkeyPatch, port: int) -> Iterator[list[str]]:
    """Read through the Storage API on a local port; the calls that were made."""
    calls: list[str] = []

    class Counted(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, go_on: Any, details: Any, request: Any) -> Any:
            calls.append(details.method.rpartition("/")[2])
            return go_on(details, request)

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        transport = BigQueryReadGrpcTransport(channel=grpc.intercept_channel(channel, Counted()))
        reader = BigQueryReadClient(transport=transport)  # type: ignore[no-untyped-call]
        monkeypatch.setattr(
            bigquery.Client, "_ensure_bqstorage_client", lambda *_, **__: reader, raising=True
        )
        yield calls


NUMBERS = f"SELECT n FROM UNNEST(GENERATE_ARRAY(1, {MANY})) AS n"


def test_many_rows_come_through_the_storage_api_where_it_is_on(
    place: Place, warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.grpc_port is not None
    with storage_api(monkeypatch, place.grpc_port) as calls:
        rows = replace(warehouse, storage_api=True).query(NUMBERS)
    assert sum(rows.column("n").to_pylist()) == MANY * (MANY + 1) // 2
    assert "CreateReadSession" in calls


def test_many_rows_come_over_rest_where_the_storage_api_is_refused(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account without readSessionUser, or a project with the API off."""

    class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _: Any) -> Any:
            def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "no readsessions.create here")
                return b""

            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Refusing()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with storage_api(monkeypatch, port) as calls:
            rows = replace(warehouse, storage_api=True).query(NUMBERS)
    finally:
        server.stop(None)
    assert "CreateReadSession" in calls
    assert sum(rows.column("n").to_pylist()) == MANY * (MANY + 1) // 2
