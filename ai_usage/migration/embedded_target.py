"""The old system as it is written: a schema of a DuckDB file, each change whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from ai_usage.migration.description import TableMapping, expression
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.targets import Target
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.sql import for_duckdb

LEGACY_SCHEMA = "legacy"
"""Where old tables stand after the cutover; views have their names."""


@dataclass(frozen=True)
class OldFile(Target):
    """A schema of a DuckDB file, as `from:` names it."""

    path: Path
    schema: str

    @property
    def where(self) -> str:
        """The file."""
        return str(self.path)

    def changed_at(self, tables: Sequence[str]) -> datetime:
        """When anything in the file changed last."""
        wal = self.path.with_name(f"{self.path.name}.wal")
        times = [file.stat().st_mtime for file in (self.path, wal) if file.exists()]
        return datetime.fromtimestamp(max(times), UTC)

    def mark(self, table: str) -> str:
        """A digest of the table's rows, whatever their order."""
        with self.connected(read_only=True) as connection:
            return mark_of(connection, self.place_of(connection, table))

    def replace(
        self,
        table: str,
        mapping: TableMapping,
        asked: Query,
        warehouse: Warehouse,
        days: Sequence[date],
        before_commit: Callable[[str, str], None],
    ) -> int:
        """Put the rows of the days in the place of those that are there, in one transaction."""
        rows = warehouse.query(asked)
        of_day = for_duckdb(expression(mapping.day)).sql("duckdb")
        columns = ", ".join(quoted(name) for name in rows.column_names)
        with self.connected() as connection, transaction(connection):
            place = self.place_of(connection, table)
            before = mark_of(connection, place)
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
            before_commit(before, mark_of(connection, place))
        return int(count)

    def copy(self, to: Path) -> str:
        """Copy the whole file while nobody can write it; the SHA-256 that both have.

        Raises `MigrationError` where the copy is not the same.
        """
        to.parent.mkdir(parents=True, exist_ok=True)
        half = to.with_name(f"{to.name}.half")
        with self.connected() as connection:
            connection.execute("CHECKPOINT old_system")
            digest = sha256_of(self.path)
            shutil.copyfile(self.path, half)
        if sha256_of(half) != digest:
            raise MigrationError(
                f"{half} is not what {self.path} is: see whether its disk is sound."
            )
        half.replace(to)
        return digest

    def state(self) -> dict[str, str]:
        """For each table and view of the schema what it is: its DDL, comment and mark."""
        with self.connected(read_only=True) as connection:
            found = connection.execute(
                "SELECT table_name, sql, comment FROM duckdb_tables() "
                "WHERE database_name = 'old_system' AND schema_name = $1 UNION ALL "
                "SELECT view_name, sql, comment FROM duckdb_views() "
                "WHERE database_name = 'old_system' AND schema_name = $1 ORDER BY 1",
                [self.schema],
            ).fetchall()
            return {
                table: f"{sql} {comment} {mark_of(connection, named(self.schema, table))}"
                for table, sql, comment in found
            }

    def columns(self, tables: Sequence[str]) -> dict[str, list[str]]:
        """The columns of each table, in order, wherever it stands."""
        with self.connected(read_only=True) as connection:
            return {
                table: [
                    column[0]
                    for column in connection.execute(
                        f"SELECT * FROM {self.place_of(connection, table)} LIMIT 0"
                    ).description
                ]
                for table in tables
            }

    def place_of(self, connection: duckdb.DuckDBPyConnection, table: str) -> str:
        """Where the old rows stand: under their name, or in `legacy` after the cutover."""
        switched = self.is_switched(connection, table)
        return named(LEGACY_SCHEMA if switched else self.schema, table)

    def is_switched(self, connection: duckdb.DuckDBPyConnection, table: str) -> bool:
        """Whether the table has been cut over."""
        found = connection.execute(
            "SELECT COUNT(*) FROM duckdb_tables() WHERE database_name = 'old_system' "
            "AND schema_name = $1 AND table_name = $2",
            [LEGACY_SCHEMA, table],
        ).fetchall()
        return bool(found[0][0])

    @contextmanager
    def connected(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file, attached as `old_system`; raises `MigrationError` for what DuckDB refuses."""
        connection = duckdb.connect()
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            how = " (READ_ONLY)" if read_only else ""
            connection.execute(f"ATTACH {text_of(self.path)} AS old_system{how}")
            connection.execute(f"USE old_system.{quoted(self.schema)}")
            yield connection
        except duckdb.Error as error:
            said = str(error).strip().splitlines()[0]
            raise MigrationError(f"{self.path}: {said}") from error
        finally:
            connection.close()


def old_file(rest: str) -> OldFile:
    """What `<file>#<schema>` of `from:` names."""
    path, _, schema = rest.partition("#")
    return OldFile(Path(path).expanduser().absolute(), schema or "main")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the body, or nothing of it."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # The first error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def mark_of(connection: duckdb.DuckDBPyConnection, place: str) -> str:
    """A digest of the rows there, whatever their order."""
    (count, total) = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(CAST(md5_number_lower(CAST(r AS VARCHAR)) AS HUGEINT)), 0) "
        f"FROM {place} AS r"
    ).fetchall()[0]
    return f"{count} {total}"


def named(schema: str, table: str) -> str:
    """The table, as SQL has it."""
    return f"{quoted(schema)}.{quoted(table)}"


def quoted(name: str) -> str:
    """A name, as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text_of(value: object) -> str:
    """A text, as SQL has it."""
    return "'" + str(value).replace("'", "''") + "'"
