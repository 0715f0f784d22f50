"""The relations that stand in a DuckDB file, and its tables brought to what their DDL says."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.embedded_engine import quoted
from ai_usage.warehouse.relations import is_internal, relations
from ai_usage.warehouse.schema import TableSchema, table_schema

_COMPRESSION = {"raw_response": "ZSTD"}
"""How columns are to be compressed for which what DuckDB finds by itself is not the best.

Records of a vendor are much alike: by this they take two fifths of the bytes, and less time to
write. A table that is there keeps what it was made with.
"""
_PACKS_SINCE = (1, 2)
"""Version of the format of DuckDB's files from which on they can; one made before keeps its own."""
_VERSION = re.compile(r"v(\d+)\.(\d+)")


@dataclass(frozen=True)
class Schemas:
    """In which of the two schemas of a file each relation stands."""

    path: Path
    dataset: str
    internal_dataset: str

    def of(self, relation: str) -> str:
        """The schema of a table or view of the product."""
        return self.internal_dataset if is_internal(relation) else self.dataset

    def qualified(self, relation: str) -> str:
        """The relation's name for a statement."""
        return f'"{self.of(relation)}"."{relation}"'


@dataclass(frozen=True)
class PresentColumn:
    """A column as it stands in the file."""

    type: str
    nullable: bool
    comment: str | None


def columns_of(
    connection: duckdb.DuckDBPyConnection, schemas: Schemas, relations: Collection[str]
) -> dict[str, dict[str, PresentColumn]]:
    """The columns of those of the relations that are there.

    Asked in one query: DuckDB looks at every column of every view to answer it.
    """
    found: dict[str, dict[str, PresentColumn]] = {}
    homes = {name: schemas.of(name) for name in relations}
    for home, name, column, *rest in connection.execute(
        "SELECT schema_name, table_name, column_name, data_type, is_nullable, comment "
        "FROM duckdb_columns() WHERE database_name = current_database() "
        "AND list_contains(?, table_name) ORDER BY column_index",
        [list(homes)],
    ).fetchall():
        if homes[name] == home:
            found.setdefault(name, {})[column] = PresentColumn(*rest)
    return found


def definitions_of(connection: duckdb.DuckDBPyConnection, schemas: Schemas) -> dict[str, str]:
    """The text of each of the product's tables and views that are there, as DuckDB keeps it."""
    found = connection.execute(
        "SELECT schema_name, table_name, sql FROM duckdb_tables() "
        "WHERE database_name = current_database() UNION ALL "
        "SELECT schema_name, view_name, sql FROM duckdb_views() "
        "WHERE database_name = current_database()"
    ).fetchall()
    product = relations()
    return {name: sql for home, name, sql in found if name in product and schemas.of(name) == home}


def bring_to_ddl(
    connection: duckdb.DuckDBPyConnection, schemas: Schemas, tables: Collection[str]
) -> None:
    """Create tables, or add the columns that they lack, each in a transaction of its own.

    A table that nothing was written to yet is empty, not missing. WarehouseError names the column
    of any other drift.
    """
    present = columns_of(connection, schemas, tables)
    for name in sorted(tables):
        connection.execute("BEGIN TRANSACTION")
        schema = table_schema(name)
        if columns := present.get(name):
            _bring_forward(connection, schemas, schema, columns)
        else:
            _create(connection, schemas, schema)
        connection.execute("COMMIT")


def count(connection: duckdb.DuckDBPyConnection, qualified: str) -> int:
    """The rows of a table."""
    row = connection.execute(f"SELECT count(*) FROM {qualified}").fetchone()
    return int(row[0]) if row else 0


def _create(connection: duckdb.DuckDBPyConnection, schemas: Schemas, schema: TableSchema) -> None:
    packed = _COMPRESSION if _packs(connection) else {}
    columns = ", ".join(
        f'"{c.name}" {c.duckdb_type}{"" if c.nullable else " NOT NULL"}'
        f"{f' USING COMPRESSION {packed[c.name]}' if c.name in packed else ''}"
        for c in schema.columns
    )
    connection.execute(f"CREATE TABLE {schemas.qualified(schema.name)} ({columns})")
    _describe(connection, schemas, schema)


def _bring_forward(
    connection: duckdb.DuckDBPyConnection,
    schemas: Schemas,
    schema: TableSchema,
    present: Mapping[str, PresentColumn],
) -> None:
    name = schemas.qualified(schema.name)
    declared = {c.name: c for c in schema.columns}
    for column, there in present.items():
        if column not in declared:
            raise WarehouseError(
                f"{schemas.path}: table {schema.name} has a column {column} that its DDL does not "
                "declare; drop it there, or add it to the DDL."
            )
        is_there = (there.type, there.nullable)
        should_be = (declared[column].duckdb_type, declared[column].nullable)
        if is_there != should_be:
            raise WarehouseError(
                f"{schemas.path}: {schema.name}.{column} is {_type_text(*is_there)}, its DDL says "
                f"{_type_text(*should_be)}; rebuild the table from the archive."
            )
    for c in schema.columns:
        if c.name in present:
            continue
        if not c.nullable and count(connection, name):
            raise WarehouseError(
                f"{schemas.path}: {schema.name} lacks the NOT NULL column {c.name} and holds "
                "rows; rebuild the table from the archive."
            )
        connection.execute(f'ALTER TABLE {name} ADD COLUMN "{c.name}" {c.duckdb_type}')
        if not c.nullable:
            connection.execute(f'ALTER TABLE {name} ALTER COLUMN "{c.name}" SET NOT NULL')
    described = {name: there.comment for name, there in present.items()}
    if described != {c.name: c.description for c in schema.columns}:
        _describe(connection, schemas, schema)


def _describe(connection: duckdb.DuckDBPyConnection, schemas: Schemas, schema: TableSchema) -> None:
    name = schemas.qualified(schema.name)
    connection.execute(f"COMMENT ON TABLE {name} IS {quoted(schema.description)}")
    for c in schema.columns:
        connection.execute(f'COMMENT ON COLUMN {name}."{c.name}" IS {quoted(c.description)}')


def _packs(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file, which another program may have made, can be compressed as wanted."""
    row = connection.execute(
        "SELECT tags['storage_version'] FROM duckdb_databases() "
        "WHERE database_name = current_database()"
    ).fetchone()
    found = _VERSION.match(str(row[0])) if row else None
    return found is not None and (int(found[1]), int(found[2])) >= _PACKS_SINCE


def _type_text(type_name: str, nullable: bool) -> str:
    return type_name if nullable else f"{type_name} NOT NULL"
