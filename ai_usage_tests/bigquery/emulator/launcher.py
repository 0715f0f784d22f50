"""Starts the BigQuery emulator where there is no network; harmless where there is one.

Runs in the emulator's own environment (`requirements-emulator.lock`), not in the project's. The
emulator is local-bigquery over DuckDB: it sets TimeZone before the ICU extension is there, and
expects to download its extensions. Here they come from packages.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

EXTENSIONS = ("icu", "ducklake", "spatial")


def packaged_extensions(folder: Path) -> Path:
    """Gather the packages' extension files in one folder, laid out as DuckDB expects it."""
    for name in EXTENSIONS:
        spec = find_spec(f"duckdb_extension_{name}")
        if spec is None or spec.origin is None:
            raise SystemExit(f"duckdb-extension-{name} is not installed: make .venv-emulator again")
        (file,) = Path(spec.origin).parent.rglob(f"{name}.duckdb_extension")
        platform = duckdb.execute("PRAGMA platform").fetchall()[0][0]
        home = folder / f"v{duckdb.__version__}" / platform
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, home / file.name)
    return folder


CHANGED = """
SELECT epoch_ms(max(s.snapshot_time))
FROM "{meta}".ducklake_snapshot AS s
WHERE s.snapshot_id IN (
  SELECT unnest([f.begin_snapshot, f.end_snapshot])
  FROM (
    SELECT table_id, begin_snapshot, end_snapshot FROM "{meta}".ducklake_data_file
    UNION ALL
    SELECT table_id, begin_snapshot, end_snapshot FROM "{meta}".ducklake_delete_file
  ) AS f
  JOIN "{meta}".ducklake_table AS t USING (table_id)
  JOIN "{meta}".ducklake_schema AS d USING (schema_id)
  WHERE t.table_name = ? AND d.schema_name = ?
)
"""
"""When the files of a table last changed, by DuckLake's own books."""


def tell_last_writes() -> None:
    """Let a table's lastModifiedTime be that of its rows too: the emulator has its definition's."""
    from local_bigquery.catalog import tables
    from local_bigquery.engine import database

    load = tables.load

    def load_as_written(project_id: str, dataset_id: str, table_id: str) -> Any:
        table = load(project_id, dataset_id, table_id)
        query = CHANGED.format(meta=f"__ducklake_metadata_{project_id}")
        ((written,),) = database.fetch(query, [table_id, dataset_id])
        latest = max(int(table.lastModifiedTime or 0), int(written or 0))
        return table.replace(lastModifiedTime=str(latest))

    tables.load = load_as_written


COPY = re.compile(
    r"^(CREATE\b.*?)\s+(CLONE\s+\S+)\s+(OPTIONS\s*\(.*\))$", re.IGNORECASE | re.DOTALL
)


def read_options_of_copies() -> None:
    """Let a snapshot or clone have OPTIONS at its end: the emulator reads them before CLONE."""
    from local_bigquery.sql.dialect import BigQueryDialect
    from local_bigquery.sql.rules import ddl
    from sqlglot import exp, parse_one

    normalise = ddl.normalise

    def normalise_copy(tree: Any) -> Any:
        if isinstance(tree, exp.Command):
            text = tree.sql(dialect=BigQueryDialect).strip()
            if COPY.match(text):
                tree = parse_one(COPY.sub(r"\1 \3 \2", text), dialect=BigQueryDialect)
        return normalise(tree)

    ddl.normalise = normalise_copy


def main() -> None:
    """Start the emulator with the command line's arguments."""
    connect = duckdb.connect
    with tempfile.TemporaryDirectory() as folder:
        extensions = packaged_extensions(Path(folder))

        def connect_offline(*args: Any, **options: Any) -> duckdb.DuckDBPyConnection:
            config = dict(options.pop("config", None) or {})
            zone = config.pop("TimeZone", None)
            connection = connect(*args, **(options | {"config": config}))
            # Its statements are many and tiny: threads cost a fifth more than they bring.
            connection.execute("SET threads = 1")
            connection.execute(f"SET extension_directory = '{extensions}'")
            for name in EXTENSIONS:
                connection.execute(f"LOAD {name}")
            if zone is not None:
                connection.execute(f"SET GLOBAL TimeZone = '{zone}'")
            return connection

        duckdb.connect = connect_offline
        from local_bigquery import cli

        tell_last_writes()
        read_options_of_copies()
        sys.argv[0] = "local-bigquery"
        cli.main()


if __name__ == "__main__":
    main()
