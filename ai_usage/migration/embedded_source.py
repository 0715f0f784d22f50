"""An old system that DuckDB reads: a DuckDB file's schema, or Parquet and CSV files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from ai_usage.migration.sources import MigrationError, OldTable, Reader, Source
from ai_usage.warehouse.schema import bigquery_type
from ai_usage.warehouse.sql import for_duckdb

BATCH_ROWS = 10_000
"""Rows in memory at once."""

_FILES = {".csv": "read_csv", ".parquet": "read_parquet"}


class EmbeddedSource(Source):
    """Old tables that DuckDB reads: a schema of a DuckDB file, or files of Parquet and CSV.

    Of a folder each file is a table by its name, and each folder in it one of all its files, with
    the columns that any of them has. Values of CSV are texts: a type that is guessed loses cents.
    """

    def __init__(self, path: Path, schema: str | None, where: str) -> None:
        self.where = where
        self._path = path
        self._schema = schema
        if not path.exists():
            raise MigrationError(f"{where}: {path} is not there; put right `from:`.")

    def in_schema(self, schema: str) -> EmbeddedSource:
        """The same file's other schema; itself where it is no DuckDB file."""
        return EmbeddedSource(self._path, schema, self.where) if self._schema else self

    def tables(self) -> list[OldTable]:
        """Every table or view, by name."""
        with self._connected() as connection:
            found = connection.execute(
                "SELECT table_name, list(column_name ORDER BY ordinal_position), "
                "list(data_type ORDER BY ordinal_position) FROM information_schema.columns "
                "WHERE table_catalog = current_database() AND table_schema = current_schema() "
                "GROUP BY 1 ORDER BY 1"
            ).fetchall()
        return [
            OldTable(name, dict(zip(columns, map(bigquery_type, types), strict=True)))
            for name, columns, types in found
        ]

    def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
        """The rows of a statement, streamed."""
        sql = for_duckdb(statement.copy()).sql("duckdb")
        with self._connected() as connection:
            try:
                found = connection.execute(sql)
                names = [column[0] for column in found.description]
                while batch := found.fetchmany(BATCH_ROWS):
                    for row in batch:
                        yield dict(zip(names, row, strict=True))
            except duckdb.Error as error:
                raise MigrationError(f"{self.where}: {_first_line(error)}") from error

    def version(self, table: str) -> str:
        """Sizes and times of the files that the table stands in."""
        files = self._files()[table] if self._schema is None else self._database_files()
        stats = [(str(file), *_size_and_time(file)) for file in files]
        return sha256(repr(stats).encode()).hexdigest()

    def readers(self, days: int) -> list[Reader] | None:
        """None: no list is kept of who reads a file."""
        return None

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = duckdb.connect()
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            if self._schema is None:
                self._show_files(connection)
            else:
                connection.execute(f"ATTACH {_quoted(self._path)} AS old_system (READ_ONLY)")
                connection.execute(f'USE old_system."{self._schema}"')
            yield connection
        except duckdb.Error as error:
            raise MigrationError(f"{self.where}: {_first_line(error)}") from error
        finally:
            connection.close()

    def _show_files(self, connection: duckdb.DuckDBPyConnection) -> None:
        for name, files in self._files().items():
            listed = ", ".join(_quoted(file) for file in files)
            function = _FILES[files[0].suffix.lower()]
            texts = ", all_varchar = true" if function == "read_csv" else ""
            connection.execute(
                f'CREATE VIEW "{name}" AS SELECT * FROM '
                f"{function}([{listed}], union_by_name = true{texts})"
            )

    def _files(self) -> dict[str, list[Path]]:
        if self._path.is_file():
            return {self._path.stem: [self._path]}
        found: dict[str, list[Path]] = {}
        for entry in sorted(self._path.iterdir()):
            files = [entry] if entry.is_file() else sorted(entry.iterdir())
            known = [file for file in files if file.suffix.lower() in _FILES]
            if known:
                found.setdefault(entry.stem, []).extend(known)
        return found

    def _database_files(self) -> list[Path]:
        return [self._path, self._path.with_name(f"{self._path.name}.wal")]


def _size_and_time(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return (0, 0)
    return (stat.st_size, stat.st_mtime_ns)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
