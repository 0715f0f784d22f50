"""Budgets, invoices, rules and prices as rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.finance import (
    Rates,
    allocation_rules,
    dim_budgets,
    dim_model_prices,
    raw_invoices,
)
from ai_usage.identity.aliases import Aliases
from ai_usage.identity.days import FIRST_DAY, LAST_DAY
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.finance.tables import USD_ONLY, rows_of

EURO = Rates(
    rows_of(
        "fx_rates.csv",
        """
        currency rate_date  usd_per_unit source
        EUR      2026-01-01 1.0843       ECB
        EUR      2026-02-01 1.2000       ECB
        """,
    )
)
ALIASES = Aliases({"a@x.com": "ada@x.com"})


def complete(table: str, rows: list[dict[str, Any]]) -> bool:
    """Every column of the table is there, and what must be filled is."""
    schema = table_schema(table)
    schema.to_arrow(rows)
    return all(
        set(row) == set(schema.column_names)
        and all(row[c.name] is not None for c in schema.columns if not c.nullable)
        for row in rows
    )


def some(row: Mapping[str, Any], *names: str) -> list[Any]:
    return [row[name] for name in names]


def test_budgets_are_converted_at_their_first_month() -> None:
    rows = dim_budgets(
        rows_of(
            "budgets.csv",
            """
            scope_type  scope_value amount currency valid_from valid_to   category
            person      a@x.com     100    EUR      2026-01-01 2026-02-28 pilot
            team        Search      4000   .        2026-01-01 .          .
            """,
        ),
        EURO,
        ALIASES,
    )
    assert complete("dim_budgets", rows)
    wanted = ("scope_value", "monthly_budget_usd", "budget_category", "valid_from", "valid_to")
    assert [some(row, *wanted) for row in rows] == [
        ["ada@x.com", Decimal("108.43"), "pilot", date(2026, 1, 1), date(2026, 2, 28)],
        ["Search", Decimal(4000), None, date(2026, 1, 1), LAST_DAY],
    ]


def test_invoice_lines_are_numbered_and_keep_their_cents() -> None:
    rows = raw_invoices(
        rows_of(
            "invoices.csv",
            """
            invoice_id platform period_from period_to  line_kind amount  currency
            CUR-1      cursor   2026-01-15  2026-02-14 seat      1600.00 .
            CUR-1      cursor   2026-01-15  2026-02-14 usage     212.84  .
            ANT-1      anthropic 2026-01-01 2026-01-31 credit    -50.00  .
            """,
        ),
        USD_ONLY,
    )
    assert complete("raw_invoices", rows)
    assert [some(row, "invoice_line", "amount_usd", "exchange_rate") for row in rows] == [
        [1, Decimal("1600.00"), Decimal(1)],
        [2, Decimal("212.84"), Decimal(1)],
        [1, Decimal("-50.00"), Decimal(1)],
    ]


def test_an_invoice_in_euros_is_its_rounded_total_at_the_periods_last_day() -> None:
    """Twice 0.05 x 1.0843 = 0.054215: each rounds to 0.05, but 0.10843 to 0.11."""
    rows = raw_invoices(
        rows_of(
            "invoices.csv",
            """
            invoice_id platform  period_from period_to  line_kind amount currency
            T-1        anthropic 2026-01-01  2026-01-31 seat      0.05   EUR
            T-1        anthropic 2026-01-01  2026-01-31 tax       0.05   EUR
            T-1        anthropic 2026-01-01  2026-01-31 seat      0.05   EUR
            """,
        ),
        EURO,
    )
    assert [row["amount_usd"] for row in rows] == [Decimal(t) for t in ("0.05", "0.05", "0.06")]
    assert {row["exchange_rate_date"] for row in rows} == {date(2026, 1, 1)}


def test_percentages_become_millionths_of_a_percent() -> None:
    rows = allocation_rules(
        rows_of(
            "allocation_rules.csv",
            """
            rule_id platform scope_type scope_value method      team   user_email percentage
            r1      p        api_key    k1          manual      .      a@x.com    33.333333
            r1      p        api_key    k1          manual      .      b@x.com    66.666667
            r2      p        workspace  default     equal_split Search .          .
            r3      p        platform   .           usage_based .      .          .
            """,
        ),
        ALIASES,
    )
    assert complete("allocation_rules", rows)
    assert [some(row, "scope_value", "user_email", "weight") for row in rows] == [
        ["k1", "ada@x.com", 33_333_333],
        ["k1", "b@x.com", 66_666_667],
        [None, None, None],
        [None, None, None],
    ]
    assert {(row["valid_from"], row["valid_to"]) for row in rows} == {(FIRST_DAY, LAST_DAY)}


@pytest.mark.parametrize("tier", ["standard", "batch"])
def test_prices_hold_from_a_day_to_a_day(tier: str) -> None:
    rows = dim_model_prices(
        rows_of(
            "model_prices.csv",
            f"""
            platform model token_type    service_tier usd_per_million valid_from valid_to   source
            p        m     output_tokens {tier}       15.00           .          2026-01-31 list
            p        m     output_tokens {tier}       12.50           2026-02-01 .          list
            """,
        )
    )
    assert complete("dim_model_prices", rows)
    wanted = ("usd_per_million", "valid_from", "valid_to", "price_source", "service_tier")
    assert [some(row, *wanted) for row in rows] == [
        [Decimal("15.00"), FIRST_DAY, date(2026, 1, 31), "list", tier],
        [Decimal("12.50"), date(2026, 2, 1), LAST_DAY, "list", tier],
    ]
