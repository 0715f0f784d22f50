"""Old names of a DuckDB file as views, and back: each step is whole or not at all.

A kill leaves no half: all names are switched in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from ai_usage.migration.description import TableMapping, expression
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
from ai_usage.migration.sources import MigrationError, Reader
from ai_usage.migration.targets import (
    SNAPSHOT_DAYS,
    Rehearsed,
    Snapshot,
    Switch,
    Switching,
    WrittenDays,
)
from ai_usage.migration.writing import EVENTS, view_of
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.sql import for_duckdb


class EmbeddedSwitching(Switching):
    """The old names of a DuckDB file's schema; tables go to its schema `legacy`."""

    def __init__(self, old: OldFile, warehouse: Warehouse) -> None:
        self.target: OldFile = old
        self._warehouse = warehouse

    def aside(self, table: str) -> str:
        """The table in the schema `legacy`."""
        return f"{LEGACY_SCHEMA}.{table}"

    def views(
        self, tables: Mapping[str, TableMapping], columns: Mapping[str, Sequence[str]]
    ) -> dict[str, str]:
        """Each view's SELECT, which reads the warehouse's file by itself."""
        if not isinstance(self._warehouse, DuckDBWarehouse):
            raise MigrationError(
                f"{self.target.path}: a view in it cannot read {self._warehouse.describe()}: keep "
                "the embedded warehouse until the cutover, or move the old tables to BigQuery "
                "first."
            )
        path = text_of(self._warehouse.path.absolute())
        events = (
            f"read_duckdb({path}, schema_name = '{self._warehouse.dataset_of(EVENTS)}', "
            f"table_name = '{EVENTS}')"
        )
        return {
            name: for_duckdb(view_of(name, mapping, columns[name]))
            .sql("duckdb")
            .replace(f"FROM {EVENTS}", f"FROM {events}", 1)
            for name, mapping in tables.items()
        }

    def hindrances(self, tables: Mapping[str, TableMapping]) -> list[str]:
        """Indexes, which a move would lose."""
        return unmovable(self.target, list(tables))

    def switched(self, tables: Sequence[str]) -> list[str]:
        """Those of the tables whose names are views already."""
        return switched(self.target, tables)

    def snapshot(self, tables: Sequence[str], folder: Path, begun: datetime) -> Snapshot:
        """The copy of the whole old file from before the cutover.

        One that is there is kept: it was made before anything moved.
        """
        to = folder / f"{self.target.path.stem}-{begun:%Y%m%dT%H%M%S%f}.duckdb"
        if to.exists():
            digest = sha256_of(to)
        elif self.switched(tables):
            raise MigrationError(
                f"{to} is gone, and some names are switched: go back with `ai-usage migrate "
                "rollback`."
            )
        else:
            digest = self.target.copy(to)
        told = f"{to}: the old file, SHA-256 {digest}; keep it {SNAPSHOT_DAYS} days"
        return Snapshot([told], {"snapshot": str(to), "sha256": digest})

    def cut_over(self, switch: Switch) -> list[str]:
        """Move the tables, and let the views have their names; those that are moved are left."""
        return cut_over(self.target, switch.views, switch.written)

    def roll_back(self, tables: Sequence[str]) -> list[str]:
        """Let the tables have their names again."""
        return roll_back(self.target, tables)

    def retire(self, tables: Sequence[str], folder: Path) -> dict[str, str]:
        """Archive each old table as Parquet, and drop it."""
        return drop(self.target, tables, folder)

    def rehearse(self, switch: Switch, folder: Path) -> list[Rehearsed]:
        """Cut over and roll back a copy of the old file; the original is only read."""
        copy = folder / "rehearsal.duckdb"
        try:
            self.target.copy(copy)
            file = OldFile(copy, self.target.schema)
            before = file.state()
            cut_over(file, switch.views, switch.written)
            roll_back(file, list(switch.views))
            after = file.state()
        finally:
            copy.unlink(missing_ok=True)
            copy.with_name(f"{copy.name}.wal").unlink(missing_ok=True)
        return [
            Rehearsed(table, before.get(table, "none"), after.get(table, "none"))
            for table in sorted(before.keys() | after.keys())
        ]

    def readers(self, tables: Sequence[str], days: int) -> list[Reader] | None:
        """None: no list is kept of who reads a file."""
        return None


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
    day = for_duckdb(expression(written.day)).sql("duckdb")
    sides = [
        f"SELECT * FROM {place} WHERE CAST({day} AS DATE) IN (SELECT UNNEST(CAST($1 AS DATE[])))"
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

    Returns each file's SHA-256, of those dropped before, too. Raises `MigrationError` where a file
    does not hold the table; nothing is dropped then.
    """
    files = {table: archive / f"{table}.parquet" for table in tables}
    archive.mkdir(parents=True, exist_ok=True)
    with old.connected() as connection, transaction(connection):
        for table, file in files.items():
            if not old.is_switched(connection, table):
                continue
            place = named(LEGACY_SCHEMA, table)
            connection.execute(f"COPY {place} TO {text_of(file)} (FORMAT parquet)")
            if mark_of(connection, place) != mark_of(connection, f"read_parquet({text_of(file)})"):
                raise MigrationError(
                    f"{file} does not hold what {table} does: nothing was dropped; see whether "
                    "its disk is sound."
                )
            connection.execute(f"DROP VIEW IF EXISTS {named(old.schema, table)}")
            connection.execute(f"DROP TABLE {place}")
    return {table: sha256_of(file) for table, file in files.items() if file.exists()}


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
