"""What BigQuery would bill stays below what was promised; the model is right on small cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai_usage.warehouse.files import sql_root
from ai_usage.warehouse.layers import built_tables
from ai_usage.warehouse.views import published_views
from tools.bigquery_cost import (
    ASSUMED,
    MINIMUM,
    Statement,
    billed,
    checks,
    daily,
    month,
    row_width,
    scans,
    transformation,
)

CEILINGS = {100: 3, 1_000: 20, 10_000: 200}
"""Dollars a month of queries, by developers, with a year of history."""


@pytest.mark.slow
@pytest.mark.parametrize(("developers", "dollars"), CEILINGS.items())
def test_a_month_of_queries_costs_less_than_promised(developers: int, dollars: int) -> None:
    """Who adds a scan of every day, or asks a view in each run, meets this."""
    assert month(developers).dollars < dollars


@pytest.mark.slow
def test_the_ceiling_is_met_where_views_are_evaluated_twice_in_each_run() -> None:
    """As they once were. Else the test above would show nothing."""
    twice = replace(ASSUMED, copies=2.0 * (ASSUMED.changed_runs + ASSUMED.nightly_runs))
    for developers, dollars in CEILINGS.items():
        assert month(developers, twice).dollars > dollars


@pytest.mark.slow
def test_nothing_that_is_sent_is_left_out() -> None:
    asked = list(transformation())
    assert {one.of for one in asked if one.what == "build"} == set(built_tables())
    assert {one.of for one in checks() if one.what == "check"} == {
        path.stem for path in (sql_root() / "checks").glob("*.sql")
    }
    assert {one.of for one in daily()} == set(published_views())


def test_columns_are_those_that_a_statement_reads_of_each_table_also_through_views() -> None:
    assert scans(
        "SELECT SUM(c.total_cost_usd) AS usd FROM fact_ai_costs AS c "
        "JOIN dim_users AS u ON u.user_sk = c.user_sk "
        "WHERE c.cost_timestamp >= TIMESTAMP(@start, 'UTC') AND u.is_active"
    ) == {
        "fact_ai_costs": {"total_cost_usd", "user_sk", "cost_timestamp"},
        "dim_users": {"user_sk", "is_active"},
    }
    # A view over tables: of its other columns none is read.
    (table,) = scans("SELECT user_sk FROM int_people")
    assert table == "dim_users"
    assert "full_name" not in scans("SELECT user_sk FROM int_people")["dim_users"]


def test_a_row_is_as_wide_as_it_was_measured() -> None:
    """Bytes of a simulated company's rows, by column, as BigQuery counts them."""
    measured = {"raw_ai_events": 1_000, "fact_ai_usage": 306, "fact_ai_costs": 424}
    for table, size in measured.items():
        assert row_width(table) == pytest.approx(size, rel=0.2)


def test_bytes_are_rows_by_columns_and_ten_megabytes_at_least() -> None:
    """850 cost parts a developer and month; a dollar amount and a time that are never NULL."""
    columns = frozenset({"total_cost_usd", "cost_timestamp"})
    one = Statement(
        "build", "sums", {"fact_ai_costs": columns, "dim_users": frozenset({"user_sk"})}
    )
    of_costs = 850 * 10_000 * (16 + 8)
    assert billed(one, 10_000, 30.4) == pytest.approx(of_costs + MINIMUM)
    assert billed(one, 10_000, 15.2) == pytest.approx(of_costs / 2 + MINIMUM)
    assert billed(one, 100, 30.4) == 2 * MINIMUM
    # What reaches back reads more days, but none from before there were any.
    assert billed(replace(one, reach=10_000), 10_000, 8) == pytest.approx(12 * of_costs + MINIMUM)
    # To count rows is to ask the table's metadata.
    assert billed(Statement("rules", "n", {"dim_users": frozenset()}), 100, 8) == 0
