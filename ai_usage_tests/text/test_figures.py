"""Figures read as a person would write them, and unknown is never 0."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ai_usage.text import figures


@pytest.mark.parametrize(
    ("dollars", "exact", "short"),
    [
        ("0", "$0.00", "$0"),
        ("0.004", "$0.00", "$0.004"),
        ("0.005", "$0.01", "$0.005"),
        ("0.0326", "$0.03", "$0.033"),
        ("0.25", "$0.25", "$0.25"),
        ("-12.345", "\u2212$12.35", "\u2212$12.35"),
        ("99.995", "$100.00", "$100.00"),
        ("950.4", "$950.40", "$950"),
        ("999.5", "$999.50", "$1k"),
        ("12345.67", "$12,345.67", "$12.3k"),
        ("99960", "$99,960.00", "$100k"),
        ("1234567.891", "$1,234,567.89", "$1.23M"),
        ("999600000", "$999,600,000.00", "$1B"),
    ],
)
def test_money_is_exact_in_tables_and_short_in_pictures(
    dollars: str, exact: str, short: str
) -> None:
    assert figures.money(Decimal(dollars)) == exact
    assert figures.short_money(Decimal(dollars)) == short


def test_what_moved_carries_its_sign_and_what_did_not_none() -> None:
    assert figures.money(Decimal("5"), signed=True) == "+$5.00"
    assert figures.money(Decimal("-5"), signed=True) == "\u2212$5.00"
    assert figures.money(Decimal("-0.001"), signed=True) == "$0.00"
    assert figures.short_money(Decimal("0"), signed=True) == "$0"
    assert figures.share(Decimal("0.08"), signed=True) == "+8 %"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (Decimal(0), "0 %"),
        (Decimal("0.0001"), "< 0.1 %"),
        (Decimal("0.0125"), "1.2 %"),
        (Decimal("0.125"), "12 %"),
        (Decimal("0.9996"), "99.9 %"),
        (Decimal(1), "100 %"),
        (Decimal("1.5"), "150 %"),
    ],
)
def test_a_share_is_whole_or_nothing_only_where_it_is(fraction: Decimal, text: str) -> None:
    assert figures.share(fraction) == text


def test_counts_have_thousands_and_a_short_form() -> None:
    assert figures.count(1234567) == "1,234,567"
    assert figures.count(Decimal("2.50")) == "2.5"
    assert figures.short_count(999) == "999"
    assert figures.short_count(1_234_567) == "1.23M"


def test_what_is_unknown_is_a_dash() -> None:
    assert {
        figures.money(None),
        figures.short_money(None),
        figures.share(None),
        figures.count(None),
        figures.short_count(None),
    } == {figures.UNKNOWN}


def test_months_and_days_have_names() -> None:
    assert figures.month_name(date(2026, 11, 1)) == "November 2026"
    assert figures.month_name(date(2026, 11, 1), short=True) == "Nov 2026"
    assert figures.day_name(date(2026, 11, 7)) == "Sat 7 Nov 2026"
