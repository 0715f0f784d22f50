"""The embedded warehouse as the settings have it, for who need not wait for Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.kept import keep_in


def duckdb_options(settings: Settings) -> dict[str, Any]:
    """What the settings say of the DuckDB file: texts and numbers, as `DuckDBWarehouse` has it."""
    return {
        "path": str(settings.warehouse_path),
        "dataset": settings.dataset,
        "internal_dataset": settings.internal_dataset,
        "lock_timeout_seconds": settings.lock_timeout_seconds,
        "memory_limit": settings.duckdb_memory,
        "spill_dir": str(settings.duckdb_spill_dir) if settings.duckdb_spill_dir else None,
    }


def embedded_warehouse(settings: Settings) -> DuckDBWarehouse:
    """The DuckDB file that the settings name; cheap, nothing is opened yet."""
    keep_in(settings.home / "cache")
    options = duckdb_options(settings)
    path, spill = Path(options.pop("path")), options.pop("spill_dir")
    return DuckDBWarehouse(path, spill_dir=Path(spill) if spill else None, **options)
