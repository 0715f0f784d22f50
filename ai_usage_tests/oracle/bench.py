"""An engine that holds one company or warehouse at a time, and what statements make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import TableSchema, table_names, table_schema
from ai_usage_tests.oracle.companies import Company

BASE = "after"
"""The schema of the base tables, and of what today's statements build."""
ONE_DAY = timedelta(days=1)
CUT = "_cut"
NARROW = {"months": 1}
"""A window that cuts the data: what lies before it must be in no row."""
_CLOSED_AT = "1970-01-01"

Row = dict[str, Any]
Say = Callable[[str], None]
Windows = Sequence[tuple[date, date]]


def say_nothing(_text: str) -> None:
    """For whoever does not wait."""


@dataclass(frozen=True)
class View:
    """A view and the values of its labels."""

    name: str
    columns: tuple[str, ...]
    query: str
    defaults: Mapping[str, int | str]
    needs_a_day: bool = True


@dataclass(frozen=True)
class Side:
    """A set of statements: tables in the order of building, those views first that others read.

    `table` and `statement` give a table's columns and what builds it.
    """

    schema: str
    tables: Callable[[], Sequence[str]]
    table: Callable[[str], TableSchema]
    statement: Callable[[str], str]
    views: Callable[[], Sequence[View]]
    closing: Callable[[], str]
    """The query of a closing month's totals."""
    sql: Callable[..., str]
    """A statement for DuckDB, its parameters filled in."""

    def closing_totals(self, month: date) -> str:
        """The query of what closing the month would record."""
        end = (month + 32 * ONE_DAY).replace(day=1)
        return self.sql(self.closing(), start=month, end=end, closed_at=_CLOSED_AT)


class Bench:
    """The base tables in one schema, what each side builds of them in its own."""

    def __init__(self, sides: Sequence[Side], path: Path | None = None) -> None:
        """In memory, or in the file `path`."""
        self.sides = sides
        self.connection = duckdb.connect(path or ":memory:")
        schemas = dict.fromkeys([*(side.schema for side in sides), BASE])
        for text in (
            "SET GLOBAL TimeZone = 'UTC'",
            "SET threads = 1",
            "SET enable_progress_bar = false",
            *(f"CREATE SCHEMA {schema}" for schema in schemas),
            # An unqualified name means a side's own table first, else a base table.
            f"SET search_path = '{','.join(schemas)}'",
        ):
            self.connection.execute(text)
        for name in table_names():
            self._create(BASE, name, table_schema(name))
        for side in sides:
            for name in side.tables():
                if side.schema != BASE:
                    self._create(side.schema, name, side.table(name))
            for view in side.views():
                if not view.needs_a_day:
                    self._create_view(side, view, view.name, {})
        self._views: set[str] = set()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.connection.close()

    def rows(self, query: str) -> list[Row]:
        """The rows of a query in DuckDB's words."""
        result = self.connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def fill(self, tables: Mapping[str, list[Row]]) -> None:
        """Replace the rows of these base tables."""
        for name, rows in tables.items():
            self.connection.execute(f"DELETE FROM {BASE}.{name}")
            self.connection.register("new_rows", table_schema(name).to_arrow(rows))
            self.connection.execute(f"INSERT INTO {BASE}.{name} BY NAME SELECT * FROM new_rows")
            self.connection.unregister("new_rows")

    def take(self, company: Company) -> None:
        """Hold the company, built by every side; its closed months are not recorded yet."""
        self.fill({"closed_months": [], **company.tables})
        first, today = company.era.first, company.era.today
        for side in self.sides:
            self.build(side, first, today, late_start(first))

    def build(
        self, side: Side, first: date, today: date, windows: Windows, say: Say = say_nothing
    ) -> None:
        """All that follows from the base tables; partitioned tables window by window."""
        # From before any invoice on: whole tables are built of all the days that there are.
        everything = [(date(first.year - 1, 1, 1), today + ONE_DAY)]
        for name in side.tables():
            say(f"{side.schema}: building {name}")
            self.connection.execute(f"DELETE FROM {side.schema}.{name}")
            is_whole = side.table(name).partition_column is None
            for start, end in everything if is_whole else windows:
                sql = side.sql(
                    side.statement(name),
                    start=start,
                    end=min(end, today + ONE_DAY),
                    month_start=start.replace(day=1),
                    today=today,
                    run_id=side.schema,
                )
                self.connection.execute(f"INSERT INTO {side.schema}.{name} BY NAME {sql}")

    def close(self, side: Side, company: Company) -> None:
        """Record the company's closed months, a part of them as it was then and is no more."""
        for month, closed_at in company.closes.items():
            self.connection.execute(
                f"INSERT INTO {BASE}.closed_months BY NAME SELECT * EXCLUDE (n) REPLACE ("
                f"TIMESTAMPTZ '{closed_at.isoformat()}' AS closed_at, "
                "total_cost_usd + CASE WHEN n % 5 = 1 THEN 1.25 ELSE 0 END AS total_cost_usd) "
                "FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY user_sk, cost_center, platform_name)"
                f" AS n FROM ({side.closing_totals(month)})) WHERE n % 7 != 3"
            )

    def views_on(self, as_of: date, narrow: Mapping[str, int]) -> str:
        """Create every side's views as seen from a day, once; what their names end in.

        With `narrow` labels; one that another reads keeps its own, as a deployed view does, but a
        helper view looks as far back as the published one that it helps.
        """
        suffix = f"_{as_of:%y%m%d}"
        if suffix not in self._views:
            self._views.add(suffix)
            for side in self.sides:
                for view in side.views():
                    own = dict(view.defaults)
                    cut = {name: value for name, value in narrow.items() if name in own}
                    days = {"as_of": as_of} if view.needs_a_day else {}
                    for end, labels in (("", own), (CUT, own | cut)):
                        name = f"{view.name}{suffix}{end}"
                        self._create_view(side, view, name, days | labels, suffix, end)
        return suffix + CUT

    def _create_view(
        self,
        side: Side,
        view: View,
        name: str,
        literals: Mapping[str, Any],
        suffix: str = "",
        cut: str = "",
    ) -> None:
        names = re.compile(rf"\b({'|'.join(other.name for other in side.views())})\b")
        query = names.sub(
            lambda found: found[1] + suffix + (cut if is_internal(found[1]) else ""),
            side.sql(view.query, **literals),
        )
        columns = ", ".join(view.columns)
        self.connection.execute(f"CREATE VIEW {side.schema}.{name} ({columns}) AS {query}")

    def _create(self, schema: str, name: str, table: TableSchema) -> None:
        columns = ", ".join(
            f"{c.name} {c.duckdb_type}{'' if c.nullable else ' NOT NULL'}" for c in table.columns
        )
        self.connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")


def narrowed(company: Company) -> list[tuple[date, Mapping[str, int]]]:
    """The days that the company is seen from: the first with a narrow window, today with all."""
    return list(zip(company.era.as_of, (NARROW, {}), strict=True))


def late_start(first: date) -> Windows:
    """From month to month, as the graph builds; the second begins in two parts, as after a stop."""
    start = first.replace(day=1)
    second = (start + 32 * ONE_DAY).replace(day=1)
    middle = second + 14 * ONE_DAY
    return [(start, second), (second, middle), (middle, date(9999, 12, 31))]


def monthly(first: date, today: date) -> list[tuple[date, date]]:
    """The months from the first day to today, the end of each not included."""
    found = []
    start = first.replace(day=1)
    while start <= today:
        after = (start + 32 * ONE_DAY).replace(day=1)
        found.append((start, min(after, today + ONE_DAY)))
        start = after
    return found
