"""What BigQuery would bill a month, worked out from the SQL that is sent; nothing is asked.

    python -m tools.bigquery_cost

Of each statement the columns that it reads of each table are counted, views written out in full,
and the days that it reaches over; BigQuery bills these bytes, and at least 10 MB for each table
that a query names. What no file says stands in `ASSUMED`: a real bill may be half of this, or
twice. docs/bigquery_checklist.md says how to hold it against one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import ibis
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from ai_usage.dashboard.copied import COPIED
from ai_usage.quality.contract import as_declared
from ai_usage.quality.judging import question
from ai_usage.quality.promises import promised
from ai_usage.quality.rules import RELATIONS
from ai_usage.warehouse.building import follows_its_month, is_partitioned
from ai_usage.warehouse.files import sql_root
from ai_usage.warehouse.filling import EVERY_DAY
from ai_usage.warehouse.functions import inline
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.schema import Column, table_names, table_schema
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import published_views, view_names, view_schema

MINIMUM = 10 * 10**6
"""Bytes that are billed at least of a table that a query names."""
TIB = 2**40
DOLLARS_A_TIB = 6.25
FREE_TIB = 1
DOLLARS_A_GIB_STORED, FREE_GIB_STORED = 0.02, 10
MONTH = 30.4
"""Days."""


@dataclass(frozen=True)
class Assumed:
    """What is taken for granted of a company, and of a month."""

    history_months: int = 12
    changed_runs: int = 308
    """Hourly transformations that find a new answer: 14 hours of 22 working days."""
    nightly_runs: int = 30
    idle_runs: int = 384
    """Hours in which every answer is the one before."""
    copies: float = 2 * MONTH
    """Of what the dashboard reads: one each twelve hours (`AI_USAGE_DASHBOARD_HOURS`)."""
    hourly_days: int = 8
    nightly_days: int = 36
    readers: int = 20
    views_a_reader: int = 66
    """Views that one opens in a month: three on each working day."""


ASSUMED = Assumed()

ROWS_A_DEVELOPER: Mapping[str, float] = {
    "raw_ai_events": 1700,
    "fact_ai_usage": 1650,
    "fact_ai_costs": 850,
    "int_cost_bearers": 850,
    "int_cost_parts": 850,
    "int_cost_shares": 850,
    "int_usage_weights": 600,
    "int_usage_prices": 600,
    "int_line_matches": 300,
    "agg_costs_daily": 150,
    "agg_usage_daily": 150,
    "identity_days": 60,
    "agg_keys_daily": 30,
    "int_spend_to_date": 30,
    "raw_restatements": 40,
    "raw_member_spend": 1,
    "closed_months": 6,
    "dim_users": 2,
    "api_key_mappings": 2,
    "bridge_user_identity": 4,
    "dim_budgets": 1,
    "int_budgets": 12,
    "dim_seats": 1,
}
"""Rows a developer: of a table with days in a month, of another in all. Others are small."""
OTHERS = 2_000.0
"""Rows of a table that does not grow with people (a month, where it has days)."""

TEXTS: Mapping[str, int] = {
    "raw_response": 600,
    "event_id": 64,
    "archive_page": 68,
    "pipeline_run_id": 36,
    "user_email": 22,
    "allocation_note": 0,
}
"""Bytes of texts that are longer, or rarer, than most."""
TEXT = 8
"""Of another text: many are NULL, which costs nothing."""
FIXED = {"INT64": 8, "FLOAT64": 8, "NUMERIC": 16, "DATE": 8, "TIMESTAMP": 8, "BOOL": 1}
FILLED = 0.5
"""Share of a table's numbers that are not NULL."""

REACH: Mapping[str, int] = {
    "reseen_keys": 731,
    "volume": 57,
    "charge_share": 57,
    "spend_anomalies": 28,
    "budget_crossings": 31,
}
"""Days before its window that a check reads, too."""


@dataclass(frozen=True)
class Statement:
    """What is sent, for which table, view or check, and the columns that it reads by table.

    It reads the run's days and `reach` days before them; or `days` of its own, all of the history
    where they are -1. A table without days is read as a whole.
    """

    what: str
    of: str
    scans: Mapping[str, frozenset[str]]
    reach: int = 0
    days: float | None = None


def width(column: Column) -> float:
    """Bytes of a column in a row, on the average."""
    if column.type == "JSON" or column.type.startswith(("STRING", "ARRAY")):
        return TEXTS.get(column.name, TEXT)
    return FIXED[column.type] * (1 if not column.nullable else FILLED)


@cache
def row_width(table: str, columns: frozenset[str] | None = None) -> float:
    """Bytes of those columns of a row, or of all of it."""
    return sum(
        width(c) for c in table_schema(table).columns if columns is None or c.name in columns
    )


def rows(table: str, developers: int, days: float) -> float:
    """Rows of so many days of a table; of one without days, all."""
    grows = table in ROWS_A_DEVELOPER
    whole = ROWS_A_DEVELOPER[table] * developers if grows else OTHERS
    return whole * days / MONTH if is_partitioned(table) else whole


@cache
def _schema() -> MappingSchema:
    columns: dict[str, object] = {
        name: {c.name: c.type for c in table_schema(name).columns} for name in table_names()
    }
    return MappingSchema(columns, dialect="bigquery")


@cache
def _view(name: str) -> exp.Query:
    """A view's query with every view in it written out, and no column that nobody asked for."""
    parsed = sqlglot.parse_one(view_schema(name).query, read="bigquery")
    return cast(exp.Query, _expanded(parsed))


def _expanded(query: exp.Expr) -> exp.Expr:
    query = inline(query)
    before: dict[str, exp.Query | Callable[[], exp.Query]] = {
        name: _view(name) for name in view_names() if name in _names(query)
    }
    return exp.expand(query, before, dialect="bigquery") if before else query


def _names(query: exp.Expr) -> set[str]:
    return {table.name for table in query.find_all(exp.Table)}


@cache
def scans(sql: str) -> Mapping[str, frozenset[str]]:
    """The columns that a statement reads of each table, through whatever views."""
    query = _expanded(sqlglot.parse_one(sql, read="bigquery"))
    for parameter in list(query.find_all(exp.Parameter)):
        parameter.replace(exp.Null())
    known = qualify(query, schema=_schema(), dialect="bigquery", quote_identifiers=False)
    found: dict[str, set[str]] = {}
    for scope in traverse_scope(pushdown_projections(known)):
        for alias, source in scope.sources.items():
            if isinstance(source, exp.Table):
                own = found.setdefault(source.name, set())
                own.update(column.name for column in scope.source_columns(alias))
    return {table: frozenset(columns) for table, columns in found.items()}


def _whole(table: str) -> Mapping[str, frozenset[str]]:
    return {table: frozenset(table_schema(table).column_names)}


def _day(table: str) -> Mapping[str, frozenset[str]]:
    column = table_schema(table).partition_column
    return {table: frozenset({column} if column else ())}


def transformation() -> Iterator[Statement]:
    """What a run sends that has something to build."""
    for table in table_names():
        if table in built_tables():
            yield Statement("build", table, scans(statement(table)))
            if follows_its_month(table) and is_partitioned(table):
                yield Statement("last day of the month", table, _day(table))
        if table in EVERY_DAY:
            yield Statement("days that lack", table, _day(table), days=-1)
        # The look at the staged rows, the days that they replace, and the rows that go in.
        yield Statement("look at the stage", table, _looked_at(table))
        yield Statement("days before", table, _dollars(table))
        yield Statement("insert", table, _whole(table))
    yield from checks()


def _dollars(table: str) -> Mapping[str, frozenset[str]]:
    schema = table_schema(table)
    dollars = {schema.dollars_column} if schema.dollars_column else set()
    return {table: _day(table)[table] | dollars}


def _looked_at(table: str) -> Mapping[str, frozenset[str]]:
    return {table: _dollars(table)[table].union(table_schema(table).required_columns)}


def checks() -> Iterator[Statement]:
    """One query a table for all its rules, and one for each file of `sql/checks`."""
    for table in table_names():
        yield Statement("rules", table, scans(_rules(table)))
    for path in sorted((sql_root() / "checks").glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        yield Statement("check", path.stem, scans(sql), reach=REACH.get(path.stem, 0))


def _rules(table: str) -> str:
    """The query that asks for every rule of a table, its key and what its foreign keys name."""
    relations = [(one, as_declared(one.target, "bigquery")) for one in RELATIONS.get(table, ())]
    asked = question(as_declared(table, "bigquery"), table, promised(table), relations)
    return str(ibis.to_sql(asked, dialect="bigquery"))


def copying() -> Iterator[Statement]:
    """What the copy that the dashboard reads is made of."""
    for name, sql in COPIED.items():
        yield Statement("dashboard copy", name, scans(sql), days=-1)


def daily() -> Iterator[Statement]:
    """What is asked once a day: how long each view takes."""
    for view in published_views():
        yield Statement("latency", view, scans(f"SELECT * FROM {view}"), days=_months(view))


def reading() -> Iterator[Statement]:
    """The views that people open."""
    for view in ("vw_cost_allocation_detailed", "vw_executive_dashboard", "vw_team_productivity"):
        yield Statement("reading", view, scans(f"SELECT * FROM {view}"), days=_months(view))


def _months(view: str) -> float:
    """The days that a view reaches over, by its label, or by those of the views that it reads."""
    chain = [view, *(name for name in view_names() if name in references(view_schema(view).query))]
    months = [float(view_schema(name).defaults.get("months", 0)) for name in chain]
    return MONTH * max(months)


def billed(one: Statement, developers: int, days: float, assumed: Assumed = ASSUMED) -> float:
    """The bytes that a statement is billed for, over the days of a run."""
    history = assumed.history_months * MONTH
    if one.days is not None:
        days = history if one.days < 0 else min(one.days, history)
    days = min(days + one.reach, history)
    return sum(
        max(MINIMUM, rows(table, developers, days) * row_width(table, columns))
        for table, columns in one.scans.items()
        # To count rows is to ask the table's metadata.
        if columns
    )


@dataclass
class Bill:
    """A month's bytes, by what they are for."""

    developers: int
    bytes: dict[str, float] = field(default_factory=dict)
    stored: float = 0.0

    def add(self, what: str, size: float) -> None:
        """Count bytes."""
        self.bytes[what] = self.bytes.get(what, 0.0) + size

    @property
    def tib(self) -> float:
        """TiB that are billed."""
        return sum(self.bytes.values()) / TIB

    @property
    def dollars(self) -> float:
        """Of queries, after what is free."""
        return max(0.0, self.tib - FREE_TIB) * DOLLARS_A_TIB

    @property
    def dollars_stored(self) -> float:
        """Of storage, after what is free."""
        return max(0.0, self.stored / 2**30 - FREE_GIB_STORED) * DOLLARS_A_GIB_STORED


def month(developers: int, assumed: Assumed = ASSUMED) -> Bill:
    """What a company of so many developers is billed."""
    bill = Bill(developers)
    kinds = (
        (assumed.changed_runs, assumed.hourly_days),
        (assumed.nightly_runs, assumed.nightly_days),
    )
    for runs, days in kinds:
        for one in transformation():
            bill.add(one.what, runs * billed(one, developers, days, assumed))
    # When nothing is new, two small tables are written and a dozen questions asked of few days.
    bill.add("nothing new", assumed.idle_runs * 30 * MINIMUM)
    for one in copying():
        bill.add(one.what, assumed.copies * billed(one, developers, 0, assumed))
    for one in daily():
        bill.add(one.what, MONTH * billed(one, developers, 0, assumed))
    for one in reading():
        asked = assumed.readers * assumed.views_a_reader / 3
        bill.add(one.what, asked * billed(one, developers, 0, assumed))
    history = assumed.history_months * MONTH
    bill.stored = sum(rows(t, developers, history) * row_width(t) for t in table_names())
    return bill


def table() -> Iterator[str]:
    """Lines of what companies of three sizes are billed, and for what."""
    for developers in (100, 1_000, 10_000):
        bill = month(developers)
        yield f"{developers:,} developers: {bill.tib:.2f} TiB, ${bill.dollars:,.2f} a month"
        for what, size in sorted(bill.bytes.items(), key=lambda pair: -pair[1]):
            yield f"  {size / TIB:6.2f} TiB  {what}"
        yield f"  {bill.stored / 2**30:6.0f} GiB stored, ${bill.dollars_stored:,.2f}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
