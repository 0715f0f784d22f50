"""Cutover, rollback, retirement and rehearsal of a DuckDB file's old tables.

Each is a plan first: what it would do, and what forbids it. What it does is whole or not at all,
and doing it again finds what is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ai_usage.migration.description import Description, TableMapping, expression
from ai_usage.migration.dual_write import old_file, written_tables
from ai_usage.migration.embedded_target import OldFile, sha256_of
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.switching import (
    WrittenDays,
    cut_over,
    drop,
    roll_back,
    switched,
    unmovable,
)
from ai_usage.migration.writing import EVENTS, view_of
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.sql import for_duckdb

SNAPSHOT_DAYS = 37
"""How long the copy that a cutover makes is to be kept: the way back, and a week to notice."""

_WRITES = """
SELECT written_day, table_name, outcome
FROM migration_writes
WHERE written_day >= DATE '1900-01-01'
ORDER BY written_day
"""


@dataclass(frozen=True)
class OldNames:
    """The old tables that a cutover moves, and the views that take their names."""

    file: OldFile
    tables: Mapping[str, TableMapping]
    views: Mapping[str, str]
    written: Mapping[str, WrittenDays]
    """Days that dual write wrote."""
    unwritten: Mapping[str, Sequence[str]]
    """Columns of each table that `write:` does not fill: NULL under the old name."""
    lagging: Sequence[str]
    """What dual write lacks, in words."""


def old_names(description: Description, warehouse: Warehouse) -> OldNames:
    """What a cutover would move. Raises `MigrationError` where there is nothing it could."""
    file, tables = old_file(description.source), written_tables(description)
    if not isinstance(warehouse, DuckDBWarehouse):
        raise MigrationError(
            f"{file.path}: a view in it cannot read {warehouse.describe()}: keep the embedded "
            "warehouse until the cutover, or move the old tables to BigQuery first."
        )
    path = str(warehouse.path.absolute()).replace("'", "''")
    events = (
        f"read_duckdb('{path}', schema_name = '{warehouse.dataset_of(EVENTS)}', "
        f"table_name = '{EVENTS}')"
    )
    columns = file.columns(list(tables))
    written, lagging = _written(warehouse, tables)
    return OldNames(
        file=file,
        tables=tables,
        views={n: view_of(n, mapping, columns[n], events) for n, mapping in tables.items()},
        written=written,
        unwritten={
            name: [column for column in columns[name] if column not in mapping.write]
            for name, mapping in tables.items()
        },
        lagging=lagging,
    )


def _written(
    warehouse: Warehouse, tables: Mapping[str, TableMapping]
) -> tuple[dict[str, WrittenDays], list[str]]:
    """The days that dual write wrote, by table, and what it lacks."""
    days: dict[str, list[date]] = {name: [] for name in tables}
    lagging = []
    rows = list(warehouse.rows(_WRITES)) if warehouse.exists("migration_writes") else []
    for row in rows:
        if row["outcome"] != "written":
            lagging.append(f"{row['table_name']} lacks {row['written_day']}")
        elif row["table_name"] in days:
            days[row["table_name"]].append(row["written_day"])
    lagging += [f"{name} was never written" for name, own in days.items() if not own]
    found = {
        name: WrittenDays(for_duckdb(expression(tables[name].day)).sql("duckdb"), own)
        for name, own in days.items()
        if own
    }
    return found, lagging


def hindrances(names: OldNames) -> list[str]:
    """What forbids a cutover, beside the gate."""
    return [*names.lagging, *unmovable(names.file, list(names.tables))]


def snapshot_of(names: OldNames, folder: Path, begun: datetime) -> tuple[Path, str]:
    """The copy of the whole old file from before the cutover, and its SHA-256.

    One that is there is kept: it was made before anything moved.
    """
    to = folder / f"{names.file.path.stem}-{begun:%Y%m%dT%H%M%S%f}.duckdb"
    if to.exists():
        return to, sha256_of(to)
    if switched(names.file, list(names.tables)):
        raise MigrationError(
            f"{to} is gone, and some names are switched: go back with `ai-usage migrate rollback`."
        )
    return to, names.file.copy(to)


def switch(names: OldNames) -> list[str]:
    """Move the tables, and let the views have their names; those that are moved are left."""
    return cut_over(names.file, names.views, names.written)


def switch_back(description: Description) -> list[str]:
    """Let the tables have their names again."""
    file = old_file(description.source)
    return roll_back(file, list(written_tables(description)))


def retire(description: Description, folder: Path) -> dict[str, str]:
    """Archive each old table as Parquet, and drop it; the SHA-256 of each file."""
    tables = list(written_tables(description))
    drop(old_file(description.source), tables, folder)
    files = {name: folder / f"{name}.parquet" for name in tables}
    return {name: sha256_of(file) for name, file in files.items() if file.exists()}


@dataclass(frozen=True)
class Rehearsed:
    """A table's digest before, and after a cutover and a rollback."""

    table: str
    before: str
    after: str


def rehearse(names: OldNames, folder: Path) -> list[Rehearsed]:
    """Cut over and roll back a copy of the old file; the original is only read.

    Raises `MigrationError` where a view would differ from its table.
    """
    copy = folder / "rehearsal.duckdb"
    try:
        names.file.copy(copy)
        file = OldFile(copy, names.file.schema)
        before = file.state()
        cut_over(file, names.views, names.written)
        roll_back(file, list(names.tables))
        after = file.state()
    finally:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}.wal").unlink(missing_ok=True)
    return [
        Rehearsed(table, before.get(table, "none"), after.get(table, "none"))
        for table in sorted(before.keys() | after.keys())
    ]
