"""Views with their helpers on Google's engine: the values that DuckDB gives for hand-made cases."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlglot

from ai_usage.warehouse.sql import AS_OF, MONTHS, filled, inlined
from ai_usage.warehouse.views import tables_read, view_schema
from ai_usage_tests.sql.chain import views_read
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.google_sql import GoogleSql
from ai_usage_tests.sql.test_view_cases import HERE, INPUTS, _read


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in one order; numbers of any scale and instants of any zone as their value."""
    return sorted(repr([_plain(value) for _name, value in sorted(row.items())]) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.normalize() + 0
    return value.timestamp() if isinstance(value, datetime) else value


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        "vw_adjustments/held_back_until_asked",
        "vw_attribution_gaps/addresses_that_differ_a_little",
        "vw_attribution_gaps/who_uses_the_workspace",
        "vw_loaded_days/endpoints_that_come_go_and_fail",
        "vw_member_spend/newest_snapshot_of_each_cycle",
        "vw_reconciliation/mid_month_cycle",
        "vw_reconciliation/shared_by_accounts_that_nothing_names",
    ],
)
def test_a_view_gives_the_same_values_on_googles_engine(
    case: str, engine: Engine, google: GoogleSql
) -> None:
    folder = HERE / case
    view = folder.parent.name
    told = tomllib.loads((folder / "case.toml").read_text())
    given: dict[str, Any] = {
        name: _read(folder / f"{name}.csv", table)
        for name, table in INPUTS.items()
        if (folder / f"{name}.csv").exists()
    }
    engine.fill(tables(**{"people": [], "costs": [], "usage": [], **given}))
    engine.judge_invoices(told["as_of"])
    labels = {name: value for name, value in told.items() if name not in ("story", "as_of")}
    ours = engine.read(view, told["as_of"], **labels)

    query = view_schema(view).query
    window = {MONTHS: labels[MONTHS]} if MONTHS in labels else {}
    views = {
        name: _seen(name, told["as_of"], window if name.startswith("int_") else {})
        for name in views_read(query)
    }
    read = {name: engine.rows_in(name) for name in sorted(tables_read(query))}
    theirs = google.run(_seen(view, told["as_of"], labels), read, views=views)
    assert ours
    assert comparable(theirs) == comparable(ours)


def _seen(view: str, as_of: Any, labels: dict[str, Any]) -> str:
    schema = view_schema(view)
    own = {name: value for name, value in labels.items() if name in schema.defaults}
    tree = sqlglot.parse_one(inlined(schema.query), read="bigquery")
    return filled(tree, {AS_OF: as_of, **schema.defaults, **own}).sql("bigquery")
