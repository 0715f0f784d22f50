"""The old system as it is written: a schema of a DuckDB file, each change whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.sources import MigrationError
from ai_usage.warehouse.sql import for_duckdb

LEGACY_SCHEMA = "legacy"
"""Where old tables stand after the cutover; views have their names."""


@dataclass(frozen=True)
class OldFile:
    """A schema of a DuckDB file, as `from:` names it."""

    path: Path
    schema: str

    def changed_at(self) -> datetime:
        """When anything in the file changed last."""
        wal = self.path.with_name(f"{self.path.name}.wal")
        times = [file.stat().st_mtime for file in (self.path, wal) if file.exists()]
        return datetime.fromtimestamp(max(times), UTC)

    def mark(self, table: str) -> str:
        """A digest of the table's rows, whatever their order."""
        with self._connected(read_only=True) as connection:
            return _mark(connection, self._place(connection, table))

    def replace(
        self,
        table: str,
        mapping: TableMapping,
        rows: pa.Table,
        days: Sequence[date],
        before_commit: Callable[[str, str], None],
    ) -> int:
        """Put the rows of the days in the place of those that are there, in one transaction.

        `before_commit` is told the table's marks before and after. Returns the rows of the days.
        Raises `MigrationError` where the table refuses them; it is then as it was.
        """
        of_day = for_duckdb(expression(mapping.day)).sql("duckdb")
        columns = ", ".join(_name(name) for name in rows.column_names)
        with self._connected() as connection, _transaction(connection):
            place = self._place(connection, table)
            before = _mark(connection, place)
            connection.register("stage_", rows)
            connection.execute(f"CREATE TEMP TABLE written_ AS SELECT * FROM {place} LIMIT 0")
            connection.execute(f"INSERT INTO written_ ({columns}) SELECT {columns} FROM stage_")
            wanted = f"CAST({of_day} AS DATE) IN (SELECT UNNEST(CAST($1 AS DATE[])))"
            connection.execute(f"DELETE FROM {place} WHERE {wanted}", [list(days)])
            connection.execute(
                f"INSERT INTO {place} ({columns}) SELECT {columns} FROM written_ WHERE {wanted}",
                [list(days)],
            )
            (count,) = connection.execute(
                f"SELECT COUNT(*) FROM written_ WHERE {wanted}", [list(days)]
            ).fetchall()[0]
            connection.execute("DROP TABLE written_")
            before_commit(before, _mark(connection, place))
        return int(count)

    def switched(self, tables: Sequence[str]) -> list[str]:
        """Those of the tables whose names are views already."""
        with self._connected(read_only=True) as connection:
            return [table for table in tables if self._is_switched(connection, table)]

    def cut_over(
        self, views: Mapping[str, str], check: Callable[[duckdb.DuckDBPyConnection], None]
    ) -> list[str]:
        """Move each table to the schema `legacy`, and let a view have its name.

        `views` has the view's SELECT for each table. All of it is one transaction, which `check`
        ends if it raises; tables that are moved already are left. Returns those that were moved.
        """
        moved = []
        with self._connected() as connection, _transaction(connection):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LEGACY_SCHEMA}")
            for table, select in views.items():
                if self._is_switched(connection, table):
                    continue
                columns = self._columns(connection, self.schema, table)
                self._move(connection, table, self.schema, LEGACY_SCHEMA)
                names = ", ".join(
                    f"CAST({_name(n)} AS {type_}) AS {_name(n)}" for n, type_ in columns.items()
                )
                connection.execute(
                    f"CREATE VIEW {_place(self.schema, table)} AS SELECT {names} FROM ({select})"
                )
                moved.append(table)
            check(connection)
        return moved

    def roll_back(self, tables: Sequence[str]) -> list[str]:
        """Drop the views and move the tables back, with all that was written since."""
        moved = []
        with self._connected() as connection, _transaction(connection):
            for table in tables:
                if self._is_switched(connection, table):
                    connection.execute(f"DROP VIEW {_place(self.schema, table)}")
                    self._move(connection, table, LEGACY_SCHEMA, self.schema)
                    moved.append(table)
        return moved

    def drop(self, tables: Sequence[str], archive: Path) -> dict[str, str]:
        """Write each old table as Parquet, read it back, and drop it and its view.

        Returns each file's SHA-256. Raises `MigrationError` where a file does not hold the table;
        nothing is dropped then.
        """
        digests = {}
        archive.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection, _transaction(connection):
            for table in tables:
                if not self._is_switched(connection, table):
                    continue
                place, file = _place(LEGACY_SCHEMA, table), archive / f"{table}.parquet"
                connection.execute(f"COPY {place} TO {_text(file)} (FORMAT parquet)")
                if _mark(connection, place) != _mark(connection, f"read_parquet({_text(file)})"):
                    raise MigrationError(
                        f"{file} does not hold what {table} does: nothing was dropped; see whether "
                        "its disk is sound."
                    )
                connection.execute(f"DROP VIEW IF EXISTS {_place(self.schema, table)}")
                connection.execute(f"DROP TABLE {place}")
                digests[table] = sha256_of(file)
        return digests

    def copy(self, to: Path) -> str:
        """Copy the whole file while nobody can write it; the SHA-256 that both have.

        Raises `MigrationError` where the copy is not the same.
        """
        to.parent.mkdir(parents=True, exist_ok=True)
        half = to.with_name(f"{to.name}.half")
        with self._connected() as connection:
            connection.execute("CHECKPOINT old_system")
            digest = sha256_of(self.path)
            shutil.copyfile(self.path, half)
        if sha256_of(half) != digest:
            raise MigrationError(
                f"{half} is not what {self.path} is: see whether its disk is sound."
            )
        os.replace(half, to)
        return digest

    def state(self) -> dict[str, str]:
        """For each table and view of the schema what it is: its DDL, comment and mark."""
        with self._connected(read_only=True) as connection:
            found = connection.execute(
                "SELECT table_name, sql, comment FROM duckdb_tables() "
                "WHERE database_name = 'old_system' AND schema_name = $1 UNION ALL "
                "SELECT view_name, sql, comment FROM duckdb_views() "
                "WHERE database_name = 'old_system' AND schema_name = $1 ORDER BY 1",
                [self.schema],
            ).fetchall()
            return {
                table: f"{sql} {comment} {_mark(connection, _place(self.schema, table))}"
                for table, sql, comment in found
            }

    def unmovable(self, tables: Sequence[str]) -> list[str]:
        """Tables with indexes of their own, which a move would lose, in words."""
        with self._connected(read_only=True) as connection:
            found = connection.execute(
                "SELECT table_name, index_name FROM duckdb_indexes() "
                "WHERE database_name = 'old_system' AND schema_name = $1",
                [self.schema],
            ).fetchall()
        return [f"{table} has the index {index}" for table, index in found if table in tables]

    def _move(
        self, connection: duckdb.DuckDBPyConnection, table: str, start: str, end: str
    ) -> None:
        """Make the table anew in another schema, with its constraints, comments and rows."""
        sql, comment = connection.execute(
            "SELECT sql, comment FROM duckdb_tables() WHERE database_name = 'old_system' "
            "AND schema_name = $1 AND table_name = $2",
            [start, table],
        ).fetchall()[0]
        comments = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL AND "
            "database_name = 'old_system' AND schema_name = $1 AND table_name = $2",
            [start, table],
        ).fetchall()
        tree = sqlglot.parse_one(sql, read="duckdb")
        named = tree.find(exp.Table)
        if named is None:
            raise MigrationError(f"{table}: its DDL cannot be read: {sql}")
        named.set("db", exp.to_identifier(end, quoted=True))
        connection.execute(tree.sql("duckdb"))
        connection.execute(f"INSERT INTO {_place(end, table)} SELECT * FROM {_place(start, table)}")
        if comment:
            connection.execute(f"COMMENT ON TABLE {_place(end, table)} IS {_text(comment)}")
        for column, told in comments:
            where = f"{_place(end, table)}.{_name(column)}"
            connection.execute(f"COMMENT ON COLUMN {where} IS {_text(told)}")
        connection.execute(f"DROP TABLE {_place(start, table)}")

    def _place(self, connection: duckdb.DuckDBPyConnection, table: str) -> str:
        """Where the old rows stand: under their name, or in `legacy` after the cutover."""
        switched = self._is_switched(connection, table)
        return _place(LEGACY_SCHEMA if switched else self.schema, table)

    def _is_switched(self, connection: duckdb.DuckDBPyConnection, table: str) -> bool:
        found = connection.execute(
            "SELECT COUNT(*) FROM duckdb_tables() WHERE database_name = 'old_system' "
            "AND schema_name = $1 AND table_name = $2",
            [LEGACY_SCHEMA, table],
        ).fetchall()
        return bool(found[0][0])

    def _columns(
        self, connection: duckdb.DuckDBPyConnection, schema: str, table: str
    ) -> dict[str, str]:
        found = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE "
            "database_name = 'old_system' AND schema_name = $1 AND table_name = $2 "
            "ORDER BY column_index",
            [schema, table],
        ).fetchall()
        if not found:
            raise MigrationError(f"{self.path}: there is no table {table} in {schema}.")
        return dict(found)

    @contextmanager
    def _connected(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = duckdb.connect()
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            how = " (READ_ONLY)" if read_only else ""
            connection.execute(f"ATTACH {_text(self.path)} AS old_system{how}")
            connection.execute(f"USE old_system.{_name(self.schema)}")
            yield connection
        except duckdb.Error as error:
            said = str(error).strip().splitlines()[0]
            raise MigrationError(f"{self.path}: {said}") from error
        finally:
            connection.close()


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # The first error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _mark(connection: duckdb.DuckDBPyConnection, place: str) -> str:
    (count, total) = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(CAST(md5_number_lower(CAST(r AS VARCHAR)) AS HUGEINT)), 0) "
        f"FROM {place} AS r"
    ).fetchall()[0]
    return f"{count} {total}"


def _place(schema: str, table: str) -> str:
    return f"{_name(schema)}.{_name(table)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
