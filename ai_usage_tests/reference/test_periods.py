"""Billing months tile the calendar, and the first day of a change is the first that differs."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.days.cycles import Cycle, cycle_of
from ai_usage.reference.column import Row
from ai_usage.reference.periods import first_difference

_START = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("day", "billing_day", "expected"),
    [
        (date(2026, 2, 10), 1, Cycle(date(2026, 2, 1), date(2026, 2, 28))),
        (date(2024, 2, 29), 1, Cycle(date(2024, 2, 1), date(2024, 2, 29))),
        (date(2026, 1, 14), 15, Cycle(date(2025, 12, 15), date(2026, 1, 14))),
        (date(2026, 1, 15), 15, Cycle(date(2026, 1, 15), date(2026, 2, 14))),
        (date(2026, 3, 28), 28, Cycle(date(2026, 3, 28), date(2026, 4, 27))),
        # A month that has no such day begins its cycle on its last one.
        (date(2026, 2, 27), 31, Cycle(date(2026, 1, 31), date(2026, 2, 27))),
        (date(2026, 2, 28), 31, Cycle(date(2026, 2, 28), date(2026, 3, 30))),
        (date(2026, 3, 31), 31, Cycle(date(2026, 3, 31), date(2026, 4, 29))),
        (date(2024, 2, 29), 30, Cycle(date(2024, 2, 29), date(2024, 3, 29))),
        (date(2026, 3, 29), 30, Cycle(date(2026, 2, 28), date(2026, 3, 29))),
        (date.max, 31, Cycle(date(9999, 12, 31), date.max)),
        (date.max, 1, Cycle(date(9999, 12, 1), date.max)),
    ],
)
def test_a_billing_month_is_found_by_any_of_its_days(
    day: date, billing_day: int, expected: Cycle
) -> None:
    assert cycle_of(day, billing_day) == expected


@given(st.dates(date(1900, 2, 1), date(9990, 1, 1)), st.integers(1, 31))
def test_billing_months_follow_each_other_without_a_gap(day: date, billing_day: int) -> None:
    cycle = cycle_of(day, billing_day)
    assert cycle.first <= day <= cycle.last
    assert cycle.first.day == min(billing_day, monthrange(cycle.first.year, cycle.first.month)[1])
    assert 28 <= cycle.days <= 31
    assert cycle_of(cycle.last + timedelta(days=1), billing_day).first == cycle.last + timedelta(1)
    assert cycle_of(cycle.first, billing_day) == cycle_of(cycle.last, billing_day) == cycle


def _row(first: int | None, length: int | None, what: str) -> Row:
    since = None if first is None else _START + timedelta(days=first)
    until = None if length is None else (since or _START) + timedelta(days=length)
    return {"valid_from": since, "valid_to": until, "what": what}


_rows = st.lists(
    st.builds(
        _row,
        st.none() | st.integers(0, 20),
        st.none() | st.integers(0, 20),
        st.sampled_from("ab"),
    ),
    max_size=5,
)


@given(_rows, _rows)
def test_the_first_difference_is_that_of_a_comparison_day_by_day(
    before: list[Row], after: list[Row]
) -> None:
    def state(rows: list[Row], day: date) -> Counter[str]:
        return Counter(
            row["what"]
            for row in rows
            if (row["valid_from"] or date.min) <= day <= (row["valid_to"] or date.max)
        )

    days = [date(1900, 1, 1), *(_START + timedelta(days=n) for n in range(60))]
    expected = next((day for day in days if state(before, day) != state(after, day)), None)
    assert first_difference()(before, after, date(2026, 12, 1)) == expected
