"""Dagster's side of the warehouse: resources that make one, and the IO manager that writes to it.

An asset returns rows (Arrow) or a `Query`, and its window is replaced; one whose days have a gap
returns a `Write` for each part. Assets downstream read with
SQL inside the warehouse; only one that takes an input argument gets its rows as Arrow.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError
from ai_usage.instance.partitions import window_of
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.base import DayCounts, Query, Replaced, Rows, Warehouse, Write
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.embedded import duckdb_options
from ai_usage.warehouse.kept import keep_in
from ai_usage.warehouse.schema import table_schema


class DuckDBWarehouseResource(WarehouseResource):
    """The embedded warehouse: a DuckDB file."""

    path: str
    dataset: str
    internal_dataset: str | None = None
    lock_timeout_seconds: float = 60.0
    memory_limit: int | None = None
    spill_dir: str | None = None

    def warehouse(self) -> Warehouse:
        """The warehouse in the file."""
        return DuckDBWarehouse(
            Path(self.path),
            self.dataset,
            internal_dataset=self.internal_dataset,
            lock_timeout_seconds=self.lock_timeout_seconds,
            memory_limit=self.memory_limit,
            spill_dir=Path(self.spill_dir) if self.spill_dir else None,
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
            of = window_of(context) if context.has_asset_partitions else None
            of_run(context.run_id).wrote(table, done, of)
            _note(context, done)

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """The upstream table's rows of the run's days, as Arrow."""
        table = context.asset_key.path[-1]
        partitioned = table_schema(table).partition_column is not None
        window = window_of(context) if partitioned and context.has_asset_partitions else None
        return self.resource.warehouse().read(table, window)


def _note(context: dg.OutputContext, done: Sequence[tuple[Window | None, Replaced]]) -> None:
    """Note on each day what is that day's, and on the last one what the run wrote in all.

    Dagster plots the numbers of an asset by partition: what all days of a run share would be a flat
    line, and its sum nonsense.
    """
    if not context.has_asset_partitions:
        context.add_output_metadata(_of_run(done))
        return
    keys, step = context.asset_partition_keys, context.step_context
    has_dollars = table_schema(context.asset_key.path[-1]).dollars_column is not None
    for key in keys:
        day = date.fromisoformat(key)
        of_day: dict[str, Any] = {}
        for window, replaced in done:
            if window is not None and window.start <= day < window.end:
                of_day = _of_day(replaced, day, has_dollars)
        whole = _of_run(done) if key == keys[-1] else {}
        if whole or of_day:
            step.add_asset_metadata(whole | of_day, context.asset_key, partition_key=key)


def _of_day(replaced: Replaced, day: date, has_dollars: bool) -> dict[str, Any]:
    now = replaced.days.get(day, DayCounts())
    found: dict[str, Any] = {
        "dagster/partition_row_count": now.rows,
        "rows_written": now.rows,
        "rows_replaced": replaced.days_before.get(day, DayCounts()).rows,
    }
    return found | ({"usd": float(now.usd or 0)} if has_dollars else {})


def _of_run(done: Sequence[tuple[Window | None, Replaced]]) -> dict[str, Any]:
    """What the run did in all: counts and bytes are summed, the table has its last size."""
    details: dict[str, Any] = {}
    for _window, replaced in done:
        for name, value in replaced.details.items():
            add = isinstance(value, int | float) and name in details
            details[name] = details[name] + value if add else value
    written = sum(replaced.rows for _window, replaced in done)
    before = sum(replaced.rows_before for _window, replaced in done)
    whole = all(window is None for window, _ in done)
    return {
        "dagster/row_count": done[-1][1].rows_in_table,
        # Of a table without days these are the run's; else a day's own stand under these names.
        **({"rows_written": written, "rows_replaced": before} if whole else {}),
        **({} if whole else {"run_rows_written": written, "run_rows_replaced": before}),
        "window": ", ".join(str(window) if window else "whole table" for window, _ in done),
        **details,
    }


def warehouse_resource(settings: Settings) -> WarehouseResource:
    """The warehouse resource that the settings name."""
    keep_in(settings.home / "cache")
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
    return DuckDBWarehouseResource(**duckdb_options(settings))
