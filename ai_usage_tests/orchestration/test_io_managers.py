"""The IO manager: a run's days are replaced in the warehouse, a whole table where it has none."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import WarehouseError
from ai_usage.orchestration.io_managers import (
    DuckDBWarehouseResource,
    WarehouseIOManager,
    warehouse_resource,
)
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Write
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.warehouse.rows import (
    DAY,
    arrow,
    days,
    open_warehouse,
    raw,
    row,
    selected,
    stored,
)

PARTITIONS = dg.DailyPartitionsDefinition("2026-03-01", end_offset=1, timezone="UTC")
RAW = "raw_ai_events"
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path)


def written(
    warehouse: DuckDBWarehouse, table: str, rows: Any, first: date = DAY, last: date = DAY
) -> dict[str, Any]:
    """Materialise an asset that returns the rows; the metadata of its last day comes back."""
    return written_by_day(warehouse, table, rows, first, last)[-1]


def written_by_day(
    warehouse: DuckDBWarehouse, table: str, rows: Any, first: date = DAY, last: date = DAY
) -> list[dict[str, Any]]:
    """The same, a day's metadata after the other's."""

    @dg.asset(
        name=table,
        key_prefix=["any", "prefix"],
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def made() -> Any:
        return rows

    resource = DuckDBWarehouseResource(path=str(warehouse.path), dataset=warehouse.dataset)
    done = dg.materialize(
        [made],
        tags={
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        },
        resources={"io_manager": WarehouseIOManager(resource=resource)},
    )
    found = done.asset_materializations_for_node(f"any__prefix__{table}")
    return [{name: value.value for name, value in one.metadata.items()} for one in found]


def test_a_range_run_replaces_its_days_in_one_write_and_counts_rows(
    warehouse: DuckDBWarehouse,
) -> None:
    old = [raw(DAY + timedelta(days=n), n) for n in range(4)]
    warehouse.replace(RAW, days(DAY, 4), arrow(RAW, old))
    metadata = written(warehouse, RAW, arrow(RAW, [raw(NEXT, "new")]), DAY, NEXT)
    assert [day for (day,) in stored(warehouse, RAW, "event_date")] == [
        NEXT,
        DAY + timedelta(days=2),
        DAY + timedelta(days=3),
    ]
    assert metadata["run_rows_written"] == 1
    assert metadata["run_rows_replaced"] == 2
    assert metadata["dagster/row_count"] == 3
    assert metadata["window"] == "2026-03-10..2026-03-11"


def test_each_day_is_noted_with_its_own_rows_dollars_and_replaced_rows(
    warehouse: DuckDBWarehouse,
) -> None:
    """By hand: 1 row of 10 March becomes 2 of $1.25 in all, 2 of 11 March become none."""
    old = [raw(DAY, 1), raw(NEXT, 2), raw(NEXT, 3)]
    warehouse.replace(RAW, days(DAY, 2), arrow(RAW, old))
    new = [
        raw(DAY, "a", cost_usd=Decimal("0.75")),
        raw(DAY, "b", cost_usd=Decimal("0.50")),
    ]
    one, other = written_by_day(warehouse, RAW, arrow(RAW, new), DAY, NEXT)
    names = ("dagster/partition_row_count", "rows_written", "rows_replaced", "usd")
    assert [one[name] for name in names] == [2, 2, 1, 1.25]
    assert [other[name] for name in names] == [0, 0, 2, 0.0]
    assert "dagster/row_count" not in one, "what the whole table has stands on the last day"
    assert (other["dagster/row_count"], other["run_rows_written"]) == (2, 2)


def test_a_table_without_partitions_is_written_as_a_whole_whatever_the_days(
    warehouse: DuckDBWarehouse,
) -> None:
    table = "dim_cost_centers"
    for name in ("old", "new"):
        metadata = written(warehouse, table, arrow(table, [row(table, cost_center=name)]))
    assert stored(warehouse, table, "cost_center") == [("new",)]
    assert metadata["window"] == "whole table"


def test_an_asset_can_name_a_wider_window_than_the_runs(warehouse: DuckDBWarehouse) -> None:
    old = [raw(DAY + timedelta(days=n), n) for n in range(3)]
    warehouse.replace(RAW, days(DAY, 3), arrow(RAW, old))
    metadata = written(warehouse, RAW, Write(arrow(RAW, [raw(NEXT, "new")]), days(DAY, 3)))
    assert [day for (day,) in stored(warehouse, RAW, "event_date")] == [NEXT]
    assert metadata["run_rows_replaced"] == 3
    assert metadata["rows_replaced"] == 1, "that of the run's own day"


def test_a_query_is_run_inside_the_warehouse(warehouse: DuckDBWarehouse) -> None:
    centers = [row("dim_cost_centers", cost_center=name) for name in ("CC-1", "CC-2")]
    warehouse.replace("dim_cost_centers", None, arrow("dim_cost_centers", centers))
    event = selected(RAW, raw(NEXT, "b"), cost_center="cost_center")
    query = Query(f"{event} FROM dim_cost_centers WHERE cost_center = @own", {"own": "CC-2"})
    assert written(warehouse, RAW, query, NEXT, NEXT)["rows_written"] == 1
    assert stored(warehouse, RAW, "cost_center") == [("CC-2",)]


def test_rows_that_break_the_contract_fail_the_run_and_leave_the_table(
    warehouse: DuckDBWarehouse,
) -> None:
    warehouse.replace(RAW, Window.day(DAY), arrow(RAW, [raw(DAY, "old")]))
    with pytest.raises(WarehouseError, match="lie outside 2026-03-10"):
        written(warehouse, RAW, arrow(RAW, [raw(NEXT, "new")]))
    assert [day for (day,) in stored(warehouse, RAW, "event_date")] == [DAY]


def test_an_asset_downstream_gets_the_rows_of_the_runs_days(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace(RAW, days(DAY, 2), arrow(RAW, [raw(DAY, "a"), raw(NEXT, "b")]))
    warehouse.replace(
        "dim_cost_centers", None, arrow("dim_cost_centers", [row("dim_cost_centers")])
    )
    seen: list[tuple[int, int]] = []
    specs = [dg.AssetSpec(name, partitions_def=PARTITIONS) for name in (RAW, "dim_cost_centers")]

    @dg.asset(partitions_def=PARTITIONS)
    def reader(raw_ai_events: Any, dim_cost_centers: Any) -> dg.MaterializeResult[None]:
        assert raw_ai_events.column("event_date").to_pylist() == [NEXT]
        seen.append((len(raw_ai_events), len(dim_cost_centers)))
        return dg.MaterializeResult()

    resource = DuckDBWarehouseResource(path=str(warehouse.path), dataset=warehouse.dataset)
    dg.materialize(
        [reader, *specs],
        selection=[reader],
        partition_key=NEXT.isoformat(),
        resources={"io_manager": WarehouseIOManager(resource=resource)},
    )
    assert seen == [(1, 1)]


def test_the_settings_name_the_warehouse(tmp_path: Path) -> None:
    settings = Settings.load(
        {
            "AI_USAGE_HOME": str(tmp_path),
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "AI_USAGE_DATASET": "mine",
            "AI_USAGE_LOCK_TIMEOUT_SECONDS": "7",
        }
    )
    made = warehouse_resource(settings).warehouse()
    assert isinstance(made, DuckDBWarehouse)
    assert (made.path, made.dataset) == (tmp_path / "warehouse.duckdb", "mine")
    assert made.lock_timeout_seconds == 7
    assert made.describe() == str(tmp_path / "warehouse.duckdb")
    assert not made.path.exists(), "nothing is opened yet"
