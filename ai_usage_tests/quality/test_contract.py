"""A table's contract, run inside the engine: types and nullability of the DDL, and every rule."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest

from ai_usage.days.windows import Window
from ai_usage.quality.asking import judged
from ai_usage.quality.flags import FLAGS, Severity
from ai_usage.quality.judging import failing_by_day, judge
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Validation
from ai_usage.quality.promises import CONTRACT, QUALITY, promised, row_tests
from ai_usage.quality.rules import RELATIONS, RULES, rules_of
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, at, days, open_warehouse, row

NEXT = DAY + timedelta(days=1)
BOTH = days(DAY, 2)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return open_warehouse(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """One file for the tests that fill what they read."""
    return open_warehouse(tmp_path_factory.mktemp("contract"))


def fill(warehouse: DuckDBWarehouse, table: str, rows: list[Row]) -> None:
    window = days(DAY, 2) if table_schema(table).partition_column is not None else None
    warehouse.replace(table, window, arrow(table, rows))


def checked(
    warehouse: DuckDBWarehouse, table: str, check: str, window: Window | None = BOTH
) -> Validation:
    return judged(warehouse, {table: [check]}, window)[table][check]


@pytest.mark.parametrize("table", table_names())
def test_plain_rows_keep_every_tables_contract(shared: DuckDBWarehouse, table: str) -> None:
    partitioned = table_schema(table).partition_column is not None
    fill(shared, table, [row(table), row(table, NEXT if partitioned else DAY)])
    found = checked(shared, table, CONTRACT, BOTH if partitioned else None)
    assert (found.whole.failures, found.by_day, found.rows) == ({}, {}, 2)


@pytest.mark.parametrize("check", promised("raw_ai_events"))
def test_no_rows_keep_the_contract(shared: DuckDBWarehouse, check: str) -> None:
    fill(shared, "raw_ai_events", [])
    found = checked(shared, "raw_ai_events", check)
    assert (found.whole.failures, found.by_day, found.rows) == ({}, {}, 0)


# -- every rule ---------------------------------------------------------------------------------

USD = Decimal("1.000000001")
PLANTED: dict[tuple[str, str], Row] = {
    ("raw_ai_events", "readable_amount"): {"event_type": "cost"},
    ("raw_ai_events", "event_id_is_sha256"): {"event_id": "0"},
    ("raw_ai_events", "known_event_type"): {"event_type": "gift"},
    ("raw_ai_events", "score_in_range"): {"data_quality_score": 1.01},
    ("raw_ai_events", "timestamp_on_event_date"): {"event_timestamp": at(date(2026, 1, 1))},
    ("raw_ai_events", "tokens_not_negative"): {"output_tokens": -1},
    ("raw_ai_events", "counts_not_negative"): {"request_count": -1},
    ("raw_ai_events", "email_form"): {"user_email": "ada@nowhere"},
    ("raw_ai_events", "accepted_within_shown"): {"suggestions_shown": 0, "suggestions_accepted": 1},
    ("raw_ai_events", "billed_or_included"): {"cost_usd": USD, "included_value_usd": USD},
    ("raw_ai_events", "currency_is_iso_4217"): {"cost_currency": "dollar"},
    ("raw_ai_events", "no_undeclared_flag"): {"validation_errors": ["unknown_enums:kind"]},
    ("fact_ai_usage", "time_sk_in_range"): {"time_sk": 240000},
    ("fact_ai_usage", "confidence_in_range"): {"attribution_confidence": -0.1},
    ("fact_ai_usage", "completeness_in_range"): {"data_completeness": 1.1},
    ("fact_ai_usage", "suggestion_rate_in_range"): {"suggestion_acceptance_rate": 1.5},
    ("fact_ai_usage", "known_platform"): {"platform_sk": 0},
    ("fact_ai_costs", "total_is_base_plus_overage"): {"base_cost_usd": Decimal("0.000000001")},
    ("fact_ai_costs", "allocated_to_people_only"): {"user_sk": 0, "allocated_cost_usd": USD,
                                                    "base_cost_usd": USD, "total_cost_usd": USD},
    ("fact_ai_costs", "percentage_in_range"): {"allocation_percentage": 101.0},
    ("fact_ai_costs", "known_method"): {"allocation_method": "dice"},
    ("fact_ai_costs", "known_cost_type"): {"cost_type": "input_tokens"},
    ("fact_ai_costs", "known_status"): {"reconciliation_status": "done"},
    ("fact_ai_costs", "known_allocation_note"): {"allocation_note": "widened_to_model, a hunch"},
    ("fact_ai_costs", "unallocated_has_no_confidence"): {"allocation_method": "unallocated",
                                                         "allocation_confidence": 0.5},
    ("fact_ai_costs", "cost_confidence_in_range"): {"cost_confidence": 1.1},
    ("fact_ai_costs", "confidence_in_range"): {"allocation_confidence": 1.1},
    ("fact_ai_costs", "known_platform"): {"platform_sk": 0},
    ("agg_costs_daily", "total_is_base_plus_overage"): {"overage_cost_usd": USD},
    ("agg_costs_daily", "allocated_to_people_only"): {"user_sk": -1, "allocated_cost_usd": USD,
                                                      "base_cost_usd": USD, "total_cost_usd": USD},
    ("agg_costs_daily", "known_cost_type"): {"cost_type": "tax"},
    ("agg_costs_daily", "month_is_of_its_day"): {"month": date(2026, 1, 1)},
    ("agg_usage_daily", "active_within_records"): {"active_records": 2},
    ("agg_reports_daily", "known_cost_kind"): {"cost_kind": "tax"},
    ("agg_reports_daily", "says_something"): {"cost_records": 0, "unknown_charges": 0,
                                              "committed_records": 0},
    ("agg_reports_daily", "unpriced_within_committed"): {"committed_unpriced_tokens": 2},
    ("agg_unattributed_daily", "known_identity_type"): {"identity_type": "none"},
    ("agg_keys_daily", "used_or_paid"): {"records": 0, "cost_lines": 0},
    ("raw_restatements", "difference_is_after_less_before"): {"difference": Decimal(2)},
    ("raw_restatements", "something_changed"): {"value_after": None, "difference": Decimal(0)},
    ("raw_restatements", "seen_after_the_answer_before"): {"seen_at": at(DAY)},
    ("closed_months", "month_is_its_first_day"): {"month": date(2026, 3, 2)},
    ("closed_months", "closed_after_its_end"): {"closed_at": at(date(2026, 2, 1))},
    ("migration_log", "known_outcome"): {"outcome": "hoped"},
    ("migration_log", "known_state"): {"state": "somewhere"},
    ("migration_writes", "known_outcome"): {"outcome": "hoped"},
    ("migration_differences", "known_class"): {"class": "odd"},
    ("loaded_days", "known_cost_kind"): {"cost_kind": "tax"},
    ("loaded_days", "answered_once_begun"): {"ingest_timestamp": at(date(2026, 1, 1))},
    ("identity_days", "known_identity_type"): {"identity_type": "face"},
    ("identity_days", "none_has_no_value"): {"identity_type": "none"},
    ("identity_days", "use_is_part_of_records"): {"records": 1, "usage_records": 2},
    ("int_usage_weights", "weight_positive"): {"weight": 0},
    ("int_line_matches", "known_level"): {"match_level": 4},
    ("int_cost_shares", "known_level"): {"match_level": 0},
    ("int_cost_shares", "confidence_in_range"): {"split_confidence": 1.2},
    ("int_rule_bearers", "period_is_a_range"): {"valid_to": date(2000, 1, 1)},
    ("int_cost_parts", "known_rule"): {"applied_rule": "usage_based"},
    ("int_cost_parts", "share_in_range"): {"rule_share": -0.5},
    ("int_cost_bearers", "known_method"): {"allocation_method": "dice"},
    ("int_cost_bearers", "known_allocation_note"): {"allocation_note": "a hunch"},
    ("int_cost_bearers", "unallocated_has_no_confidence"): {"allocation_method": "unallocated",
                                                            "allocation_confidence": 0.5},
    ("int_cost_bearers", "confidence_in_range"): {"allocation_confidence": 1.1},
    ("int_budgets", "month_is_its_first_day"): {"month": date(2026, 3, 2)},
    ("int_budgets", "known_scope"): {"scope_type": "company"},
    ("int_cycle_status", "known_status"): {"reconciliation_status": "done"},
    ("int_cycle_status", "difference_is_invoiced_less_reported"): {"difference_usd": USD},
    ("int_cycle_days", "known_cost_kind"): {"cost_kind": "tax"},
    ("int_cycle_days", "weight_not_negative"): {"weight": -1},
    ("dim_users", "version_is_a_range"): {"expiration_date": date(2000, 1, 1)},
    ("dim_users", "budget_not_negative"): {"ai_budget_monthly_usd": Decimal(-1)},
    ("api_key_mappings", "confidence_in_range"): {"confidence_score": 2.0},
    ("api_key_mappings", "period_is_a_range"): {"created_date": NEXT, "expires_date": DAY},
    ("api_key_mappings", "known_source"): {"attribution_source": "rumour"},
    ("bridge_user_identity", "validity_is_a_range"): {"valid_to": date(2000, 1, 1)},
    ("bridge_user_identity", "known_identity_type"): {"identity_type": "face"},
    ("dim_platforms", "known_cost_model"): {"cost_model": "barter"},
    ("dim_dates", "weekday_in_range"): {"day_of_week": 7},
    ("dim_cost_centers", "cost_center_not_blank"): {"cost_center": "  "},
}  # fmt: skip
PLANTED |= {
    ("raw_ai_events", f"no_{flag}"): {"validation_errors": ["email_form", f"{flag}:a detail"]}
    for flag in FLAGS
}


def test_every_rule_is_planted() -> None:
    declared = {(table, rule.name) for table, rules in RULES.items() for rule in rules}
    assert set(PLANTED) == declared


@pytest.mark.parametrize(
    ("table", "severity"), sorted({(t, r.severity) for t, rules in RULES.items() for r in rules})
)
def test_a_row_that_breaks_a_rule_fails_it_alone_on_its_day(
    shared: DuckDBWarehouse, table: str, severity: Severity
) -> None:
    names = [rule.name for rule in RULES[table] if rule.severity == severity]
    partitioned = table_schema(table).partition_column is not None
    good = [row(table), row(table, NEXT if partitioned else DAY)]
    bad = [row(table, NEXT if partitioned else DAY, **PLANTED[table, name]) for name in names]
    fill(shared, table, [*good, *bad])
    if severity == "charge":
        # No check of the table: what is not known is told by `charges_known`.
        with shared.ibis() as connection:
            rows, tests = connection.table(table), row_tests(table, severity)
            failing = failing_by_day(rows, table_schema(table), tests)
        assert failing == {name: {NEXT: 1} for name in names}
        return
    check = {"error": CONTRACT, "warning": QUALITY}[severity]
    found = checked(shared, table, check, BOTH if partitioned else None)
    assert found.whole.failures == dict.fromkeys(names, 1)
    assert {d: o.failures for d, o in found.by_day.items()} == (
        {NEXT: dict.fromkeys(names, 1)} if partitioned else {}
    )
    assert found.rows == 2 + len(names)
    assert found.whole.sample
    for sample in found.whole.sample:
        planted = PLANTED[table, sample["rule"]]
        assert {key: sample[key] for key in planted} == planted


@pytest.mark.parametrize("table", RULES)
def test_no_rule_is_ever_undecided(table: str) -> None:
    """NULL would be neither kept nor broken: Pandera and the counting could disagree."""
    nothing = ibis.memtable(arrow(table, [row(table)]))
    for rule in RULES[table]:
        assert nothing.mutate(kept=rule.holds(nothing)).kept.execute().tolist() == [True], rule.name


@pytest.mark.parametrize("table", RULES)
def test_rules_keys_and_relations_name_what_exists(table: str) -> None:
    columns = table_schema(table).column_names
    assert len({rule.name for rule in RULES[table]}) == len(RULES[table])
    assert set(UNIQUE_KEYS.get(table, ())) <= set(columns)
    for name in UNIQUE_KEYS.get(table, ()):
        assert not table_schema(table).column(name).nullable, "NULL is no key"
    for relation in RELATIONS.get(table, ()):
        assert relation.column in columns
        assert relation.target_column in table_schema(relation.target).column_names


# -- types and nullability ----------------------------------------------------------------------


def by_hand(warehouse: DuckDBWarehouse, table: str, changed: dict[str, str]) -> None:
    """A table that nobody's `ensure_table` made: no constraints, some columns of other types."""
    warehouse.ensure_table("dim_dates")
    columns = ", ".join(
        f"{c.name} {changed.get(c.name, c.duckdb_type)}" for c in table_schema(table).columns
    )
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE TABLE ai_usage.{table} ({columns})")


def insert(warehouse: DuckDBWarehouse, table: str, rows: list[Row]) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("new_rows", arrow(table, rows))
        connection.execute(f"INSERT INTO ai_usage.{table} BY NAME SELECT * FROM new_rows")


def test_null_where_the_ddl_says_not_null_is_counted_by_column_and_day(
    warehouse: DuckDBWarehouse,
) -> None:
    table = "raw_ai_events"
    by_hand(warehouse, table, {})
    rows = [row(table), row(table, NEXT, platform=None), row(table, NEXT, platform=None)]
    insert(warehouse, table, [*rows, row(table, event_type=None)])
    found = checked(warehouse, table, CONTRACT)
    nulls = {k: n for k, n in found.whole.failures.items() if k.endswith("_not_null")}
    assert nulls == {"platform_not_null": 2, "event_type_not_null": 1}
    assert found.by_day[NEXT].failures["platform_not_null"] == 2
    assert found.by_day[DAY].failures["event_type_not_null"] == 1


@pytest.mark.parametrize(
    ("column", "type_name"),
    [
        ("input_tokens", "INTEGER"),
        ("cost_usd", "DOUBLE"),
        ("cost_usd", "DECIMAL(18,3)"),
        ("event_timestamp", "TIMESTAMP"),
        ("raw_response", "VARCHAR"),
        ("validation_errors", "VARCHAR"),
    ],
)
def test_a_column_of_another_type_fails_the_whole_and_every_day(
    warehouse: DuckDBWarehouse, column: str, type_name: str
) -> None:
    table = "raw_ai_events"
    by_hand(warehouse, table, {column: type_name})
    insert(warehouse, table, [row(table, validation_errors=None)])
    found = checked(warehouse, table, CONTRACT)
    (said,) = found.whole.failures
    assert column in said
    assert not found.whole.passed
    assert set(found.by_day) == {DAY, NEXT}
    assert all(not outcome.passed for outcome in found.by_day.values())


# -- bounded ------------------------------------------------------------------------------------


def test_of_many_failing_rows_all_are_counted_and_a_few_are_shown(
    warehouse: DuckDBWarehouse,
) -> None:
    table = "raw_ai_events"
    many = [row(table, input_tokens=-1, commits=-1) for _ in range(700)]
    fill(warehouse, table, many + [row(table, NEXT, commits=-1) for _ in range(300)])
    found = checked(warehouse, table, QUALITY)
    assert found.whole.failures == {"tokens_not_negative": 700, "counts_not_negative": 1000}
    assert found.by_day[NEXT].failures == {"counts_not_negative": 300}
    assert found.by_day[DAY].failures == {"tokens_not_negative": 700, "counts_not_negative": 700}
    assert len(found.whole.sample) == MAX_FAILURE_CASES


def test_only_the_windows_days_are_judged(warehouse: DuckDBWarehouse) -> None:
    for table in ("raw_ai_events", "fact_ai_usage"):
        negative: dict[str, Any] = (
            {"commits": -1} if table == "raw_ai_events" else {"suggestion_acceptance_rate": 2.0}
        )
        fill(warehouse, table, [row(table), row(table, NEXT, **negative)])
        assert checked(warehouse, table, QUALITY, Window.day(DAY)).whole.passed
        assert not checked(warehouse, table, QUALITY, Window.day(NEXT)).whole.passed


def test_all_that_is_promised_of_a_table_is_asked_in_one_query(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On BigQuery each is a job, and bills ten megabytes at least."""
    table = "fact_ai_costs"
    fill(warehouse, table, [row(table)])
    for relation in RELATIONS[table]:
        value = row(table)[relation.column]
        fill(warehouse, relation.target, [row(relation.target, **{relation.target_column: value})])
    asked: list[str] = []
    with warehouse.ibis() as connection:
        for name in ("to_pyarrow", "execute"):
            ask = getattr(type(connection), name)

            def noted(self: Any, query: Any, /, ask: Any = ask, **more: Any) -> Any:
                asked.append(ibis.to_sql(query))
                return ask(self, query, **more)

            monkeypatch.setattr(type(connection), name, noted)
        found = judge(connection, table, promised(table), BOTH, warehouse.dataset_of)
    assert list(found) == ["contract", "quality", "unique_key", "foreign_keys"]
    assert all(one.whole.passed and one.rows == 1 for one in found.values()), found
    assert len(asked) == 1


def test_rules_of_a_severity_are_the_tables_own() -> None:
    assert {rule.severity for rule in rules_of("raw_ai_events", "error")} == {"error"}
    assert rules_of("raw_invoices_that_do_not_exist", "error") == []
