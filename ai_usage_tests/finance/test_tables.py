"""Budgets, invoices, rules and prices as rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.spans import EVER, FIRST_DAY, LAST_DAY, Span
from ai_usage.finance import (
    Rates,
    allocation_rules,
    dim_budgets,
    dim_model_prices,
    joined_budgets,
    raw_invoices,
)
from ai_usage.identity.aliases import Aliases
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


def budgets(lines: str, rates: Rates = EURO) -> list[dict[str, Any]]:
    head = "scope_type scope_value amount currency valid_from valid_to category\n"
    rows = dim_budgets(rows_of("budgets.csv", head + lines), rates, ALIASES)
    assert complete("dim_budgets", rows)
    return rows


def test_each_month_of_a_budget_takes_the_rate_of_its_first_day() -> None:
    """100 EUR: 108.43 in January, 120.00 in February. Dollars stay, in one row."""
    rows = budgets(
        """
        person      a@x.com     100    EUR      2026-01-01 2026-02-28 pilot
        team        Search      4000   .        2026-01-01 .          .
        """
    )
    wanted = ("scope_value", "monthly_budget_usd", "budget_category", "valid_from", "valid_to")
    assert [some(row, *wanted) for row in rows] == [
        ["ada@x.com", Decimal("108.43"), "pilot", date(2026, 1, 1), date(2026, 1, 31)],
        ["ada@x.com", Decimal(120), "pilot", date(2026, 2, 1), date(2026, 2, 28)],
        ["Search", Decimal(4000), None, date(2026, 1, 1), LAST_DAY],
    ]
    rate = ("amount", "currency_code", "exchange_rate", "exchange_rate_date", "is_rate_stale")
    assert [some(row, *rate) for row in rows] == [
        [Decimal(100), "EUR", Decimal("1.0843"), date(2026, 1, 1), False],
        [Decimal(100), "EUR", Decimal("1.2000"), date(2026, 2, 1), False],
        [Decimal(4000), "USD", Decimal(1), None, None],
    ]


def test_a_line_under_a_persons_own_address_counts_before_one_under_another() -> None:
    rows = budgets(
        """
        person      a@x.com     10     USD      2026-01-01 .          .
        person      ada@x.com   20     USD      2026-03-01 2026-04-30 .
        """
    )
    wanted = ("scope_value", "monthly_budget_usd", "valid_from", "valid_to")
    assert [some(row, *wanted) for row in rows] == [
        ["ada@x.com", Decimal(10), date(2026, 1, 1), date(2026, 2, 28)],
        ["ada@x.com", Decimal(20), date(2026, 3, 1), date(2026, 4, 30)],
        ["ada@x.com", Decimal(10), date(2026, 5, 1), LAST_DAY],
    ]


def test_months_to_come_take_the_last_known_rate_which_becomes_stale() -> None:
    """The rate of 1 February is 28 days old on 1 March and 59 on 1 April."""
    rows = budgets("team Search 100 EUR 2026-02-01 . .")
    wanted = ("monthly_budget_usd", "valid_from", "valid_to", "is_rate_stale")
    assert [some(row, *wanted) for row in rows] == [
        [Decimal(120), date(2026, 2, 1), date(2026, 3, 31), False],
        [Decimal(120), date(2026, 4, 1), LAST_DAY, True],
    ]


def test_a_rate_within_a_month_counts_from_the_next_one() -> None:
    rates = Rates(
        rows_of(
            "fx_rates.csv",
            """
            currency rate_date  usd_per_unit source
            EUR      2026-01-20 1.10         ECB
            EUR      2026-02-10 1.25         ECB
            EUR      2026-02-27 1.30         ECB
            GBP      2026-02-01 1.50         BoE
            """,
        )
    )
    rows = budgets("team Search 10 EUR 2026-02-01 2026-03-31 .", rates)
    wanted = ("monthly_budget_usd", "valid_from", "valid_to", "exchange_rate_date")
    assert [some(row, *wanted) for row in rows] == [
        [Decimal(11), date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 20)],
        [Decimal(13), date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 27)],
    ]


def test_the_rows_of_a_budget_say_of_every_month_what_its_first_day_says() -> None:
    """Month by month, as a person looks the rate up; no month twice, none left out."""
    rows = budgets("team Search 7.77 EUR 2026-01-01 2027-12-31 .")
    months = [date(year, month, 1) for year in (2026, 2027) for month in range(1, 13)]
    for month in months:
        (row,) = [r for r in rows if r["valid_from"] <= month <= r["valid_to"]]
        usd, rate = EURO.converted(Decimal("7.77"), "EUR", month)
        assert some(row, "monthly_budget_usd", "is_rate_stale") == [usd, rate.is_stale]


def test_months_apart_keep_their_own_terms_and_those_alike_are_one_row() -> None:
    """February keeps 100 of before, the months around it have 150; what is the same is not cut."""
    head = "scope_type scope_value amount currency valid_from valid_to category\n"
    newest = rows_of(
        "budgets.csv",
        head + "team A 150 . 2026-01-01 2026-03-31 .\nteam B 70 . 2026-01-01 2026-03-31 .",
    )
    before = rows_of(
        "budgets.csv",
        head + "team A 100 . 2026-01-01 2026-03-31 .\nteam B 70 . 2026-01-01 2026-03-31 .",
    )
    february = Span(date(2026, 2, 1), date(2026, 2, 28))
    rows = joined_budgets(
        [
            *dim_budgets(newest, USD_ONLY, None, EVER.minus([february])),
            *dim_budgets(before, USD_ONLY, None, [february]),
        ]
    )
    wanted = ("scope_value", "monthly_budget_usd", "valid_from", "valid_to")
    assert [some(row, *wanted) for row in rows] == [
        ["A", Decimal(150), date(2026, 1, 1), date(2026, 1, 31)],
        ["A", Decimal(100), date(2026, 2, 1), date(2026, 2, 28)],
        ["A", Decimal(150), date(2026, 3, 1), date(2026, 3, 31)],
        ["B", Decimal(70), date(2026, 1, 1), date(2026, 3, 31)],
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


def test_a_cycle_of_several_invoices_in_euros_is_converted_as_a_sum() -> None:
    """20.02 x 1.0845 = 21.71169; each 10.01 by itself is 10.855845, which rounds to 10.86.

    Another account, another cycle, seats and another currency are sums of their own.
    """
    euro = Rates(
        rows_of(
            "fx_rates.csv",
            """
            currency rate_date  usd_per_unit source
            EUR      2026-01-01 1.0845       ECB
            GBP      2026-01-01 1.0845       BOE
            """,
        )
    )
    rows = raw_invoices(
        rows_of(
            "invoices.csv",
            """
            invoice_id platform  billing_account_id period_from period_to  line_kind amount currency
            A          anthropic org                2026-01-01  2026-01-31 usage     10.01  EUR
            B          anthropic org                2026-01-01  2026-01-31 usage     10.01  EUR
            C          anthropic org                2026-01-01  2026-01-31 seat      10.01  EUR
            D          anthropic org                2026-01-01  2026-01-31 usage     10.01  GBP
            E          anthropic org                2026-02-01  2026-02-28 usage     10.01  EUR
            F          anthropic team               2026-01-01  2026-01-31 usage     10.01  EUR
            """,
        ),
        euro,
    )
    assert {row["invoice_id"]: f"{row['amount_usd']:.2f}" for row in rows} == {
        "A": "10.86",
        "B": "10.85",
        "C": "10.86",
        "D": "10.86",
        "E": "10.86",
        "F": "10.86",
    }


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


def test_who_is_named_under_two_addresses_bears_both_percentages() -> None:
    rows = allocation_rules(
        rows_of(
            "allocation_rules.csv",
            """
            rule_id platform scope_type scope_value method user_email percentage
            r1      p        api_key    k1          manual a@x.com    30
            r1      p        api_key    k1          manual b@x.com    50
            r1      p        api_key    k1          manual ada@x.com  20
            """,
        ),
        ALIASES,
    )
    assert [some(row, "user_email", "weight") for row in rows] == [
        ["ada@x.com", 50_000_000],
        ["b@x.com", 50_000_000],
    ]


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
