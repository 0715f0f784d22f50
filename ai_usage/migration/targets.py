"""What is done to old tables, wherever they stand. Each engine has one of both classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from ai_usage.migration.description import TableMapping
from ai_usage.migration.sources import Reader
from ai_usage.warehouse.base import Query, Warehouse

SNAPSHOT_DAYS = 37
"""How long what a cutover copies is kept: the way back, and a week to notice."""

SwitchStep = Literal["cutover", "rollback", "retire"]


@dataclass(frozen=True)
class WrittenDays:
    """Days of an old table that dual write wrote last, by its own day (BigQuery's SQL)."""

    day: str
    days: Sequence[date]


class Target(ABC):
    """Old tables as dual write writes them: under their name, or aside after the cutover."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where the old tables stand, for a person."""

    @abstractmethod
    def changed_at(self, tables: Sequence[str]) -> datetime:
        """When any of the tables changed last, by the clock of whoever keeps them."""

    @abstractmethod
    def mark(self, table: str) -> str:
        """A digest of the table's rows, whatever their order."""

    @abstractmethod
    def columns(self, tables: Sequence[str]) -> dict[str, list[str]]:
        """The columns of each table, in order, wherever it stands."""

    @abstractmethod
    def replace(
        self,
        table: str,
        mapping: TableMapping,
        asked: Query,
        warehouse: Warehouse,
        days: Sequence[date],
        before_commit: Callable[[str, str], None],
    ) -> int:
        """Put the rows of the days in the place of those that are there, in one transaction.

        The rows are those that the warehouse answers to the query, old columns by their names.
        `before_commit` is told the table's marks before and after. Returns the rows of the days.
        Raises `MigrationError` or `WarehouseError` where a row is refused; the table is then as it
        was.
        """

    def statements(
        self, table: str, mapping: TableMapping, asked: Query, days: Sequence[date]
    ) -> list[str]:
        """What `replace` sends, for a person to read; none where rows are handed over."""
        return []


@dataclass(frozen=True)
class Snapshot:
    """What a cutover copied before anything moved."""

    told: Sequence[str]
    """In words, a line for each copy."""
    details: Mapping[str, str]
    """Where the copies are and their digests, for the log."""


@dataclass(frozen=True)
class Rehearsed:
    """A table's state before, and after a cutover and a rollback."""

    table: str
    before: str
    after: str


@dataclass(frozen=True)
class Switch:
    """The names that a cutover switches: each view's SELECT, and what dual write wrote."""

    views: Mapping[str, str] = field(default_factory=dict)
    """In the engine's SQL."""
    written: Mapping[str, WrittenDays] = field(default_factory=dict)


class Switching(ABC):
    """Old names: let views have them, give them back, or end them.

    Each step finds what is done already and goes on from there, so that it can be called again
    after it was broken off. All but `rehearse` change the old system.
    """

    target: Target

    @abstractmethod
    def aside(self, table: str) -> str:
        """Where the table stands after the cutover, for a person."""

    @abstractmethod
    def views(
        self, tables: Mapping[str, TableMapping], columns: Mapping[str, Sequence[str]]
    ) -> dict[str, str]:
        """The SELECT of each view that takes an old name, in the engine's SQL.

        Raises `MigrationError` where a view there cannot read the warehouse.
        """

    @abstractmethod
    def hindrances(self, tables: Mapping[str, TableMapping]) -> list[str]:
        """What a move of the tables would lose or show to more people, in words."""

    @abstractmethod
    def switched(self, tables: Sequence[str]) -> list[str]:
        """Those of the tables whose names are views already."""

    @abstractmethod
    def snapshot(self, tables: Sequence[str], folder: Path, begun: datetime) -> Snapshot:
        """Copy the tables as they are before the cutover that was begun then; once.

        Raises `MigrationError` where a copy is not the same, or is gone with names switched.
        """

    @abstractmethod
    def cut_over(self, switch: Switch) -> list[str]:
        """Move each table aside, and let a view have its name; those that were moved now.

        Raises `MigrationError` where a view differs from its table on the days that dual write
        wrote; the names are then as they were.
        """

    @abstractmethod
    def roll_back(self, tables: Sequence[str]) -> list[str]:
        """Drop the views and give the tables their names, with all that was written since."""

    @abstractmethod
    def retire(self, tables: Sequence[str], folder: Path) -> dict[str, str]:
        """Write each table that is aside as Parquet, read it back, and drop it and its view.

        Returns the SHA-256 of each table's file, of those dropped before, too. Raises
        `MigrationError` where a file does not hold its table; nothing more is dropped then.
        """

    @abstractmethod
    def rehearse(self, switch: Switch, folder: Path) -> list[Rehearsed]:
        """Cut over and roll back copies of the tables; they themselves are only read."""

    @abstractmethod
    def readers(self, tables: Sequence[str], days: int) -> list[Reader] | None:
        """Who read the tables, or the views with their names; None where no list is kept."""

    def statements(self, step: SwitchStep, switch: Switch) -> list[str]:
        """What a step sends, for a person to read; none where they are made as it goes."""
        return []
