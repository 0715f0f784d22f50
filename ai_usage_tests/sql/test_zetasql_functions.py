"""SQL functions: values worked out by hand, on DuckDB and on Google's engine alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ai_usage.warehouse.sql import render
from ai_usage_tests.sql.google_sql import GoogleSql

D = Decimal
BY_HAND: dict[str, Any] = {
    # 2 / 3 of a dollar is 666,666 whole millionths; of a credit too, towards 0.
    "micro_quotient(NUMERIC '2', 3)": D("0.666666"),
    "truncated_share(NUMERIC '1', 2, NUMERIC '3')": D("0.666666"),
    "truncated_share(NUMERIC '-1', 2, NUMERIC '3')": D("-0.666666"),
    "truncated_share(NUMERIC '1' - NUMERIC '0.4', 1, NUMERIC '1000')": D("0.0006"),
    "truncated_share(NUMERIC '0.0000019', 1, NUMERIC '1')": D("0.000001"),
    "whole_quotient(NUMERIC '8', NUMERIC '3')": 2,
    "whole_quotient(NUMERIC '7' + 2, NUMERIC '5' - 2)": 3,
    "positive_part(5)": 5,
    "positive_part(-5)": 0,
    "positive_part(CAST(NULL AS INT64))": 0,
    "identity_type('a@x', 'k', 'n', 'u')": "email",
    "identity_type(NULL, 'k', 'n', 'u')": "api_key_id",
    "identity_type(NULL, NULL, 'n', 'u')": "api_key_name",
    "identity_type(NULL, NULL, NULL, 'u')": "vendor_user_id",
    "identity_type(NULL, NULL, NULL, NULL)": None,
    "identity_platform('email', 'cursor')": "*",
    "identity_platform('api_key_id', 'cursor')": "cursor",
    "identity_platform(NULL, 'cursor')": "cursor",
    # Half is lost over 180 days, evenly; never more, and nothing before the day of verification.
    "decayed_confidence(CAST(0.8 AS FLOAT64), DATE '2026-04-01', DATE '2026-01-01')": 0.6,
    "decayed_confidence(CAST(0.8 AS FLOAT64), DATE '2026-12-31', DATE '2026-01-01')": 0.4,
    "decayed_confidence(CAST(0.8 AS FLOAT64), DATE '2025-12-31', DATE '2026-01-01')": 0.8,
    "decayed_confidence(CAST(0.8 AS FLOAT64), DATE '2026-12-31', CAST(NULL AS DATE))": 0.8,
    "dashed_name('CI_Bot nr.2')": "-ci-bot-nr-2-",
    "dashed_name(CAST(NULL AS STRING))": None,
    "cost_kind('subscription')": "subscription",
    "cost_kind('overage')": "overage",
    "cost_kind('tax')": "one_time",
    "cost_kind('session_usage')": "usage",
    "cost_kind(CAST(NULL AS STRING))": "usage",
    "line_kind('subscription')": "seat",
    "line_kind('overage')": "usage",
    "line_kind('commitment')": "other",
    "line_kind('one_time')": "other",
    "line_kind(CAST(NULL AS STRING))": "usage",
    "billed_account('subscription', 'acct')": "acct",
    "billed_account('one_time', CAST(NULL AS STRING))": "",
    "billed_account('usage', 'acct')": "",
    "legacy_weight_class('uncached_input_tokens', 'x')": "input_tokens",
    "legacy_weight_class('cache_creation.ephemeral_1h_input_tokens', 'x')": "cache_write_1h_tokens",
    "legacy_weight_class(NULL, 'output_tokens')": "output_tokens",
    "legacy_weight_class(NULL, 'web_search')": "web_search_requests",
    "legacy_weight_class(NULL, 'code_execution')": None,
    "legacy_weight_class('tokens_to_come', 'web_search')": "tokens_to_come",
    "legacy_price_tier('batch', 'cost')": "batch",
    "legacy_price_tier('flex', 'cost')": "standard",
    "legacy_price_tier(CAST(NULL AS STRING), 'usage')": "standard",
    "legacy_price_tier(CAST(NULL AS STRING), 'cost')": None,
    "legacy_is_committed('priority')": True,
    "legacy_is_committed('priority_on_demand')": False,
    "legacy_is_committed(CAST(NULL AS STRING))": False,
}


def _query() -> str:
    columns = ", ".join(f"{expression} AS v{n}" for n, expression in enumerate(BY_HAND))
    return f"SELECT {columns}"


def _row(query: str) -> tuple[Any, ...]:
    with duckdb.connect() as connection:
        (row,) = connection.execute(render(query, "duckdb", dataset="w")).fetchall()
    return tuple(row)


def _expected() -> dict[str, Any]:
    # A fraction of 360 days has no exact FLOAT64: equal to the last digits that matter.
    return {
        f"v{n}": pytest.approx(value, abs=1e-12) if isinstance(value, float) else value
        for n, value in enumerate(BY_HAND.values())
    }


def test_functions_have_the_values_that_a_person_works_out() -> None:
    assert _row(_query()) == tuple(_expected().values())


def test_functions_have_the_same_values_on_googles_engine(google: GoogleSql) -> None:
    assert google.run(_query(), {}) == [_expected()]


def test_a_share_of_a_large_amount_is_exact() -> None:
    """To the last millionth: the engine's own division would round it."""
    amount, weight, total = D("999999999.999999"), 9_999_999_999, D(10_000_000_001)
    query = f"SELECT truncated_share(NUMERIC '{amount}', {weight}, NUMERIC '{total}') AS share"
    whole = int(amount * 1_000_000) * weight // int(total)
    assert _row(query) == (D(whole) / 1_000_000,)


def test_a_share_is_exact_where_the_whole_is_a_sum_of_whole_numbers() -> None:
    """A sum is wider than INT64 on DuckDB, whose remainder by it would be a float's."""
    query = (
        "SELECT truncated_share(NUMERIC '364.457549', 84617549, SUM(w)) AS share "
        "FROM UNNEST([84617549, 135820000, 144020000]) AS w"
    )
    assert _row(query) == (D("84.617549"),)
