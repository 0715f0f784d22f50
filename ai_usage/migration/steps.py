"""Cutover, rollback, retirement and rehearsal of old tables, wherever they stand.

Each is a plan first: what it would do, and what forbids it. Doing it again finds what is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ai_usage.migration.description import Description, TableMapping
from ai_usage.migration.dual_write import tried_days, written_tables
from ai_usage.migration.opening import open_switching
from ai_usage.migration.sources import Reader
from ai_usage.migration.states import ROLLBACK_DAYS
from ai_usage.migration.targets import (
    Rehearsed,
    Snapshot,
    Switch,
    Switching,
    SwitchStep,
    WrittenDays,
)
from ai_usage.warehouse.base import Warehouse


@dataclass(frozen=True)
class OldNames:
    """The old tables that a cutover moves, and the views that take their names."""

    switching: Switching
    tables: Mapping[str, TableMapping]
    switch: Switch
    unwritten: Mapping[str, Sequence[str]]
    """Columns of each table that `write:` does not fill: NULL under the old name."""
    lagging: Sequence[str]
    """What dual write lacks, in words."""

    @property
    def written(self) -> Mapping[str, WrittenDays]:
        """Days that dual write wrote."""
        return self.switch.written


def old_names(description: Description, warehouse: Warehouse) -> OldNames:
    """What a cutover would move. Raises `MigrationError` where there is nothing it could."""
    tables = written_tables(description)
    switching = open_switching(description.source, warehouse)
    columns = switching.target.columns(list(tables))
    written, lagging = _written(warehouse, tables)
    return OldNames(
        switching=switching,
        tables=tables,
        switch=Switch(switching.views(tables, columns), written),
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
    for row in tried_days(warehouse):
        if row["outcome"] != "written":
            lagging.append(f"{row['table_name']} lacks {row['written_day']}")
        elif row["table_name"] in days:
            days[row["table_name"]].append(row["written_day"])
    lagging += [f"{name} was never written" for name, own in days.items() if not own]
    return {name: WrittenDays(tables[name].day, own) for name, own in days.items() if own}, lagging


def hindrances(names: OldNames) -> list[str]:
    """What forbids a cutover, beside the gate."""
    return [*names.lagging, *names.switching.hindrances(names.tables)]


def snapshot_of(names: OldNames, folder: Path, begun: datetime) -> Snapshot:
    """The copies of the old tables from before the cutover that was begun then."""
    return names.switching.snapshot(list(names.tables), folder, begun)


def switch(names: OldNames) -> list[str]:
    """Move the tables, and let the views have their names; those that are moved are left."""
    return names.switching.cut_over(names.switch)


def switch_back(description: Description, warehouse: Warehouse) -> list[str]:
    """Let the tables have their names again."""
    switching = open_switching(description.source, warehouse)
    return switching.roll_back(list(written_tables(description)))


def retire(description: Description, warehouse: Warehouse, folder: Path) -> dict[str, str]:
    """Archive each old table as Parquet, and drop it; the SHA-256 of each file."""
    switching = open_switching(description.source, warehouse)
    return switching.retire(list(written_tables(description)), folder)


def readers(description: Description, warehouse: Warehouse) -> list[Reader] | None:
    """Who still read old names while the way back was kept; None where no list is kept."""
    switching = open_switching(description.source, warehouse)
    return switching.readers(list(written_tables(description)), ROLLBACK_DAYS)


def aside(description: Description, warehouse: Warehouse) -> dict[str, str]:
    """Where each table that is written stands after the cutover, for a person."""
    switching = open_switching(description.source, warehouse)
    return {name: switching.aside(name) for name in written_tables(description)}


def statements(description: Description, warehouse: Warehouse, step: SwitchStep) -> list[str]:
    """What a way back or on sends, for a person to read."""
    switching = open_switching(description.source, warehouse)
    tables = written_tables(description)
    return switching.statements(step, Switch(dict.fromkeys(tables, "")))


def rehearse(names: OldNames, folder: Path) -> list[Rehearsed]:
    """Cut over and roll back copies of the old tables; they themselves are only read.

    Raises `MigrationError` where a view would differ from its table.
    """
    return names.switching.rehearse(names.switch, folder)
