"""Which dataset and layer a relation has, and the order in which tables are built."""

from __future__ import annotations

from datetime import date

import pytest

from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import INTERNAL, INTERNAL_TABLES, layer_of, relations
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.sql import Literals, render
from ai_usage.warehouse.views import published_views, tables_read, view_names


def test_every_table_and_view_is_known_once() -> None:
    assert set(relations()) == {*table_names(), *view_names()}
    assert not set(table_names()) & set(view_names())


def test_only_base_tables_have_no_layer() -> None:
    assert layer_of("raw_ai_events") is None
    assert layer_of("fact_ai_costs") == "facts"
    assert layer_of("vw_executive_dashboard") == "views"


def test_published_views_are_those_that_people_read() -> None:
    assert set(published_views()) == {name for name in view_names() if name.startswith("vw_")}


@pytest.mark.parametrize("table", built_tables())
def test_a_table_is_built_after_all_that_its_statement_reads(table: str) -> None:
    before = built_tables()[: built_tables().index(table)]
    reads = tables_read(statement(table)) & set(built_tables())
    assert reads - {table} <= set(before)


def test_a_base_table_has_no_statement() -> None:
    with pytest.raises(KeyError, match="dim_users"):
        statement("dim_users")


@pytest.mark.parametrize("relation", sorted(relations()))
def test_a_relation_stands_in_the_dataset_of_its_layer(relation: str) -> None:
    sql = render(
        f"SELECT 1 AS one FROM {relation}",
        "bigquery",
        dataset="p.tables",
        views_dataset="p.views",
        internal_dataset="p.inner",
    )
    inner = layer_of(relation) in INTERNAL or relation in INTERNAL_TABLES
    home = "inner" if inner else f"{relations()[relation]}s"
    assert f"p.{home}.{relation}" in sql.replace("`", "")


@pytest.mark.parametrize(
    ("as_of", "months", "first"),
    [
        (date(2026, 3, 18), 12, "2025-03-01"),
        (date(2026, 3, 1), 2, "2026-01-01"),
        (date(2026, 3, 31), 3, "2025-12-01"),
        (date(2026, 12, 31), 0, "2026-12-01"),
    ],
)
def test_a_window_begins_with_the_month_so_many_months_before(
    as_of: date, months: int, first: str
) -> None:
    literals: Literals = {"as_of": as_of, "months": months}
    sql = render("SELECT @window_start AS d", "duckdb", dataset="w", literals=literals)
    assert f"'{first}'" in sql


def test_a_deployed_views_window_follows_the_current_day() -> None:
    literals: Literals = {"as_of": None, "months": 6}
    sql = render("SELECT @window_start AS d", "bigquery", dataset="w", literals=literals)
    assert "CURRENT_DATE('UTC')" in sql
    assert "INTERVAL '6' MONTH" in sql.replace("INTERVAL 6 MONTH", "INTERVAL '6' MONTH")
