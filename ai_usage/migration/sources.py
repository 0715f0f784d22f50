"""An old system, read only, wherever its tables stand.

Statements are given as trees of BigQuery's dialect, for each engine alike. Nothing here writes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlglot import exp

from ai_usage.errors import AiUsageError

NUMBERS = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"})
"""Types of amounts and counts."""
PLAIN = NUMBERS | {"STRING", "DATE", "DATETIME", "TIMESTAMP", "BOOL"}
"""Types by which rows can be ordered and told apart on each engine."""


class MigrationError(AiUsageError):
    """The old system, its description or a step of the migration cannot be taken as it is."""


@dataclass(frozen=True)
class OldTable:
    """A table of the old system: its columns in order, each with BigQuery's name of its type."""

    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """Who read an old table in the last days, how often, and when last."""

    table: str
    who: str
    reads: int
    last: datetime


class Source(ABC):
    """The old tables, wherever they stand."""

    where: str
    """As `from:` of migration.yaml names it."""

    @abstractmethod
    def tables(self) -> list[OldTable]:
        """Every table or view, by name."""

    @abstractmethod
    def rows(self, statement: exp.Query) -> Iterator[dict[str, Any]]:
        """The rows of a statement, streamed. Raises `MigrationError` where it is refused."""

    @abstractmethod
    def version(self, table: str) -> str:
        """A text that changes when the table does."""

    @abstractmethod
    def readers(self, days: int) -> list[Reader] | None:
        """Who read the tables in the last days; None where the engine keeps no list."""

    def table(self, name: str) -> OldTable:
        """The table of that name. Raises `MigrationError` naming those that are there."""
        found = {one.name: one for one in self.tables()}
        if name not in found:
            raise MigrationError(
                f"{self.where}: there is no table {name}; there are: {', '.join(found) or 'none'}."
            )
        return found[name]

    def unchanged(self, table: str, statement: exp.Query) -> Iterator[dict[str, Any]]:
        """The rows of a statement; `MigrationError` after the last if the table changed meanwhile.

        A caller keeps nothing of what it read until the rows have ended.
        """
        before = self.version(table)
        yield from self.rows(statement)
        if self.version(table) != before:
            raise MigrationError(
                f"{self.where}: {table} changed while it was read, and nothing of it was kept; "
                "stop what writes it, or try again when it is done."
            )


def day_literal(day: date) -> exp.Expr:
    """The day as a typed literal."""
    return exp.cast(exp.Literal.string(day.isoformat()), exp.DType.DATE)
