"""The views on an embedded engine in memory, as the product renders them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from types import TracebackType
from typing import Any

import duckdb

from ai_usage.warehouse.files import load
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import references, render
from ai_usage.warehouse.views import view_names, view_schema

READ = (
    "dim_users",
    "dim_dates",
    "dim_platforms",
    "dim_cost_centers",
    "fact_ai_costs",
    "fact_ai_usage",
    "dim_seats",
    "dim_budgets",
    "raw_ai_events",
    "raw_invoices",
    "loaded_days",
    "raw_member_spend",
    "api_key_mappings",
    "bridge_user_identity",
    "allocation_rules",
    "dim_model_prices",
    "invoice_days",
    "invoice_reconciliation",
    "closed_months",
    "raw_restatements",
)


class Engine:
    """Tables that can be refilled, and views over them."""

    def __init__(self, *, utc: bool = True) -> None:
        self._connection = duckdb.connect()
        if utc:
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET threads = 1")
        self._connection.execute("CREATE SCHEMA w")
        for name in READ:
            columns = ", ".join(
                f"{c.name} {c.duckdb_type}{'' if c.nullable else ' NOT NULL'}"
                for c in table_schema(name).columns
            )
            self._connection.execute(f"CREATE TABLE w.{name} ({columns})")
        self._held: dict[str, list[dict[str, Any]]] = {name: [] for name in READ}
        self._queries: dict[tuple[Any, ...], str] = {}
        self._views: dict[tuple[str, date, tuple[tuple[str, Any], ...]], str] = {}
        self._read_by_others: dict[str, date] = {}

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
        for name, rows in tables.items():
            if self._held.get(name) == rows:
                continue
            self._held[name] = rows
            self._connection.execute(f"DELETE FROM w.{name}")
            self._connection.register("new_rows", table_schema(name).to_arrow(rows))
            self._connection.execute(f"INSERT INTO w.{name} BY NAME SELECT * FROM new_rows")
            self._connection.unregister("new_rows")

    def held(self, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """The rows that each of these tables was last filled with."""
        return {name: self._held[name] for name in names}

    def judge_invoices(self, today: date) -> Mapping[str, list[dict[str, Any]]]:
        """Build what follows from invoices, events and loaded days, as a run of `today` does.

        Gives the rows of `invoice_days` and `invoice_reconciliation`, which views and facts read.
        """
        first = min(
            [
                *(row["period_from"] for row in self._held["raw_invoices"]),
                *(row["event_date"] for row in self._held["raw_ai_events"]),
            ],
            default=today,
        )
        days = {"start": first, "end": today + timedelta(days=1)}
        self.fill({"invoice_days": self.rows_of("facts", "invoice_days", **days)})
        rows = self.rows_of("facts", "invoice_reconciliation", **days, today=today)
        self.fill({"invoice_reconciliation": rows})
        return {name: self._held[name] for name in ("invoice_days", "invoice_reconciliation")}

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

    def rows_of(self, folder: str, name: str, **literals: date | str) -> list[dict[str, Any]]:
        """The rows of the query `sql/<folder>/<name>.sql`, its parameters filled in."""
        key = (folder, name, *sorted(literals.items()))
        if key not in self._queries:
            query = load(folder, name)
            self._queries[key] = render(query, "duckdb", dataset="w", literals=literals)
        return self._rows(self._queries[key])

    def _created(self, view: str, as_of: date, parameters: Mapping[str, int | str]) -> str:
        schema = view_schema(view)
        for read in references(schema.query) & set(view_names()):
            self._create(read, as_of)
        key = (view, as_of, tuple(sorted(parameters.items())))
        if key not in self._views:
            name = f"w.{view}_{len(self._views)}"
            literals = {"as_of": as_of, **schema.defaults, **parameters}
            query = render(schema.query, "duckdb", dataset="w", literals=literals)
            columns = ", ".join(schema.column_names)
            self._connection.execute(f"CREATE VIEW {name} ({columns}) AS {query}")
            self._views[key] = name
        return self._views[key]

    def _create(self, view: str, as_of: date) -> None:
        """The view under its own name, as a view that reads it sees it."""
        if self._read_by_others.get(view) != as_of:
            self._read_by_others[view] = as_of
            schema = view_schema(view)
            literals = {"as_of": as_of, **schema.defaults}
            query = render(schema.query, "duckdb", dataset="w", literals=literals)
            self._connection.execute(f"CREATE OR REPLACE VIEW w.{view} AS {query}")

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        result = self._connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def setting(self, name: str) -> Any:
        """The session's value of a setting."""
        row = self._connection.execute("SELECT current_setting(?)", [name]).fetchone()
        return row[0] if row else None
