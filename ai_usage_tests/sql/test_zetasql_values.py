"""Google's reference implementation answers the facts and views with DuckDB's values.

The emulator is sqlglot over DuckDB and agrees with DuckDB in its mistakes; this one does not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.simulator import Company
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.building import query_of
from ai_usage.warehouse.compare import same
from ai_usage.warehouse.layers import statement
from ai_usage.warehouse.relations import is_internal
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.sql import MONTHS
from ai_usage.warehouse.views import tables_read, view_schema, views_read
from ai_usage_tests.sql.chain import differences, leading_to
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.google_sql import GoogleSql, Row, with_literals
from ai_usage_tests.sql.test_view_cases import CASES, INPUTS, _read
from ai_usage_tests.support.pipeline import load as load_company
from ai_usage_tests.support.pipeline import window

TODAY = date(2026, 3, 3)
"""Early in a month: the cost fact reads it from its first day."""

NEVER = date(9999, 12, 31)
CHAIN = leading_to("fact_ai_usage", "fact_ai_costs")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_views_case_has_the_same_rows_on_googles_engine(
    case: Path, engine: Engine, google: GoogleSql
) -> None:
    """All columns of all rows, not only those that the case is about."""
    view = view_schema(case.parent.name)
    told = tomllib.loads((case / "case.toml").read_text())
    given: dict[str, Any] = {
        name: _read(case / f"{name}.csv", table) for name, table in INPUTS.items()
    }
    for name in ("reports", "loaded"):
        if not (case / f"{name}.csv").exists():
            del given[name]
    filled = tables(**given)
    # A calendar of the case's months alone: Google's engine is no fast reader of constants.
    first = first_month(filled, told["as_of"])
    filled["dim_dates"] = [day for day in filled["dim_dates"] if day["date"] >= first]
    filled["loaded_days"] = [
        row for row in filled["loaded_days"] if first <= row["day"] <= told["as_of"]
    ]
    engine.fill(filled)
    engine.judge_invoices(told["as_of"])
    parameters = {name: value for name, value in told.items() if name not in ("story", "as_of")}
    ours = engine.read(view.name, told["as_of"], **parameters)
    asked_from = {"as_of": told["as_of"]}
    # A helper view looks as far back as the published one that it helps.
    window = {name: value for name, value in parameters.items() if name == MONTHS}
    views = {
        name: seen(name, asked_from | (window if is_internal(name) else {}))
        for name in views_read(view.query)
    }
    read = {name: engine.rows_in(name) for name in sorted(tables_read(view.query))}
    theirs = google.run(seen(view.name, parameters | asked_from), read, views=views)
    assert len(ours) > 0
    assert_same_rows(ours, theirs)


def seen(view: str, parameters: Mapping[str, Any]) -> str:
    """The view's query, its parameters that are not given as it labels them."""
    schema = view_schema(view)
    known = {n: v for n, v in parameters.items() if n == "as_of" or n in schema.defaults}
    return with_literals(schema.query, {**schema.defaults, **known})


def first_month(filled: Mapping[str, list[Row]], as_of: date) -> date:
    columns = {
        "fact_ai_costs": "cost_timestamp",
        "fact_ai_usage": "event_timestamp",
        "raw_ai_events": "event_timestamp",
    }
    days: list[date] = [
        row[c].date() for table, c in columns.items() for row in filled.get(table, [])
    ]
    return min([as_of, *days]).replace(day=1)


def assert_same_rows(ours: list[Row], theirs: list[Row]) -> None:
    """Equal as the design says; the order is nobody's business."""
    assert len(ours) == len(theirs)
    for one, other in zip(sorted(ours, key=place), sorted(theirs, key=place), strict=True):
        assert list(one) == list(other)
        differing = {n: (one[n], other[n]) for n in one if not same(one[n], other[n])}
        assert not differing, {n: one[n] for n in list(one)[:5]}


def place(row: Mapping[str, Any]) -> list[str]:
    """Where a row sorts: by everything that is no number, which both engines give exactly."""
    return [str(v) for v in row.values() if not isinstance(v, float | int | Decimal)]


@dataclass(frozen=True)
class Small:
    """Three days of a small company: the rows of every table that leads to a fact."""

    tables: dict[str, list[Row]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A simulated company's first days of a month, with a rule of each method."""
    company = Company(today=TODAY, anchor=date(2026, 4, 1), people=30, scale=0.1)
    days = window(TODAY.replace(day=1), TODAY)
    loaded = load_company(tmp_path_factory.mktemp("small"), company, days, checks=False)
    warehouse = loaded.warehouse
    costs = list(
        warehouse.rows(
            Query(
                "SELECT workspace_id, COUNT(*) AS n FROM raw_ai_events "
                "WHERE event_date >= @start AND cost_usd IS NOT NULL AND platform = 'anthropic' "
                "AND workspace_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
                {"start": days.start},
            )
        )
    )
    people = sorted(
        {
            r["user_email"]: r["team"]
            for r in warehouse.rows("SELECT * FROM dim_users")
            if r["team"]
        }.items()
    )
    rules = [
        rule("equal", costs[0]["workspace_id"], "equal_split", team=people[0][1]),
        rule("odd", costs[1]["workspace_id"], "manual", user_email=people[0][0], weight=33_333_333),
        rule("odd", costs[1]["workspace_id"], "manual", user_email=people[1][0], weight=66_666_667),
    ]
    warehouse.replace("allocation_rules", None, table_schema("allocation_rules").to_arrow(rules))
    for name in CHAIN:
        whole = table_schema(name).partition_column is None
        query = query_of(name, days, "run", TODAY)
        warehouse.replace(name, None if whole else days, query)
    return Small({name: warehouse.read(name).to_pylist() for name in tables_read_by(CHAIN)})


def tables_read_by(chain: tuple[str, ...]) -> set[str]:
    return set(chain).union(*(tables_read(statement(name)) for name in chain))


def rule(name: str, workspace: str, method: str, **values: Any) -> Row:
    return {
        "rule_id": name,
        "platform": "anthropic",
        "scope_type": "workspace",
        "scope_value": workspace,
        "method": method,
        "project_codes": [],
        "valid_from": date(2020, 1, 1),
        "valid_to": NEVER,
        **values,
    }


@pytest.mark.slow
@pytest.mark.parametrize("table", CHAIN)
def test_a_simulated_company_has_the_same_rows_on_googles_engine(
    table: str, small: Small, google: GoogleSql
) -> None:
    """Identity, splits by weights, rules, seats, budgets and month-to-date columns, to the cent."""
    given = {
        "start": TODAY.replace(day=1),
        "end": TODAY + timedelta(days=1),
        "month_start": TODAY.replace(day=1),
        "run_id": "run",
        "today": TODAY,
    }
    assert not differences(table, google, small.tables, given)


@pytest.mark.slow
def test_the_small_company_uses_every_way_to_allocate(small: Small) -> None:
    """Else the test above would show less than it says."""
    found = {row["allocation_method"] for row in small.tables["fact_ai_costs"]}
    assert {"direct", "usage_based", "equal_split", "manual"} <= found
    assert len(small.tables["fact_ai_usage"]) > 50


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        (
            "SELECT CAST((x - MOD(x, 7)) / 7 AS INT64) AS v FROM (SELECT NUMERIC '100' AS x)",
            14,
        ),
        ("SELECT NUMERIC '-1.123456789' AS v", Decimal("-1.123456789")),
        ("SELECT DATE '2026-02-28' AS v", date(2026, 2, 28)),
        ("SELECT ['a', 'b'] AS v", ["a", "b"]),
        ("SELECT CAST(NULL AS STRING) AS v", None),
    ],
)
def test_values_come_out_of_googles_engine_as_they_are(
    sql: str, value: Any, google: GoogleSql
) -> None:
    assert google.run(sql, {}) == [{"v": value}]
