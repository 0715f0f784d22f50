"""Ten simulated days of every vendor through the real graph and client: what is there afterwards.

Slow to load, so that one load serves all; the last tests run on in it, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import pytest
from google.cloud import bigquery

from ai_usage.cli.demo import vendor_environment
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.orchestration.runs import Refetch, RunResult
from ai_usage.simulator import Company, change, drop, serve
from ai_usage.simulator.vendors import VENDOR_KEYS
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.compare import compare, compare_warehouses
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import is_internal, relations
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import published_views, view_names, view_schema
from ai_usage_tests.bigquery.conftest import DAYS, TODAY, in_bigquery, load_into
from ai_usage_tests.bigquery.place import Place
from ai_usage_tests.support.pipeline import (
    Loaded,
    materializations,
    run_window,
    simulated_settings,
    warehouse_of,
    window,
)
from ai_usage_tests.support.pruning import unfiltered
from tools.sql_lint import zoneless

pytestmark = pytest.mark.slow

RESTATED = date(2026, 11, 4)
REWORDED = ("int_mailboxes", "vw_idle_seats", "vw_attribution_gaps")
"""Views of which the emulator gives another text back than it was given."""
LAST_DAYS = window(date(2026, 11, 3), TODAY)


@pytest.fixture(scope="module")
def dataset(new_dataset: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The settings that name where the month is."""
    return new_dataset()


@pytest.fixture(scope="module")
def month(
    company: Company, dataset: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Loaded:
    """The days in BigQuery, checks included."""
    return load_into(tmp_path_factory.mktemp("bigquery"), company, dataset)


@pytest.fixture(scope="module")
def embedded_month(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The same days in DuckDB. Read only."""
    return load_into(tmp_path_factory.mktemp("duckdb"), company, {}, checks=False)


@pytest.fixture(scope="module")
def jobs(month: Loaded) -> list[Any]:
    """Every job of the month's run."""
    with in_bigquery(month.settings).client() as client:
        found = list(client.list_jobs(max_results=2000))
    return [job for job in found if (job.labels or {}).get("run") == month.result.run_id]


def test_the_days_of_every_vendor_run_through_and_no_blocking_check_fails(month: Loaded) -> None:
    failed = {check.name for check in month.result.checks if not check.passed and check.blocking}
    assert failed == set()
    assert {"contract", "unique_key", "foreign_keys", "costs_tie_out", "usage_complete"} <= {
        check.name for check in month.result.checks if check.blocking
    }
    assert {*table_names(), *view_names()} <= set(month.result.materialized)
    counted = month.warehouse.rows(
        "SELECT COUNT(DISTINCT event_date) AS days FROM raw_ai_events "
        "WHERE event_date >= DATE '2026-01-01'"
    )
    assert next(counted)["days"] == len(DAYS.days()) == 10
    billing = month.warehouse.rows(
        "SELECT DISTINCT platform FROM raw_ai_events "
        "WHERE event_date >= DATE '2026-01-01' AND cost_usd > 0"
    )
    assert {row["platform"] for row in billing} == set(VENDOR_KEYS)


@pytest.mark.parametrize("table", table_names())
def test_every_table_equals_the_embedded_engines_value_by_value(
    table: str, month: Loaded, embedded_month: Loaded
) -> None:
    differences = compare_warehouses(embedded_month.warehouse, month.warehouse, [table])
    assert not [str(difference) for difference in islice(differences, 5)]


@pytest.mark.parametrize("view", published_views())
def test_every_view_equals_the_embedded_engines_value_by_value(
    view: str, month: Loaded, embedded_month: Loaded
) -> None:
    here, there = (
        loaded.warehouse.query(f"SELECT * FROM {view}") for loaded in (embedded_month, month)
    )
    # No month is closed here, so that there is nothing to adjust, and nobody's keys look like a
    # service's.
    assert (here.num_rows > 0) == (view not in ("vw_adjustments", "vw_doubtful_owners"))
    assert here.column_names == there.column_names == view_schema(view).column_names
    differences = compare(view, here, there)
    assert not [str(difference) for difference in islice(differences, 5)]


def test_tables_are_partitioned_clustered_and_described_as_their_ddl_says(month: Loaded) -> None:
    warehouse = in_bigquery(month.settings)
    with warehouse.client() as client:
        for name in table_names():
            schema = table_schema(name)
            there = client.get_table(warehouse.home(name))
            by = there.time_partitioning.field if there.time_partitioning else None
            assert by == schema.partition_column, name
            assert tuple(there.clustering_fields or ()) == schema.cluster_by, name
            assert bool(there.require_partition_filter) == schema.require_partition_filter, name
            assert there.description == schema.description
            assert {f.name: f.description for f in there.schema} == {
                c.name: c.description for c in schema.columns
            }
            required = {f.name for f in there.schema if f.mode == "REQUIRED"}
            assert required == {c.name for c in schema.columns if not c.nullable}


def test_views_stand_in_their_own_dataset_and_are_described(month: Loaded) -> None:
    warehouse = in_bigquery(month.settings)
    with warehouse.client() as client:
        for name in view_names():
            view = client.get_table(warehouse.home(name))
            internal = f"{month.settings.dataset}_internal"
            home = internal if is_internal(name) else month.settings.views_dataset
            assert (view.dataset_id, view.table_type) == (home, "VIEW")
            assert view.description == view_schema(name).description


def test_no_staging_table_is_left(month: Loaded) -> None:
    """In no dataset; and what is internal stands in the internal one alone."""
    warehouse = in_bigquery(month.settings)
    for dataset in warehouse.datasets:
        with warehouse.client() as client:
            names = {table.table_id for table in client.list_tables(dataset)}
        assert names == {name for name in relations() if warehouse.dataset_of(name) == dataset}


def test_every_job_says_what_it_is_for_and_what_it_may_cost(jobs: list[Any]) -> None:
    """Asset, partition and run are labels; queries carry the bound on bytes billed."""
    assert len(jobs) > 100
    assert {job.labels["app"] for job in jobs} == {"ai-usage"}
    assert {job.labels["partition"] for job in jobs} == {f"{DAYS.start}_{TODAY}"}
    assert {"raw_ai_events", "fact_ai_costs", "vw_executive_dashboard"} <= {
        job.labels["asset"] for job in jobs
    }
    queries = [job for job in jobs if isinstance(job, bigquery.QueryJob)]
    assert {job.maximum_bytes_billed for job in queries} == {10_000_000_000}


def test_every_query_that_was_sent_names_the_partition_column_of_what_it_reads(
    jobs: list[Any],
) -> None:
    """Of assets, IO manager and checks, as they came: without it a query reads every day there is.

    BigQuery itself lets `DELETE … WHERE TRUE` pass.
    """
    sent = {job.query for job in jobs if isinstance(job, bigquery.QueryJob)}
    assert sum("raw_ai_events" in sql for sql in sent) > 10
    assert not [place for sql in sent for place in unfiltered(sql)]


def test_no_query_that_was_sent_leaves_its_time_zone_to_the_session(jobs: list[Any]) -> None:
    """Those of ibis too: a reader may run any of them, and a project may live anywhere."""
    sent = {job.query for job in jobs if isinstance(job, bigquery.QueryJob)}
    assert not [place for sql in sent for place in zoneless(sql)]


def test_all_that_is_promised_of_tables_is_asked_in_one_query_where_they_are_due_together(
    jobs: list[Any], month: Loaded
) -> None:
    """Not one for each of a hundred rules, NOT NULLs, keys, nor for each of forty tables.

    Each costs a second and more. Every table is told what was found of it all the same.
    """
    asked: dict[str, int] = {}
    for job in jobs:
        asset = job.labels["asset"]
        if asset.endswith("_checks"):
            asked[asset] = asked.get(asset, 0) + 1
    assert set(asked) <= {f"{table}_checks" for table in table_names()}
    assert set(asked.values()) == {1}
    assert len(asked) <= 14
    told = {check.asset for check in month.result.checks if check.name == "contract"}
    assert told == set(table_names())


def test_a_table_is_written_by_one_job_or_two_and_an_empty_one_that_stays_so_by_none(
    jobs: list[Any], month: Loaded
) -> None:
    """A script that builds and swaps; a load besides, where many rows come from elsewhere.

    The others ask which days lack, and how far the month is loaded: small questions of few tables.
    """
    mine = [job for job in jobs if job.labels["asset"] in table_names()]
    scripts = [job for job in mine if job.job_type == "query" and "COMMIT" in job.query]
    loads = [job for job in mine if job.job_type == "load"]
    written = {job.labels["asset"] for job in scripts}
    assert len(scripts) == len(written)
    assert set(built_tables()) <= written
    for table in set(table_names()) - written:
        assert month.warehouse.read(table).num_rows == 0, table
    assert {job.labels["asset"] for job in loads} == {"raw_ai_events"}
    assert len(mine) - len(scripts) - len(loads) < 12


def test_bytes_foreseen_read_and_billed_are_metadata_of_tables_and_views(
    month: Loaded,
) -> None:
    """The emulator says 0 for all; that they are there is what can be shown on it."""
    noted = materializations(month.settings, month.result.run_id)
    for name in (*table_names(), *published_views()):
        for what in ("bytes_estimated", "bytes_processed", "bytes_billed", "slot_ms"):
            assert isinstance(noted[name][what], int), (name, what)


# -- what only a real project shows: skipped on the emulator, which plans and bills nothing --------


@pytest.fixture(scope="module")
def real(place: Place) -> None:
    """Asked for by what shows nothing on the emulator."""
    if not place.is_real:
        pytest.skip("the emulator bills nothing: make test-bigquery PROJECT=…")


@pytest.mark.usefixtures("real")
def test_a_run_bills_what_its_jobs_need_at_least_and_little_more(
    jobs: list[Any], month: Loaded
) -> None:
    """Of a company of thirty all that is billed is the floor: 10 MB for each table of a query."""
    queries = [job for job in jobs if isinstance(job, bigquery.QueryJob)]
    billed = sum(job.total_bytes_billed or 0 for job in queries)
    assert 0 < billed < 15 * 10**9, f"{billed / 1e9:.1f} GB"
    assert sum(job.slot_millis or 0 for job in queries) > 0
    # A script is billed for its statements: what its own job says is their sum.
    with in_bigquery(month.settings).client() as client:
        script = next(job for job in queries if job.query.lstrip().startswith("DECLARE"))
        children = list(client.list_jobs(parent_job=script.job_id))
    assert script.total_bytes_billed == sum(job.total_bytes_billed or 0 for job in children)


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("table", ["raw_ai_events", "fact_ai_costs"])
def test_to_delete_days_costs_nothing(table: str, month: Loaded) -> None:
    """Whole partitions go: were they read first, each run would pay for them."""
    warehouse, schema = in_bigquery(month.settings), table_schema(table)
    where = schema.days_from("DATE '2026-11-01'", "DATE '2026-11-03'")
    config = bigquery.QueryJobConfig(dry_run=True)
    with warehouse.client() as client:
        job = client.query(
            f"DELETE FROM `{warehouse.home(table)}` WHERE {where}", job_config=config
        )
    assert job.total_bytes_processed == 0


@pytest.mark.usefixtures("real")
def test_a_view_of_fewer_months_reads_fewer_bytes(month: Loaded) -> None:
    warehouse, view = in_bigquery(month.settings), view_schema("vw_attribution_gaps")
    sizes = [
        warehouse.estimate(warehouse.render(view.query, {"as_of": TODAY, "months": months}))
        for months in (0, 12)
    ]
    assert 0 < sizes[0] < sizes[1]


def test_what_stands_as_declared_is_left_alone(
    place: Place, month: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each run would change every table and view, and never be done."""

    def changed(*given: Any, **_: Any) -> Any:
        raise AssertionError(f"changed: {given}")

    warehouse = in_bigquery(month.settings)
    for name in ("update_table", "create_table", "query"):
        monkeypatch.setattr(bigquery.Client, name, changed)
    for table in table_names():
        warehouse.ensure_table(table)
    for view in map(view_schema, view_names()):
        if place.is_real or view.name not in REWORDED:
            warehouse.create_view(view, view_literals(TODAY, view))


@pytest.fixture(scope="module")
def restated(company: Company) -> Company:
    """The company with an event of a day gone and another one's amount changed."""
    gone, dearer = [e for e in company.cursor_events(RESTATED) if e.is_chargeable and e.email][:2]
    return company.amended(
        drop("cursor_events", RESTATED, lambda e: e == gone, limit=1),
        change("cursor_events", RESTATED, lambda e: e == dearer, limit=1, charged_cents=777),
    )


@pytest.fixture(scope="module")
def run_again(month: Loaded, dataset: dict[str, str], restated: Company) -> RunResult:
    """The last three days asked and run again, of which one was restated."""
    with serve(restated) as base_url:
        home = month.settings.home
        more = {**vendor_environment(base_url), **dataset}
        again = simulated_settings(home, base_url, TODAY, month.days.start, **more)
        # The pretended clock stands still: only an answer for the same days counts as a newer one.
        refetch = Refetch.since(LAST_DAYS.start)
        result = run_window(
            again,
            LAST_DAYS,
            selection="not group:views and not group:dashboard",
            refetch=refetch,
            checks=False,
        )
    assert result.success, result.errors
    return result


def test_a_second_run_changes_nothing_but_what_was_restated(
    month: Loaded, embedded_month: Loaded, run_again: RunResult
) -> None:
    """Against DuckDB's first and only run: the days before, the dimensions, and the usage."""
    assert {"raw_ai_events", "dim_users", "fact_ai_costs"} <= set(run_again.materialized)
    dated = [t for t in table_names() if table_schema(t).partition_column is not None]
    before = window(month.days.start, LAST_DAYS.start)
    differing = list(
        compare_warehouses(embedded_month.warehouse, month.warehouse, dated, within=before)
    )
    differing += compare_warehouses(
        embedded_month.warehouse,
        month.warehouse,
        [t for t in table_names() if t not in dated],
    )
    assert not [str(difference) for difference in differing]


def test_a_restated_day_leaves_what_duckdb_has_of_a_company_that_always_said_so(
    month: Loaded,
    embedded_month: Loaded,
    restated: Company,
    run_again: RunResult,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What vanished at the vendor vanishes; the later day's month-to-date columns follow."""
    assert run_again.success
    after: Warehouse = warehouse_of(month.settings)
    day = window(RESTATED, RESTATED)
    rows = [w.read("raw_ai_events", day).num_rows for w in (embedded_month.warehouse, after)]
    assert rows[0] - rows[1] == 1
    fresh = load_into(tmp_path_factory.mktemp("fresh"), restated, {}, checks=False)
    # But for the record of what was restated: it never changed there.
    others = [table for table in table_names() if table != "raw_restatements"]
    differences: Iterator[object] = compare_warehouses(fresh.warehouse, after, others)
    assert not [str(difference) for difference in islice(differences, 5)]
