"""The old system that a description or a person names: to be read, written, or switched."""

from __future__ import annotations

from pathlib import Path

from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.embedded_target import LEGACY_SCHEMA, old_file
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.migration.states import State
from ai_usage.migration.switching import EmbeddedSwitching
from ai_usage.migration.targets import Switching, Target
from ai_usage.warehouse.base import Warehouse


def open_old(text: str, state: State) -> Source:
    """The old system, where its own tables stand in this state: views have their names after it.

    Raises as `open_source` does.
    """
    source = open_source(text)
    if state == "cutover" and isinstance(source, EmbeddedSource):
        return source.in_schema(LEGACY_SCHEMA)
    return source


def open_source(text: str) -> Source:
    """The old system that `from:` names.

    `duckdb:<file>#<schema>`, `files:<file or folder>` or `bigquery:<project>.<dataset>`. Raises
    `MigrationError` where it is none of these or not there.
    """
    kind, _, rest = text.partition(":")
    if kind == "duckdb" and rest:
        path, _, schema = rest.partition("#")
        return EmbeddedSource(Path(path).expanduser(), schema or "main", text)
    if kind == "files" and rest:
        return EmbeddedSource(Path(rest).expanduser(), None, text)
    if kind == "bigquery" and rest.count(".") == 1:
        try:
            from ai_usage.migration.bigquery_source import BigQuerySource
        except ImportError as error:
            raise MigrationError(
                f"{text}: BigQuery's client is not installed: pip install 'ai-usage[bigquery]'."
            ) from error

        return BigQuerySource(*rest.split("."))
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
    if kind != "duckdb" or not rest:
        raise MigrationError(
            f"{text}: only a DuckDB file's old tables can be written; others are read."
        )
    return EmbeddedSwitching(old_file(rest), warehouse)
