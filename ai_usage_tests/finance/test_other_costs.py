"""Costs that no report holds, spread evenly and exactly."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage.finance import Rates, other_cost_events
from ai_usage.identity.aliases import Aliases
from ai_usage.reference import Row
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.finance.tables import USD_ONLY, rows_of, window

_HEAD = "cost_id platform line_kind amount currency date_from date_to user_email project_codes\n"


def spread(table: str, first: str, last: str, rates: Rates = USD_ONLY) -> list[RawEvent]:
    rows = rows_of("other_costs.csv", _HEAD + table)
    streams = other_cost_events(rows, rates, window(first, last), Aliases({"a@x.com": "ada@x.com"}))
    assert all(stream.endpoint == "other_costs" for stream in streams)
    return [event for stream in streams for event in stream.events]


def test_a_cost_at_once_stands_on_its_day() -> None:
    (event,) = spread("c1 cursor one_time 2500.00 . 2026-01-12 . . A;B", "2026-01-01", "2026-01-31")
    assert (event.event_date, event.cost_usd) == (date(2026, 1, 12), Decimal("2500.00"))
    assert (event.event_type, event.cost_type) == ("cost", "one_time")
    assert (event.user_email, event.attribution_method) == (None, "shared")
    assert event.project_codes == ["A", "B"]


def test_a_credit_over_three_days_is_negative_on_each() -> None:
    found = spread("c1 cursor credit -10 USD 2026-01-01 2026-01-03 . .", "2026-01-01", "2026-01-31")
    assert [event.cost_usd for event in found] == [
        Decimal("-3.333333"),
        Decimal("-3.333333"),
        Decimal("-3.333334"),
    ]


def test_a_person_who_is_named_by_an_alias_bears_it() -> None:
    (event,) = spread("c1 cursor tax 5 . 2026-01-12 . a@x.com .", "2026-01-01", "2026-01-31")
    assert (event.user_email, event.attribution_method) == ("ada@x.com", "direct_email")


def test_a_cost_is_converted_whole_at_the_rate_of_its_first_day() -> None:
    rates = Rates(
        rows_of(
            "fx_rates.csv",
            """
            currency rate_date  usd_per_unit source
            EUR      2026-01-01 1.10         ECB
            EUR      2026-01-02 9.00         ECB
            """,
        )
    )
    found = spread(
        "c1 cursor tax 100 EUR 2026-01-01 2026-01-02 . .", "2026-01-01", "2026-01-31", rates
    )
    assert [event.cost_usd for event in found] == [Decimal(55), Decimal(55)]
    assert {event.exchange_rate_date for event in found} == {date(2026, 1, 1)}


@given(
    st.decimals(-(10**6), 10**6, places=9),
    st.integers(0, 100),
    st.integers(0, 120),
)
def test_the_days_sum_to_the_amount_however_the_window_is_cut(
    amount: Decimal, length: int, cut: int
) -> None:
    first = date(2026, 1, 1)
    row: Row = {
        "cost_id": "c",
        "platform": "p",
        "platform_subtype": None,
        "line_kind": "credit",
        "amount": amount,
        "currency": "USD",
        "date_from": first,
        "date_to": first + timedelta(days=length),
        "user_email": None,
        "cost_center": None,
        "project_codes": None,
        "billing_account_id": None,
    }
    middle = first + timedelta(days=cut)
    found = [
        event
        for asked in (
            Window(first - timedelta(days=1), middle),
            Window(middle, middle + timedelta(days=200)),
        )
        for stream in other_cost_events([row], USD_ONLY, asked)
        for event in stream.events
    ]
    assert sum((event.cost_usd or Decimal() for event in found), Decimal()) == amount
    assert len({event.event_id for event in found}) == len(found) == length + 1
