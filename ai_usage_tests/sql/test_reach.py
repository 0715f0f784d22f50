"""How far what moves can reach: what `orchestration/selection.py` relies on, read off the SQL.

A run builds the days for which something has moved. That is right as long as a day's rows are made
of that day, of the month so far, and of tables as a whole that the selection knows of.
"""

from __future__ import annotations

from ai_usage.warehouse.building import is_partitioned
from ai_usage.warehouse.layers import built_tables, statement, statement_parameters
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import tables_read

CYCLES = {"int_cycle_days", "int_cycle_status"}
"""A day reaches the days of its invoiced cycle by these (`selection._with_cycles`)."""
FROM_LISTS = {"bridge_user_identity", "dim_cost_centers", "dim_users"}
"""Made of lists: `derived.py` compares who is who."""
FROM_FILES = {
    "allocation_rules",
    "dim_budgets",
    "dim_dates",
    "dim_model_prices",
    "dim_platforms",
    "raw_invoices",
}
"""Made of files, the calendar and the vendors: a file that moves builds all days of a run."""


def has_days(table: str) -> bool:
    return table_schema(table).partition_column is not None


def test_a_table_with_days_reads_of_all_days_only_what_the_selection_knows() -> None:
    read = {
        source
        for table in built_tables()
        if is_partitioned(table)
        for source in tables_read(statement(table))
        if not has_days(source)
    }
    made = set(built_tables())
    of_events = {
        table for table in read & made if any(map(has_days, tables_read(statement(table))))
    }
    assert of_events == CYCLES
    waiting, base = read - CYCLES, set()
    while waiting:
        table = waiting.pop()
        if table in made:
            waiting |= tables_read(statement(table))
        else:
            base.add(table)
    assert base <= FROM_LISTS | FROM_FILES


def test_a_table_with_days_does_not_ask_what_day_it_is() -> None:
    for table in filter(is_partitioned, built_tables()):
        assert statement_parameters(table) <= {"start", "end", "month_start", "run_id"}, table


def test_the_past_is_read_to_the_months_first_day_alone() -> None:
    assert {t for t in built_tables() if "month_start" in statement_parameters(t)} == {
        "int_spend_to_date"
    }
