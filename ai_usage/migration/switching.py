"""Old names as views, and back: each step whole or not at all, so that a kill leaves no half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from ai_usage.migration.embedded_target import (
    LEGACY_SCHEMA,
    OldFile,
    mark_of,
    named,
    quoted,
    sha256_of,
    text_of,
    transaction,
)
from ai_usage.migration.sources import MigrationError


@dataclass(frozen=True)
class WrittenDays:
    """Days of an old table that dual write wrote last, by its own day (DuckDB's SQL)."""

    day: str
    days: Sequence[date]


def switched(old: OldFile, tables: Sequence[str]) -> list[str]:
    """Those of the tables whose names are views already."""
    with old.connected(read_only=True) as connection:
        return [table for table in tables if old.is_switched(connection, table)]


def cut_over(
    old: OldFile, views: Mapping[str, str], written: Mapping[str, WrittenDays]
) -> list[str]:
    """Move each table to the schema `legacy`, and let a view have its name.

    `views` has the view's SELECT for each table, `written` the days on which both must be equal.
    All of it is one transaction; tables that are moved already are left. Returns those that were
    moved. Raises `MigrationError` where a view differs from its table; nothing has changed then.
    """
    moved = []
    with old.connected() as connection, transaction(connection):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LEGACY_SCHEMA}")
        for table, select in views.items():
            if old.is_switched(connection, table):
                continue
            columns = _columns(old, connection, table)
            _move(connection, table, old.schema, LEGACY_SCHEMA)
            names = ", ".join(
                f"CAST({quoted(n)} AS {type_}) AS {quoted(n)}" for n, type_ in columns.items()
            )
            view = named(old.schema, table)
            connection.execute(f"CREATE VIEW {view} AS SELECT {names} FROM ({select})")
            _tell(connection, "VIEW", view, _comments(connection, table, LEGACY_SCHEMA))
            moved.append(table)
        for table, days in written.items():
            _refuse_difference(old, connection, table, days)
    return moved


def _refuse_difference(
    old: OldFile, connection: duckdb.DuckDBPyConnection, table: str, written: WrittenDays
) -> None:
    """The smoke query: on days that we wrote, the old name gives the rows that it gave."""
    sides = [
        f"SELECT * FROM {place} WHERE CAST({written.day} AS DATE) IN "
        "(SELECT UNNEST(CAST($1 AS DATE[])))"
        for place in (named(LEGACY_SCHEMA, table), named(old.schema, table))
    ]
    for one, other in (sides, sides[::-1]):
        (count,) = connection.execute(
            f"SELECT COUNT(*) FROM (({one}) EXCEPT ALL ({other}))", [list(written.days)]
        ).fetchall()[0]
        if count:
            raise MigrationError(
                f"{table}: {count} rows of {len(written.days)} days are not those that the view "
                "gives, and nothing was changed: let a run write them, and try again."
            )


def roll_back(old: OldFile, tables: Sequence[str]) -> list[str]:
    """Drop the views and move the tables back, with all that was written since."""
    moved = []
    with old.connected() as connection, transaction(connection):
        for table in tables:
            if old.is_switched(connection, table):
                connection.execute(f"DROP VIEW {named(old.schema, table)}")
                _move(connection, table, LEGACY_SCHEMA, old.schema)
                moved.append(table)
    return moved


def drop(old: OldFile, tables: Sequence[str], archive: Path) -> dict[str, str]:
    """Write each old table as Parquet, read it back, and drop it and its view.

    Returns each file's SHA-256. Raises `MigrationError` where a file does not hold the table;
    nothing is dropped then.
    """
    digests = {}
    archive.mkdir(parents=True, exist_ok=True)
    with old.connected() as connection, transaction(connection):
        for table in tables:
            if not old.is_switched(connection, table):
                continue
            place, file = named(LEGACY_SCHEMA, table), archive / f"{table}.parquet"
            connection.execute(f"COPY {place} TO {text_of(file)} (FORMAT parquet)")
            if mark_of(connection, place) != mark_of(connection, f"read_parquet({text_of(file)})"):
                raise MigrationError(
                    f"{file} does not hold what {table} does: nothing was dropped; see whether "
                    "its disk is sound."
                )
            connection.execute(f"DROP VIEW IF EXISTS {named(old.schema, table)}")
            connection.execute(f"DROP TABLE {place}")
            digests[table] = sha256_of(file)
    return digests


def unmovable(old: OldFile, tables: Sequence[str]) -> list[str]:
    """Tables with indexes of their own, which a move would lose, in words."""
    with old.connected(read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, index_name FROM duckdb_indexes() "
            "WHERE database_name = 'old_system' AND schema_name = $1",
            [old.schema],
        ).fetchall()
    return [f"{table} has the index {index}" for table, index in found if table in tables]


def _move(connection: duckdb.DuckDBPyConnection, table: str, start: str, end: str) -> None:
    """Make the table anew in another schema, with its constraints, comments and rows."""
    comments = _comments(connection, table, start)
    (sql,) = connection.execute(
        "SELECT sql FROM duckdb_tables() WHERE database_name = 'old_system' "
        "AND schema_name = $1 AND table_name = $2",
        [start, table],
    ).fetchall()[0]
    tree = sqlglot.parse_one(sql, read="duckdb")
    made = tree.find(exp.Table)
    if made is None:
        raise MigrationError(f"{table}: its DDL cannot be read: {sql}")
    made.set("db", exp.to_identifier(end, quoted=True))
    connection.execute(tree.sql("duckdb"))
    connection.execute(f"INSERT INTO {named(end, table)} SELECT * FROM {named(start, table)}")
    _tell(connection, "TABLE", named(end, table), comments)
    connection.execute(f"DROP TABLE {named(start, table)}")


def _comments(
    connection: duckdb.DuckDBPyConnection, table: str, schema: str
) -> dict[str | None, str]:
    """What is said of the table (None) and of its columns."""
    found = connection.execute(
        "SELECT NULL AS name, comment FROM duckdb_tables() WHERE comment IS NOT NULL AND "
        "database_name = 'old_system' AND schema_name = $1 AND table_name = $2 UNION ALL "
        "SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL AND "
        "database_name = 'old_system' AND schema_name = $1 AND table_name = $2",
        [schema, table],
    ).fetchall()
    return dict(found)


def _tell(
    connection: duckdb.DuckDBPyConnection, kind: str, place: str, comments: Mapping[str | None, str]
) -> None:
    for column, told in comments.items():
        where = f"{kind} {place}" if column is None else f"COLUMN {place}.{quoted(column)}"
        connection.execute(f"COMMENT ON {where} IS {text_of(told)}")


def _columns(old: OldFile, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    found = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE "
        "database_name = 'old_system' AND schema_name = $1 AND table_name = $2 "
        "ORDER BY column_index",
        [old.schema, table],
    ).fetchall()
    if not found:
        raise MigrationError(f"{old.path}: there is no table {table} in {old.schema}.")
    return dict(found)
