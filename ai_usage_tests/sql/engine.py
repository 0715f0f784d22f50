"""The views on an embedded engine in memory, as the product renders them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import TracebackType
from typing import Any

import duckdb

from ai_usage.warehouse.files import Kind, load
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.sql import references, render
from ai_usage.warehouse.views import view_names, view_schema
from ai_usage_tests.support.layers import build_layers, create_tables, create_view, derived_tables

JUDGED = ("int_invoice_cycles", "int_cycle_days", "int_cycle_status", "invoice_reconciliation")
"""The tables that follow from invoices and the costs of their cycles."""


class Engine:
    """Tables that can be refilled, and views over them."""

    def __init__(self, *, utc: bool = True) -> None:
        self._connection = duckdb.connect()
        if utc:
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET threads = 1")
        create_tables(self._connection, "w")
        self._held: dict[str, list[dict[str, Any]]] = {name: [] for name in table_names()}
        self._given: set[str] = set()
        self._built: dict[str, date] = {}
        self._queries: dict[tuple[Any, ...], str] = {}
        self._views: dict[tuple[str, date, tuple[tuple[str, Any], ...]], str] = {}
        self._read_by_others: dict[str, tuple[date, int | str | None]] = {}

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def fill(self, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        """Replace the rows of the given tables, but for those that hold them already."""
        self._given |= tables.keys() & set(built_tables())
        for name, rows in tables.items():
            if self._held.get(name) == rows:
                continue
            self._held[name] = rows
            self._built.clear()
            self._connection.execute(f"DELETE FROM w.{name}")
            self._connection.register("new_rows", table_schema(name).to_arrow(rows))
            self._connection.execute(f"INSERT INTO w.{name} BY NAME SELECT * FROM new_rows")
            self._connection.unregister("new_rows")

    def held(self, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """The rows of each of these tables: as it was last filled or built."""
        built = set(built_tables())
        return {
            name: self._rows(f"SELECT * FROM w.{name}") if name in built else self._held[name]
            for name in names
        }

    def rows_in(self, table: str) -> list[dict[str, Any]]:
        """What a table holds now, one that was built too."""
        return self._rows(f"SELECT * FROM w.{table}")

    def judge_invoices(self, today: date) -> dict[str, list[dict[str, Any]]]:
        """Build what follows from invoices, events and loaded days, as a run of `today` does.

        Gives the rows of these tables, which views and facts read; they stay so until the next
        time.
        """
        self._given -= set(JUDGED)
        build_layers(self._connection, "w", today, wanted=JUDGED, given=self._given)
        self._given |= set(JUDGED)
        return self.held(JUDGED)

    def build(self, tables: Iterable[str], today: date) -> None:
        """Build these tables, and what they are built from, as a run of `today` does."""
        self._derive(" UNION ALL ".join(f"SELECT 1 FROM {name}" for name in tables), today)

    def read(
        self, view: str, as_of: date, months: int | None = None, **parameters: int | str
    ) -> list[dict[str, Any]]:
        """The rows of the view, seen from `as_of`; its other parameters have their defaults."""
        if months is not None:
            parameters["months"] = months
        name = self._created(view, as_of, parameters)
        return self._rows(f"SELECT * FROM {name}")

    def types(self, view: str, as_of: date) -> dict[str, str]:
        """The engine's type of each column of the view."""
        name = self._created(view, as_of, {})
        rows = self._connection.execute(f"DESCRIBE {name}").fetchall()
        return {row[0]: row[1] for row in rows}

    def rows_of(self, folder: Kind, name: str, **literals: date | str) -> list[dict[str, Any]]:
        """The rows of the query `sql/<folder>/<name>.sql`, its parameters filled in."""
        key = (folder, name, *sorted(literals.items()))
        query = load(folder, name)
        self._derive(query, self._today(literals))
        for read in view_names():
            if read in references(query):
                self._create(read, self._today(literals), None)
        if key not in self._queries:
            self._queries[key] = render(query, "duckdb", dataset="w", literals=literals)
        return self._rows(self._queries[key])

    @staticmethod
    def _today(literals: Mapping[str, date | str]) -> date:
        days = [value for value in literals.values() if isinstance(value, date)]
        return max(days, default=date(2026, 1, 1))

    def _created(self, view: str, as_of: date, parameters: Mapping[str, int | str]) -> str:
        schema = view_schema(view)
        self._derive(schema.query, as_of)
        for read in view_names():
            if read in references(schema.query):
                self._create(read, as_of, parameters.get("months"))
        key = (view, as_of, tuple(sorted(parameters.items())))
        if key not in self._views:
            name = f"w.{view}_{len(self._views)}"
            literals = {"as_of": as_of, **schema.defaults, **parameters}
            query = render(schema.query, "duckdb", dataset="w", literals=literals)
            columns = ", ".join(schema.column_names)
            self._connection.execute(f"CREATE VIEW {name} ({columns}) AS {query}")
            self._views[key] = name
        return self._views[key]

    def _derive(self, query: str, today: date) -> None:
        """Build what SQL builds of the tables that a query reads, but for what a test gave."""
        wanted = {t for t in derived_tables(query) if self._built.get(t) != today} - self._given
        if wanted:
            built = build_layers(self._connection, "w", today, wanted=wanted, given=self._given)
            self._built |= dict.fromkeys(built, today)

    def _create(self, view: str, as_of: date, months: int | str | None) -> None:
        """The view under its own name, as a view that reads it sees it, with all that it reads.

        A helper view looks as far back as the published one that it helps.
        """
        declared = view_schema(view)
        own = {"months": months} if months and is_internal(view) and declared.months else {}
        key = (as_of, own.get("months"))
        for read in view_names():
            if read in references(declared.query):
                self._create(read, as_of, months)
        if self._read_by_others.get(view) != key:
            self._read_by_others[view] = key
            create_view(self._connection, "w", view, as_of, **own)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        result = self._connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def setting(self, name: str) -> Any:
        """The session's value of a setting."""
        row = self._connection.execute("SELECT current_setting(?)", [name]).fetchone()
        return row[0] if row else None
