"""The old system that a description or a person names."""

from __future__ import annotations

from pathlib import Path

from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.embedded_target import LEGACY_SCHEMA
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.migration.states import State


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
