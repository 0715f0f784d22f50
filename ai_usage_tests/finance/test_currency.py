"""An amount takes the newest rate on or before its day, and no rate is a clear refusal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ai_usage.days.spans import LAST_DAY, Span
from ai_usage.errors import ReferenceFileError
from ai_usage.finance import Rate, Rates
from ai_usage_tests.finance.tables import rows_of

RATES = Rates(
    rows_of(
        "fx_rates.csv",
        """
        currency  rate_date   usd_per_unit  source
        EUR       2026-02-01  1.10          ECB
        EUR       2026-01-01  1.08          ECB
        GBP       2026-01-15  1.25          BoE
        """,
    )
)


def test_the_newest_rate_on_or_before_the_day_counts() -> None:
    january = Rate(Decimal("1.08"), date(2026, 1, 1), "ECB")
    assert RATES.usd("EUR", date(2026, 1, 1)) == january
    assert RATES.usd("EUR", date(2026, 1, 31)) == january
    assert RATES.usd("EUR", date(2026, 2, 1)).rate == Decimal("1.10")
    assert RATES.usd("EUR", date(9999, 12, 31)).rate == Decimal("1.10")


def test_us_dollars_need_no_rate_and_keep_every_digit() -> None:
    assert RATES.usd("USD", date(2020, 1, 1)) == Rate(Decimal(1), None, None)
    amount = Decimal("0.123456789")
    assert RATES.converted(amount, "USD", date(2020, 1, 1))[0] == amount
    assert RATES.converted(amount, "EUR", date(2026, 1, 1))[0] == Decimal("0.133333")


@pytest.mark.parametrize(
    ("currency", "day"), [("GBP", date(2026, 1, 14)), ("CHF", date(2026, 6, 1))]
)
def test_no_rate_is_one_line_that_names_currency_and_day(currency: str, day: date) -> None:
    with pytest.raises(ReferenceFileError) as caught:
        RATES.usd(currency, day)
    assert str(caught.value) == (
        f"fx_rates.csv has no rate of {currency} on or before {day}; add one"
    )


def test_a_rate_is_stale_from_32_days_before_the_day_it_is_taken_for() -> None:
    assert not RATES.usd("GBP", date(2026, 2, 15)).is_stale
    assert RATES.usd("GBP", date(2026, 2, 16)).is_stale
    assert not RATES.usd("USD", date(2026, 2, 16)).is_stale


def test_a_rate_may_be_of_the_last_days_of_the_calendar() -> None:
    rates = Rates(
        rows_of(
            "fx_rates.csv",
            """
            currency  rate_date   usd_per_unit  source
            EUR       9999-11-01  1.10          ECB
            EUR       9999-11-15  1.20          ECB
            EUR       9999-12-31  1.30          ECB
            """,
        )
    )
    found = rates.by_month("EUR", Span(date(9999, 11, 1), LAST_DAY))
    assert [(span, rate.rate) for span, rate in found] == [
        (Span(date(9999, 11, 1), date(9999, 11, 30)), Decimal("1.10")),
        (Span(date(9999, 12, 1), LAST_DAY), Decimal("1.20")),
    ]
