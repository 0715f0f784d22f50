"""A view's file is the one place where its columns and their meaning stand."""

from __future__ import annotations

import pytest

from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import parse_view, tables_read, view_names, view_schema

VIEW = """
CREATE VIEW vw_x (
  day OPTIONS(description="The day; it's UTC."),
  n OPTIONS(description="Rows.")
)
OPTIONS(description="One row a day, {months} months back.", labels=[("months", "3")])
AS
SELECT date AS day, COUNT(*) AS n
FROM dim_dates WHERE date >= DATE_SUB(@as_of, INTERVAL @months MONTH) GROUP BY 1
"""


def test_a_view_is_split_into_name_columns_with_descriptions_query_and_window() -> None:
    view = parse_view(VIEW)
    assert view.name == "vw_x"
    assert view.description == "One row a day, 3 months back."
    assert "{months}" not in view.ddl
    assert view.columns == (("day", "The day; it's UTC."), ("n", "Rows."))
    assert view.months == 3
    assert view.query.startswith("SELECT")
    assert "OPTIONS" not in view.query
    assert "@as_of" in view.query


def test_a_view_without_a_window_needs_no_label() -> None:
    plain = VIEW.replace(', labels=[("months", "3")]', "").replace("INTERVAL @months", "INTERVAL 1")
    plain = plain.replace(", {months} months back", "")
    assert parse_view(plain).months is None


def test_any_label_is_the_default_of_the_parameter_of_its_name() -> None:
    two = VIEW.replace('("months", "3")', '("months", "3"), ("kind", "paid"), ("idle_days", "30")')
    two = two.replace("The day;", "The day, idle from {idle_days} on;")
    two = two.replace("WHERE", "WHERE @idle_days > 0 AND @kind = 'paid' AND")
    assert parse_view(two).defaults == {"months": 3, "kind": "paid", "idle_days": 30}
    assert parse_view(two).columns[0][1] == "The day, idle from 30 on; it's UTC."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AS day", "AS date", "declared columns"),
        ("  n OPTIONS", "  m OPTIONS", "declared columns"),
        (', labels=[("months", "3")]', "", "months"),
        ('("months", "3")', '("months", "3"), ("kind", "paid")', "together: kind"),
        ('("months", "3")', '("months", "3"), ("idle_days", "30")', "together: {idle_days}"),
        (", {months} months back", "", "together: {months}"),
        ("{months}", "{years}", "together: {months}, {years}"),
        ('("months", "3")', '("months", "many")', "is a number"),
        ('description="One row a day, {months} months back.", ', "", "no description"),
        ('  n OPTIONS(description="Rows.")', "  n", "vw_x.n has no description"),
        ("CREATE VIEW", "CREATE TABLE", "not a CREATE VIEW"),
    ],
)
def test_a_view_that_does_not_say_what_it_is_is_refused(old: str, new: str, said: str) -> None:
    assert old in VIEW
    with pytest.raises(ValueError, match=said):
        parse_view(VIEW.replace(old, new))


def test_every_view_says_how_far_it_reaches_in_months_and_days() -> None:
    """By hand, from the labels: what a person reads of a view is what it was deployed with."""
    told = {name: view_schema(name).description for name in view_names()}
    for name, months in {
        "vw_team_productivity": 6,
        "vw_budget_status": 12,
        "vw_loaded_days": 24,
    }.items():
        assert f"{months} months before as_of" in told[name]
    assert "from 30 days without activity" in told["vw_idle_seats"]
    for name in view_names():
        numbers = [n for n in view_schema(name).defaults.values() if isinstance(n, int)]
        text = " ".join([told[name], *view_schema(name).descriptions.values()])
        assert all(f" {number} " in text for number in numbers), name


def test_the_views_of_the_design_document_are_there_with_its_columns_first() -> None:
    first = {
        "vw_executive_dashboard": "month total_monthly_cost allocated_monthly_cost cost_per_user "
        "cost_growth_mom user_growth_mom cursor_cost_share anthropic_cost_share "
        "total_lines_produced cost_per_line_produced avg_acceptance_rate annual_run_rate "
        "roi_status",
        "vw_team_productivity": "month department team user_email full_name monthly_sessions "
        "monthly_lines_produced monthly_tokens avg_acceptance_rate avg_productivity_score "
        "active_days engagement_rate monthly_allocated_cost team_size team_total_lines "
        "team_total_cost productivity_rank acceptance_rank cost_efficiency_rank performance_tier "
        "cost_per_line lines_per_session prev_month_productivity productivity_growth_mom",
        "vw_cost_allocation_detailed": "month department cost_center user_email platform_name "
        "base_cost overage_cost total_cost allocated_cost avg_allocation_confidence "
        "avg_cost_confidence billable_tokens billable_requests budget_allocated "
        "over_budget_amount reconciled_cost pending_cost disputed_cost cost_per_1k_tokens "
        "cost_per_request allocation_rate budget_variance_pct budget_status data_quality_tier "
        "reconciliation_rate dispute_rate prev_month_cost cost_growth_mom",
    }
    for name, columns in first.items():
        wanted = columns.split()
        assert view_schema(name).column_names[: len(wanted)] == wanted
    assert set(first) <= set(view_names())


def test_every_column_of_every_view_is_described_in_a_sentence() -> None:
    for name in view_names():
        for column, description in view_schema(name).columns:
            assert description.endswith("."), f"{name}.{column}"


def test_what_a_statement_reads_through_views_are_tables() -> None:
    """`vw_executive_dashboard` knows from another view which days are loaded."""
    sql = "SELECT v.month FROM vw_executive_dashboard AS v JOIN dim_seats AS s USING (month)"
    read = tables_read(sql)
    assert read <= set(table_names())
    assert {"dim_seats", "agg_costs_daily", "agg_usage_daily"} | tables_read(
        view_schema("vw_loaded_days").query
    ) <= read
