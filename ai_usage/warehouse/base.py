"""The contract that every warehouse keeps, and the values that pass through it.

`replace` checks the new rows against the declared columns and the window before anything is
deleted; delete and insert are one transaction; a reader never sees half of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

import pyarrow as pa

from ai_usage.days.windows import Window
from ai_usage.warehouse.own_sql import OwnSql
from ai_usage.warehouse.sql import AS_OF, Literals, references
from ai_usage.warehouse.views import ViewSchema, view_names, view_schema

Parameter = date | datetime | int | float | str | Decimal | None
Parameters = Mapping[str, Parameter]

Details = Mapping[str, int | float | str]
"""What an engine says of its work, like bytes processed: metadata of the asset that asked."""


@dataclass(frozen=True)
class ByDays:
    """The days that a query is about, and its parameters for any part of them."""

    window: Window
    parameters: Callable[[Window], Parameters]


@dataclass(frozen=True)
class Query:
    """A SELECT in BigQuery's dialect over the product's tables, and its bound parameters.

    Its columns are those of the table that it is written to, in any order; it does not read that
    table. Run once for each part of `by_days` instead it gives the same rows: an engine with little
    memory may do that.
    """

    sql: str
    parameters: Parameters = field(default_factory=dict)
    by_days: ByDays | None = None


Rows: TypeAlias = pa.Table | pa.RecordBatchReader
"""New rows of a table: in memory, or streamed."""


@dataclass(frozen=True)
class Write:
    """New rows for a window that differs from the run's own partitions."""

    new: Rows | Query
    window: Window


@dataclass(frozen=True)
class DayCounts:
    """What a day of a table holds: rows, and US dollars where the table has any (else None)."""

    rows: int = 0
    usd: Decimal | None = None


@dataclass(frozen=True)
class Replaced:
    """What a replacement did: rows now in the window, those before, those of the whole table.

    `days` and `days_before` say the same of each day that has rows; empty without partitions.
    """

    rows: int
    rows_before: int
    rows_in_table: int
    details: Details = field(default_factory=dict)
    days: Mapping[date, DayCounts] = field(default_factory=dict)
    days_before: Mapping[date, DayCounts] = field(default_factory=dict)


class Warehouse(ABC):
    """A place for the product's tables and views; see the module for the contract."""

    asks_together: ClassVar[int] = 1
    """How many tables may be judged at once: more where to ask has a price of its own."""

    def held(self) -> AbstractContextManager[object]:
        """For what is asked one right after the other: an engine that opens a file does so once.

        Nothing else may be done meanwhile: others wait.
        """
        return nullcontext()

    @abstractmethod
    def ensure_table(self, table: str) -> None:
        """Create the table, or add the columns it lacks.

        Raises `WarehouseError` naming the column on any other drift from the DDL.
        """

    @abstractmethod
    def replace(self, table: str, window: Window | None, new: Rows | Query) -> Replaced:
        """Make the window (None: the whole table) hold exactly the new rows.

        A view that a query reads and that is not there yet is created. Raises `WarehouseError`
        before anything is deleted if a row lies outside the window, a column is missing, unknown or
        of another type, or a NOT NULL column holds NULL.
        """

    @abstractmethod
    def create_view(self, view: ViewSchema, literals: Literals) -> Details:
        """Let the view stand with its render parameters filled in; what the engine says of it.

        A view that it reads and that is not there yet is created too, seen from the same day. One
        that stands so already may be left alone; labels that others gave it stay in any case.
        """

    def _create_what_is_read(self, sql: str, literals: Literals) -> None:
        """Create the views that a statement reads and that are not there yet."""
        for name in view_names():
            if name in references(sql) and not self.exists(name):
                read = view_schema(name)
                self.create_view(read, {**read.defaults, AS_OF: literals.get(AS_OF)})

    @abstractmethod
    def column_types(self, relation: str) -> Mapping[str, str]:
        """BigQuery's name for the type of each column of a table or view; empty without it."""

    @abstractmethod
    def dataset_of(self, relation: str) -> str:
        """The dataset in which a table or view of the product stands, as ibis names it."""

    @abstractmethod
    def query(self, query: Query | str) -> pa.Table:
        """The rows of a query in BigQuery's dialect."""

    def queries(self, queries: Mapping[str, Query]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        """The rows of several queries, by their names, each to be read before the next is asked.

        An engine that can lets them see one state of the warehouse.
        """
        for name, query in queries.items():
            yield name, self.query(query).to_reader()

    def measured(self, query: Query | str) -> tuple[pa.Table, Details]:
        """The rows of a query, and what the engine says of answering it."""
        return self.query(query), {}

    @abstractmethod
    def exists(self, relation: str) -> bool:
        """Whether the table or view is there."""

    @abstractmethod
    def definitions(self) -> Mapping[str, str]:
        """What the engine keeps of the product's tables and views that are there, by their names.

        The text of each, or its kind where to be told more takes a question for each.
        """

    @abstractmethod
    def ibis(self) -> AbstractContextManager[Any]:
        """An ibis connection to the warehouse's dataset, for checks that run inside the engine."""

    def own_sql(self) -> AbstractContextManager[OwnSql | None]:
        """For questions in the engine's dialect, whose text is kept; None where it takes ibis."""
        return nullcontext()

    @abstractmethod
    def describe(self) -> str:
        """Where the warehouse is, for a person: a path or a dataset."""

    def read(self, table: str, window: Window | None = None) -> pa.Table:
        """The rows of a table, of a window of days where one is given, with its declared types."""
        from ai_usage.warehouse.schema import table_schema

        schema = table_schema(table)
        if window is None or schema.partition_column is None:
            where = schema.days_from("DATE '1900-01-01'")
            return self.query(f"SELECT * FROM {table} WHERE {where}")
        return self.query(
            Query(
                f"SELECT * FROM {table} WHERE {schema.days_from('@start', '@end')}",
                {"start": window.start, "end": window.end},
            )
        )

    def rows(self, query: Query | str) -> Iterator[dict[str, Any]]:
        """The rows of a small query as mappings."""
        yield from self.query(query).to_pylist()
