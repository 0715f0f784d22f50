"""An amount spread over days closes exactly, whatever its digits and its sign."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.finance.exact import cents, cents_that_sum, micros, on_day, rounded_shares, through

amounts = st.decimals(-(10**9), 10**9, places=9, allow_nan=False)


def test_a_price_of_ten_over_three_days_worked_out_by_hand() -> None:
    assert [on_day(Decimal(10), n, 3) for n in (1, 2, 3)] == [
        Decimal("3.333333"),
        Decimal("3.333333"),
        Decimal("3.333334"),
    ]
    assert [on_day(Decimal(-10), n, 3) for n in (1, 2, 3)] == [
        Decimal("-3.333333"),
        Decimal("-3.333333"),
        Decimal("-3.333334"),
    ]


def test_digits_beyond_a_millionth_come_on_the_last_day() -> None:
    amount = Decimal("0.000001001")
    assert [on_day(amount, n, 2) for n in (1, 2)] == [Decimal(0), amount]


@given(amounts, st.integers(1, 400))
def test_days_sum_to_the_amount_and_none_has_the_wrong_sign(amount: Decimal, days: int) -> None:
    parts = [on_day(amount, n, days) for n in range(1, days + 1)]
    assert sum(parts) == amount
    assert all(part * amount >= 0 for part in parts)
    assert all(part == micros(part) for part in parts[:-1])
    assert max(parts[:-1], default=0) - min(parts[:-1], default=0) <= Decimal("0.000001")


@given(amounts, st.integers(2, 400))
def test_a_running_sum_is_the_truncated_share(amount: Decimal, days: int) -> None:
    for n in (1, days // 2, days - 1):
        exact = amount * n / days if n < days else amount
        assert abs(through(amount, n, days)) <= abs(exact)
        assert abs(through(amount, n, days) - exact) < Decimal("0.000001001")


@pytest.mark.parametrize("n", [0, 4])
def test_a_day_outside_is_an_error(n: int) -> None:
    with pytest.raises(ValueError, match=f"day {n} of 3"):
        on_day(Decimal(1), n, 3)


@given(
    st.lists(st.decimals(-(10**6), 10**6, places=2), min_size=1, max_size=8),
    st.decimals("0.0001", 200, places=6),
)
def test_converted_lines_sum_to_the_rounded_total(lines: list[Decimal], rate: Decimal) -> None:
    shares = rounded_shares(lines, rate)
    assert sum(shares) == cents(sum(lines, Decimal()) * rate)
    for line, share in zip(lines, shares, strict=True):
        assert abs(share - line * rate) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("amounts", "in_cents"),
    [
        (["33.333", "33.333", "33.334"], ["33.33", "33.33", "33.34"]),
        # 0.004 twice is a cent; the first of equal ones has it.
        (["0.004", "0.004"], ["0.01", "0.00"]),
        # -0.006 is cut to -0.01, -0.002 too; 1.008 to 1.00; they sum to 1.000.
        (["1.008", "-0.006", "-0.002"], ["1.01", "-0.01", "0.00"]),
        (["12.34", "-0.10"], ["12.34", "-0.10"]),
        ([], []),
    ],
)
def test_cents_of_the_largest_remainder_worked_out_by_hand(
    amounts: list[str], in_cents: list[str]
) -> None:
    assert list(map(str, cents_that_sum([Decimal(a) for a in amounts]))) == in_cents


@given(st.lists(amounts, max_size=30))
def test_cents_sum_to_the_sum_rounded_once_and_none_is_a_cent_off(parts: list[Decimal]) -> None:
    shown = cents_that_sum(parts)
    exact = sum(map(Fraction, parts), Fraction())
    assert abs(sum(map(Fraction, shown), Fraction()) - exact) <= Fraction(1, 200)
    for part, cent in zip(parts, shown, strict=True):
        assert abs(Fraction(cent) - Fraction(part)) < Fraction(1, 100)
        assert cent == cents(cent)
        assert cent == part or part != cents(part), "what is in cents already stays"


@given(st.lists(amounts, min_size=1, max_size=30))
def test_who_has_more_never_gets_less(parts: list[Decimal]) -> None:
    shown = sorted(zip(parts, cents_that_sum(parts), strict=True), key=lambda pair: pair)
    assert all(low[1] <= high[1] for low, high in pairwise(shown) if low[0] < high[0])


@given(st.lists(amounts, min_size=1, max_size=10), st.integers(-(10**6), 10**6))
def test_cents_sum_to_whatever_total_in_cents_is_asked_for(parts: list[Decimal], n: int) -> None:
    total = Decimal(n).scaleb(-2)
    assert sum(map(Fraction, cents_that_sum(parts, total)), Fraction()) == Fraction(total)


def test_a_total_that_is_not_in_cents_or_has_nothing_to_sum_is_an_error() -> None:
    with pytest.raises(ValueError, match="whole cents"):
        cents_that_sum([Decimal(1)], Decimal("0.001"))
    with pytest.raises(ValueError, match="nothing sums to 100 cents"):
        cents_that_sum([], Decimal(1))
