"""Dagster's side of the warehouse: resources that make one, and the IO manager that writes to it.

An asset returns rows (Arrow) or a `Query`, and its window is replaced; one whose days have a gap
returns a `Write` for each part. Assets downstream read with
SQL inside the warehouse; only one that takes an input argument gets its rows as Arrow.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError
from ai_usage.instance.partitions import window_of
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Query, Replaced, Rows, Warehouse, Write
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema


class DuckDBWarehouseResource(WarehouseResource):
    """The embedded warehouse: a DuckDB file."""

    path: str
    dataset: str
    internal_dataset: str | None = None
    lock_timeout_seconds: float = 60.0

    def warehouse(self) -> Warehouse:
        """The warehouse in the file."""
        return DuckDBWarehouse(
            Path(self.path),
            self.dataset,
            internal_dataset=self.internal_dataset,
            lock_timeout_seconds=self.lock_timeout_seconds,
        )


class WarehouseIOManager(dg.ConfigurableIOManager):
    """Replaces the run's window of an asset's table in one transaction."""

    resource: dg.ResourceDependency[WarehouseResource]

    def handle_output(
        self, context: dg.OutputContext, obj: Rows | Query | Write | Sequence[Write]
    ) -> None:
        """Write the asset's rows; the table is named as the last part of the asset's key.

        Of several writes each is a transaction of its own, as the days of separate runs are.
        """
        table = context.asset_key.path[-1]
        partitioned = table_schema(table).partition_column is not None
        if isinstance(obj, Write):
            writes: Sequence[Write] = [obj]
        elif isinstance(obj, Sequence):
            writes = obj
        else:
            writes = [Write(obj, window_of(context))]
        warehouse, done = self.resource.warehouse(), []
        for write in writes:
            window = write.window if partitioned else None
            done.append((window, warehouse.replace(table, window, write.new)))
        if done:
            context.add_output_metadata(_noted(done))

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """The upstream table's rows of the run's days, as Arrow."""
        table = context.asset_key.path[-1]
        partitioned = table_schema(table).partition_column is not None
        window = window_of(context) if partitioned and context.has_asset_partitions else None
        return self.resource.warehouse().read(table, window)


def _noted(done: Sequence[tuple[Window | None, Replaced]]) -> dict[str, Any]:
    """What is noted on the asset: counts and bytes are summed, the table has its last size."""
    details: dict[str, Any] = {}
    for _window, replaced in done:
        for name, value in replaced.details.items():
            add = isinstance(value, int | float) and name in details
            details[name] = details[name] + value if add else value
    return {
        "dagster/row_count": done[-1][1].rows_in_table,
        "rows_written": sum(replaced.rows for _window, replaced in done),
        "rows_replaced": sum(replaced.rows_before for _window, replaced in done),
        "window": ", ".join(str(window) if window else "whole table" for window, _ in done),
        **details,
    }


def warehouse_resource(settings: Settings) -> WarehouseResource:
    """The warehouse resource that the settings name."""
    if settings.warehouse == "bigquery":
        # Imported here: it takes seconds, and its packages are an extra.
        try:
            from ai_usage.orchestration.bigquery_resource import bigquery_resource
        except ImportError as error:
            raise SettingsError(
                f"AI_USAGE_WAREHOUSE=bigquery needs the package {error.name}: install ai-usage "
                "with the extra `bigquery`."
            ) from error
        return bigquery_resource(settings)
    return DuckDBWarehouseResource(
        path=str(settings.warehouse_path),
        dataset=settings.dataset,
        internal_dataset=settings.internal_dataset,
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )
