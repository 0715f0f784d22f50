"""The old system that a description or a person names."""

from __future__ import annotations

from pathlib import Path

from ai_usage.migration.embedded_source import EmbeddedSource
from ai_usage.migration.sources import MigrationError, Source


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
