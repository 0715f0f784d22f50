"""The views stand before anything was written: a table without rows is empty, not missing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.types import view_types
from ai_usage.warehouse.views import view_names, view_schema


def test_every_view_can_be_created_and_read_before_any_table_was_written(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "new.duckdb", "ai")
    for name in view_names():
        view = view_schema(name)
        warehouse.create_view(view, {"as_of": date(2025, 9, 10), **view.defaults})
        assert warehouse.query(f"SELECT * FROM {name}").num_rows == 0, name
        assert warehouse.column_types(name) == view_types(name), name
