"""Reading a view is timed by the day's first run; the others tell what it found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.dashboard.copied import COPIED
from ai_usage.orchestration.assets.sql_views import view_literals
from ai_usage.orchestration.checks.latency import latency_check
from ai_usage.orchestration.io_managers import DuckDBWarehouseResource
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.resources import ClockResource
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.support.check_runs import PARTITIONS
from ai_usage_tests.warehouse.rows import open_warehouse

VIEW = "vw_executive_dashboard"
KEY = dg.AssetKey(VIEW)
FIRST, NEXT = date(2026, 3, 27), date(2026, 3, 28)
SECONDS = "view_latency_seconds"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = open_warehouse(tmp_path)
    schema = view_schema(VIEW)
    made.create_view(schema, view_literals(FIRST, schema))
    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as kept:
        yield kept


def looked(
    warehouse: DuckDBWarehouse,
    instance: dg.DagsterInstance,
    day: date = FIRST,
    *,
    limit: str = "60",
    alone: bool = False,
) -> tuple[dg.AssetCheckEvaluation, list[float]]:
    """What a run of the view over a range of days finds, or one of its check `alone`.

    And every number of seconds that is there to be plotted by then, newest first.
    """

    @dg.asset(name=VIEW, partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def view() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    home = {"AI_USAGE_HOME": str(warehouse.path.parent), "AI_USAGE_ENV_FILE": "no.env"}
    settings = Settings.load({**home, "AI_USAGE_VIEW_LATENCY_SECONDS": limit})
    resource = DuckDBWarehouseResource(path=str(warehouse.path), dataset=warehouse.dataset)
    defs = dg.Definitions(
        [view],
        asset_checks=[latency_check(VIEW, settings)],
        resources={"clock": ClockResource(as_of=day.isoformat()), "warehouse": resource},
    )
    job = defs.resolve_implicit_global_asset_job_def()
    chosen: dict[str, Any] = {}
    if alone:
        key = dg.AssetCheckKey(KEY, "latency")
        job = job.get_subset(asset_selection=set(), asset_check_selection={key})
    else:
        chosen["tags"] = {
            "dagster/asset_partition_range_start": "2026-03-01",
            "dagster/asset_partition_range_end": "2026-03-03",
        }
    result = job.execute_in_process(instance=instance, **chosen)
    (evaluation,) = result.get_asset_check_evaluations()
    plotted = []
    for record in instance.fetch_observations(KEY, limit=10).records:
        assert record.asset_observation is not None
        value = record.asset_observation.metadata[SECONDS]
        assert isinstance(value, dg.FloatMetadataValue)
        assert value.value is not None
        plotted.append(value.value)
    return evaluation, plotted


def test_the_seconds_of_reading_a_view_are_measured_and_plotted(
    warehouse: DuckDBWarehouse, instance: dg.DagsterInstance
) -> None:
    evaluation, plotted = looked(warehouse, instance)
    assert evaluation.passed
    assert evaluation.partition is None
    assert plotted == [evaluation.metadata[SECONDS].value]
    assert 0 < plotted[0] < 60
    assert evaluation.metadata["rows"].value == 0


def test_a_view_that_takes_longer_than_promised_warns(
    warehouse: DuckDBWarehouse, instance: dg.DagsterInstance
) -> None:
    evaluation, _ = looked(warehouse, instance, limit="0.000001")
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    failures: Any = evaluation.metadata["failures"].value
    assert failures == {"latency": 1}


def test_later_runs_of_a_day_tell_what_its_first_one_measured(
    warehouse: DuckDBWarehouse, instance: dg.DagsterInstance
) -> None:
    """Each hour's run would cost as much as all that people read of the views."""
    first, plotted = looked(warehouse, instance)
    again, plotted_again = looked(warehouse, instance)
    assert again.metadata == first.metadata
    assert plotted_again == plotted
    slow, _ = looked(warehouse, instance, limit="0.000001")
    assert not slow.passed, "what was measured is held against today's promise"
    next_day, plotted_then = looked(warehouse, instance, NEXT)
    assert next_day.metadata["measured_at"] != first.metadata["measured_at"]
    assert len(plotted_then) == 2


def test_whoever_asks_for_the_check_alone_has_the_view_measured(
    warehouse: DuckDBWarehouse, instance: dg.DagsterInstance
) -> None:
    looked(warehouse, instance)
    _, plotted = looked(warehouse, instance, alone=True)
    assert len(plotted) == 2


def test_what_was_read_to_be_timed_is_left_to_the_pages_copy_of_that_run(
    warehouse: DuckDBWarehouse, instance: dg.DagsterInstance
) -> None:
    """Where nobody has read it, the copy asks."""
    looked(warehouse, instance)
    (newest,) = instance.get_runs(limit=1)
    asked = f"SELECT * FROM {VIEW}"
    assert asked in COPIED.values()
    assert list(of_run(newest.run_id).read) == [asked]
    looked(warehouse, instance)
    (second,) = instance.get_runs(limit=1)
    assert second.run_id != newest.run_id
    assert of_run(second.run_id).read == {}
