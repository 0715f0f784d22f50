"""The old system that a description or a person names: to be read, written, or switched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.embedded_target import LEGACY_SCHEMA, old_file
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.migration.states import State
from ai_usage.migration.switching import EmbeddedSwitching
from ai_usage.migration.targets import Switching, Target
from ai_usage.warehouse.base import Warehouse


def open_old(text: str, state: State, warehouse: Warehouse | None = None) -> Source:
    """The old system, where its own tables stand in this state: views have their names after it.

    Raises as `open_source` does.
    """
    source = open_source(text, warehouse, switched=state == "cutover")
    if state == "cutover" and isinstance(source, EmbeddedSource):
        return source.in_schema(LEGACY_SCHEMA)
    return source


def open_source(text: str, warehouse: Warehouse | None = None, *, switched: bool = False) -> Source:
    """The old system that `from:` names.

    `duckdb:<file>#<schema>`, `files:<file or folder>` or `bigquery:<project>.<dataset>`. A
    warehouse in BigQuery reads the latter with its own account and bounds; `switched` says that
    views have its old names. Raises `MigrationError` where it is none of these or not there.
    """
    kind, _, rest = text.partition(":")
    if kind == "duckdb" and rest:
        path, _, schema = rest.partition("#")
        return EmbeddedSource(Path(path).expanduser(), schema or "main", text)
    if kind == "files" and rest:
        return EmbeddedSource(Path(rest).expanduser(), None, text)
    if kind == "bigquery" and rest.count(".") == 1:
        with _client_installed(text):
            from ai_usage.migration.bigquery_source import BigQuerySource
            from ai_usage.warehouse.bigquery import BigQueryWarehouse
        connect = warehouse.client if isinstance(warehouse, BigQueryWarehouse) else None
        project, dataset = rest.split(".")
        return BigQuerySource(project, dataset, connect, switched=switched)
    raise MigrationError(
        f"{text!r} names no old system: write duckdb:<file>#<schema>, files:<file or folder> or "
        "bigquery:<project>.<dataset>."
    )


def open_target(text: str, warehouse: Warehouse) -> Target:
    """The old tables that `from:` names, to be written.

    Raises `MigrationError` for those that can only be read.
    """
    return open_switching(text, warehouse).target


def open_switching(text: str, warehouse: Warehouse) -> Switching:
    """The old names that `from:` names, to be switched to views over the warehouse's tables.

    Raises as `open_target` does.
    """
    kind, _, rest = text.partition(":")
    if kind == "duckdb" and rest:
        return EmbeddedSwitching(old_file(rest), warehouse)
    if kind != "bigquery" or rest.count(".") != 1:
        raise MigrationError(
            f"{text}: only old tables of a DuckDB file or of BigQuery can be written; others are "
            "read."
        )
    with _client_installed(text):
        from ai_usage.migration.bigquery_switching import BigQuerySwitching
        from ai_usage.migration.bigquery_target import BigQueryTarget
        from ai_usage.warehouse.bigquery import BigQueryWarehouse
    if not isinstance(warehouse, BigQueryWarehouse):
        raise MigrationError(
            f"{text}: its tables are written from a warehouse in BigQuery, and this one is "
            f"{warehouse.describe()}: set AI_USAGE_WAREHOUSE=bigquery, and build the days there."
        )
    return BigQuerySwitching(BigQueryTarget(warehouse, *rest.split(".")))


@contextmanager
def _client_installed(text: str) -> Iterator[None]:
    """Say how to install BigQuery's client where it is not."""
    try:
        yield
    except ImportError as error:
        raise MigrationError(
            f"{text}: BigQuery's client is not installed: pip install 'ai-usage[bigquery]'."
        ) from error
