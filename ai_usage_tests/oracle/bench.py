"""An engine that holds one company at a time, and all that the product's statements make of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import duckdb

from ai_usage.warehouse.files import load
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import parameters, render
from ai_usage.warehouse.views import view_names, view_schema, views_read
from ai_usage_tests.oracle.companies import Company
from ai_usage_tests.support.layers import create_tables

SCHEMA = "w"
ONE_DAY = timedelta(days=1)
CUT = "_cut"
NARROW = {"months": 1}
"""A window that cuts the data: what lies before it must be in no row."""
_CLOSED_AT = "1970-01-01"
_VIEWS = re.compile(rf"\b({'|'.join(view_names())})\b")

Row = dict[str, Any]
Literal = date | int | str
Windows = Sequence[tuple[date, date]]


class Bench:
    """The base tables of a company, and what is built of them."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for text in (
            "SET GLOBAL TimeZone = 'UTC'",
            "SET threads = 1",
            "SET enable_progress_bar = false",
        ):
            self.connection.execute(text)
        create_tables(self.connection, SCHEMA)
        self.connection.execute(f"SET schema = '{SCHEMA}'")
        for view in view_names():
            if not _needs_a_day(view):
                self._create_view(view, view, {})
        self._seen: set[str] = set()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.connection.close()

    def rows(self, query: str) -> list[Row]:
        """The rows of a query in DuckDB's words."""
        result = self.connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def take(self, company: Company) -> None:
        """Hold the company, all built; its closed months are not recorded yet."""
        for name, rows in {"closed_months": [], **company.tables}.items():
            self.connection.execute(f"DELETE FROM {name}")
            self.connection.register("new_rows", table_schema(name).to_arrow(rows))
            self.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM new_rows")
            self.connection.unregister("new_rows")
        first, today = company.era.first, company.era.today
        # From before any invoice on: whole tables are built of all the days that there are.
        everything = [(date(first.year - 1, 1, 1), today + ONE_DAY)]
        for name in built_tables():
            self.connection.execute(f"DELETE FROM {name}")
            is_whole = table_schema(name).partition_column is None
            for start, end in everything if is_whole else late_start(first):
                known: dict[str, Literal] = {
                    "start": start,
                    "end": min(end, today + ONE_DAY),
                    "month_start": start.replace(day=1),
                    "today": today,
                    "run_id": "test",
                }
                asked = {p: known[p] for p in statement_parameters(name)}
                sql = _rendered(statement(name), tuple(sorted(asked.items())))
                self.connection.execute(f"INSERT INTO {name} BY NAME {sql}")

    def close(self, company: Company) -> None:
        """Record the company's closed months, a part of them as it was then and is no more."""
        for month, closed_at in company.closes.items():
            end = (month + 32 * ONE_DAY).replace(day=1)
            bound = (("closed_at", _CLOSED_AT), ("end", end), ("start", month))
            totals = _rendered(load("ledger", "closing_totals"), bound)
            self.connection.execute(
                f"INSERT INTO closed_months BY NAME SELECT * EXCLUDE (n) REPLACE ("
                f"TIMESTAMPTZ '{closed_at.isoformat()}' AS closed_at, "
                "total_cost_usd + CASE WHEN n % 5 = 1 THEN 1.25 ELSE 0 END AS total_cost_usd) "
                "FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY user_sk, cost_center, platform_name)"
                f" AS n FROM ({totals})) WHERE n % 7 != 3"
            )

    def views_on(self, as_of: date, narrow: Mapping[str, int]) -> str:
        """Create the views as seen from a day, once; what their names end in.

        With `narrow` labels; one that another reads keeps its own, as a deployed view does, but a
        helper view looks as far back as the published one that it helps.
        """
        suffix = f"_{as_of:%y%m%d}"
        if suffix not in self._seen:
            self._seen.add(suffix)
            for view in view_names():
                own = dict(view_schema(view).defaults)
                cut = {name: value for name, value in narrow.items() if name in own}
                days: dict[str, Literal] = {"as_of": as_of} if _needs_a_day(view) else {}
                for end, labels in (("", own), (CUT, own | cut)):
                    self._create_view(view, f"{view}{suffix}{end}", days | labels, suffix, end)
        return suffix + CUT

    def _create_view(
        self, view: str, name: str, literals: Mapping[str, Literal], suffix: str = "", cut: str = ""
    ) -> None:
        schema = view_schema(view)
        query = _VIEWS.sub(
            lambda found: found[1] + suffix + (cut if is_internal(found[1]) else ""),
            _rendered(schema.query, tuple(sorted(literals.items()))),
        )
        columns = ", ".join(schema.column_names)
        self.connection.execute(f"CREATE VIEW {name} ({columns}) AS {query}")


@cache
def _needs_a_day(view: str) -> bool:
    """Whether the view, or one that it reads, is seen from a day."""
    query = view_schema(view).query
    read = (view_schema(name).query for name in views_read(query))
    return any(parameters(text) for text in (query, *read))


@cache
def _rendered(sql: str, literals: tuple[tuple[str, Literal], ...]) -> str:
    return render(sql, "duckdb", dataset=SCHEMA, literals=dict(literals))


def narrowed(company: Company) -> list[tuple[date, Mapping[str, int]]]:
    """The days that the company is seen from: the first with a narrow window, today with all."""
    return list(zip(company.era.as_of, (NARROW, {}), strict=True))


def late_start(first: date) -> Windows:
    """From month to month, as the graph builds; the second begins in two parts, as after a stop."""
    start = first.replace(day=1)
    second = (start + 32 * ONE_DAY).replace(day=1)
    middle = second + 14 * ONE_DAY
    return [(start, second), (second, middle), (middle, date(9999, 12, 31))]
