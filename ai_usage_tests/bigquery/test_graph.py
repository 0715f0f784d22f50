"""30 simulated days through the real graph and the real client: what is there afterwards."""

from __future__ import annotations

from itertools import islice

import pytest
from google.cloud import bigquery

from ai_usage.warehouse.compare import compare, compare_warehouses
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.support.pipeline import Loaded


def test_thirty_days_run_through_and_no_blocking_check_fails(month: Loaded) -> None:
    failed = {check.name for check in month.result.checks if not check.passed}
    assert failed <= {"usage_attribution", "cost_attribution"}
    assert len(month.result.checks) > 25
    assert set(view_names()) <= set(month.result.materialized)
    counted = month.warehouse.rows(
        "SELECT COUNT(DISTINCT event_date) AS days FROM raw_ai_events "
        "WHERE event_date >= DATE '2026-01-01'"
    )
    assert next(counted)["days"] == 30


@pytest.mark.parametrize("table", table_names())
def test_every_table_equals_the_embedded_engines_value_by_value(
    table: str, month: Loaded, embedded_month: Loaded
) -> None:
    differences = compare_warehouses(embedded_month.warehouse, month.warehouse, [table])
    assert not [str(difference) for difference in islice(differences, 5)]


@pytest.mark.parametrize("view", view_names())
def test_every_view_equals_the_embedded_engines_value_by_value(
    view: str, month: Loaded, embedded_month: Loaded
) -> None:
    here, there = (
        loaded.warehouse.query(f"SELECT * FROM {view}") for loaded in (embedded_month, month)
    )
    assert here.num_rows > 0
    assert here.column_names == there.column_names == view_schema(view).column_names
    differences = compare(view, here, there)
    assert not [str(difference) for difference in islice(differences, 5)]


def test_tables_are_partitioned_clustered_and_described_as_their_ddl_says(month: Loaded) -> None:
    with month.warehouse.client() as client:
        for name in table_names():
            schema = table_schema(name)
            there = client.get_table(month.warehouse.home(name))
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
    with month.warehouse.client() as client:
        for name in view_names():
            view = client.get_table(month.warehouse.home(name))
            assert (view.dataset_id, view.table_type) == (month.settings.views_dataset, "VIEW")
            assert view.description == view_schema(name).description


def test_no_staging_table_is_left(month: Loaded) -> None:
    with month.warehouse.client() as client:
        names = {table.table_id for table in client.list_tables(month.settings.dataset)}
    assert names == set(table_names())


def test_every_job_says_what_it_is_for_and_what_it_may_cost(month: Loaded) -> None:
    """Asset, partition and run are labels; queries carry the bound on bytes billed."""
    with month.warehouse.client() as client:
        jobs = [
            job
            for job in client.list_jobs(max_results=2000)
            if (job.labels or {}).get("run") == month.result.run_id
        ]
    assert len(jobs) > 100
    assert {job.labels["app"] for job in jobs} == {"ai-usage"}
    assert {job.labels["partition"] for job in jobs} == {"2026-02-17_2026-03-18"}
    assert {"raw_ai_events", "fact_ai_costs", "vw_executive_dashboard"} <= {
        job.labels["asset"] for job in jobs
    }
    queries = [job for job in jobs if isinstance(job, bigquery.QueryJob)]
    assert {job.maximum_bytes_billed for job in queries} == {10_000_000_000}


def test_the_bytes_foreseen_and_read_are_metadata(month: Loaded) -> None:
    """The emulator says 0 for both; that they are there is what can be shown on it."""
    replaced = month.warehouse.replace("dim_dates", None, month.warehouse.read("dim_dates"))
    assert replaced.details.keys() == {"bytes_estimated", "bytes_processed"}
