"""What seats cost, worked out by hand: daily and full_month, joiners, leavers, spare seats."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.days.cycles import cycle_of
from ai_usage.errors import ReferenceFileError
from ai_usage.finance import Rates, dim_seats, seat_events
from ai_usage.finance.exact import micros
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.finance.tables import (
    USD_ONLY,
    borne,
    contract,
    events,
    held,
    rows_of,
    seated,
    window,
)

D = Decimal


def test_one_seat_a_month_of_31_days_at_31_dollars_is_a_dollar_a_day() -> None:
    found = events(seated(contract(), held(("ada", "2026-01-01", ""))), "2026-01-01", "2026-01-31")
    assert [event.cost_usd for event in found] == [D("1.000000")] * 31
    first = found[0]
    assert (first.event_type, first.cost_type, first.billing_period) == (
        "cost",
        "subscription",
        "monthly",
    )
    assert (first.user_email, first.attribution_method) == ("ada@x.com", "direct_email")
    assert first.event_timestamp == datetime(2026, 1, 1, tzinfo=UTC)
    assert (first.cost_currency, first.exchange_rate) == ("USD", None)


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        # Daily: a dollar for each day that each of them sat, the rest is nobody's.
        ("daily", {"ada": D(10), "bob": D(14), "shared": D(7)}),
        # Full month: the month in which Ada began is hers although she left on the 10th.
        ("full_month", {"ada": D(31)}),
    ],
)
def test_a_seat_that_changes_hands_within_a_month(
    pricing: str, expected: dict[str, Decimal]
) -> None:
    seating = seated(
        contract(pricing),
        held(("ada", "2026-01-01", "2026-01-10"), ("bob", "2026-01-11", "2026-01-24")),
    )
    assert borne(events(seating, "2026-01-01", "2026-01-31")) == expected


@pytest.mark.parametrize(
    ("pricing", "january", "february"),
    [
        # 22 of 31 days; the other nine days of the seat are shared.
        ("daily", {"ada": D(22), "shared": D(9)}, {"ada": D(31)}),
        # All of January from the 10th on; the days before cost nothing.
        ("full_month", {"ada": D(31), "shared": D(0)}, {"ada": D(31)}),
    ],
)
def test_a_joiner_on_the_10th(
    pricing: str, january: dict[str, Decimal], february: dict[str, Decimal]
) -> None:
    seating = seated(contract(pricing), held(("ada", "2026-01-10", "")))
    assert borne(events(seating, "2026-01-01", "2026-01-31")) == january
    assert borne(events(seating, "2026-02-01", "2026-02-28")) == february


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        ("daily", {"ada": D(10), "shared": D(21)}),
        ("full_month", {"ada": D(31)}),
    ],
)
def test_a_leaver_on_the_10th(pricing: str, expected: dict[str, Decimal]) -> None:
    seating = seated(contract(pricing), held(("ada", "2025-12-01", "2026-01-10")))
    assert borne(events(seating, "2026-01-01", "2026-01-31")) == expected
    assert borne(events(seating, "2026-02-01", "2026-02-28")) == {"shared": D(31)}


def test_a_full_month_joiner_pays_the_days_left_in_equal_parts() -> None:
    seating = seated(contract("full_month", price="22.00"), held(("ada", "2026-01-10", "")))
    found = events(seating, "2026-01-01", "2026-01-31")
    assert [event.cost_usd for event in found] == [D(0)] * 9 + [D("1.000000")] * 22


@pytest.mark.parametrize(("pricing", "expected"), [("daily", D(5)), ("full_month", D(31))])
def test_a_contract_that_begins_and_ends_within_a_month(pricing: str, expected: Decimal) -> None:
    terms = contract(pricing, first="2026-01-20", last="2026-01-24")
    found = events(seated(terms), "2026-01-01", "2026-03-01")
    assert borne(found) == {"shared": expected}
    assert found[0].event_date == date(2026, 1, 20)
    assert found[-1].event_date == date(2026, 1, 24), "nothing is charged after its last day"


def test_a_full_month_contract_that_ends_within_a_month_is_charged_to_its_last_day() -> None:
    """30.00 for April over the 12 days to the 12th: 2.50 a day; joined on the 3rd, 3.00 over 10."""
    terms = contract("full_month", price="30.00", last="2026-04-12")
    found = events(seated(terms), "2026-04-01", "2026-05-31")
    assert [(e.event_date.day, e.cost_usd) for e in found] == [
        (day, D("2.50")) for day in range(1, 13)
    ]
    joined = events(seated(terms, held(("ada", "2026-04-03", ""))), "2026-04-01", "2026-05-31")
    assert [(e.event_date.day, e.cost_usd) for e in joined] == [
        *((day, D(0)) for day in (1, 2)),
        *((day, D("3.00")) for day in range(3, 13)),
    ]


def test_a_seat_that_is_given_up_within_a_full_month_is_charged_to_its_last_day() -> None:
    """Three seats to the 10th, one from the 11th: two are 31.00 over 10 days, one over 31."""
    terms = contract("full_month", quantity=3, last="2026-01-10") + contract(
        "full_month", quantity=1, first="2026-01-11"
    )
    found = events(seated(terms), "2026-01-01", "2026-01-31")
    days: dict[date, Decimal] = defaultdict(Decimal)
    for event in found:
        days[event.event_date] += event.cost_usd or D(0)
    assert set(days.values()) == {D("7.20"), D("1.00")}
    assert sum(days.values()) == D("93.00")


def test_a_billing_day_that_a_month_does_not_have_is_its_last_day() -> None:
    """From 31 January: 28.00 over 28 days to 27 February, then 31 from 28 February."""
    seating = seated(contract(billing_day="31", price="28.00"))
    costs = events(seating, "2026-01-30", "2026-03-31")
    found = {e.event_date: e.cost_usd for e in costs if e.cost_usd is not None}
    assert {found[date(2026, 1, 31)], found[date(2026, 2, 1)], found[date(2026, 2, 27)]} == {D(1)}
    second = [found[date(2026, 2, 28)], *(found[date(2026, 3, day)] for day in range(1, 31))]
    assert len(second) == 31
    assert sum(second, D(0)) == D("28.00")


def test_more_seats_within_a_full_month_are_charged_whole_and_the_old_ones_once() -> None:
    terms = contract("full_month", last="2026-01-14") + contract(
        "full_month", quantity=3, first="2026-01-15"
    )
    assert borne(events(seated(terms), "2026-01-01", "2026-01-31")) == {"shared": D(93)}


def test_spare_seats_are_shared_and_go_to_the_contracts_cost_center() -> None:
    seating = seated(
        contract(quantity=3, cost_center="CC-1", billing_account_id="acct"),
        held(("ada", "2026-01-01", "")),
    )
    found = events(seating, "2026-01-05", "2026-01-05")
    said = [(e.user_email, e.attribution_method, e.cost_center) for e in found]
    assert said == [
        ("ada@x.com", "direct_email", None),
        (None, "shared", "CC-1"),
        (None, "shared", "CC-1"),
    ]
    assert {e.billing_account_id for e in found} == {"acct"}
    assert len({e.event_id for e in found}) == 3


def test_a_billing_month_from_the_15th_closes_on_the_14th() -> None:
    seating = seated(contract(billing_day="15", price="40.00", quantity=2))
    assert borne(events(seating, "2026-01-15", "2026-02-14")) == {"shared": D("80.00")}
    # Seventeen of 31 days, truncated, and the rest of the month.
    assert borne(events(seating, "2026-01-15", "2026-01-31")) == {"shared": D("43.870966")}
    assert borne(events(seating, "2026-02-01", "2026-02-14")) == {"shared": D("36.129034")}


def test_a_month_in_euros_takes_one_rate_that_of_its_first_day() -> None:
    rates = Rates(
        rows_of(
            "fx_rates.csv",
            """
            currency rate_date  usd_per_unit source
            EUR      2026-01-01 1.10         ECB
            EUR      2026-01-15 2.00         ECB
            """,
        )
    )
    found = events(seated(contract(currency="EUR")), "2026-01-01", "2026-02-28", rates)
    month = [event for event in found if event.event_date.month == 1]
    assert sum((event.cost_usd or D(0) for event in month), D(0)) == D("34.10")
    assert {(e.cost_currency, e.exchange_rate, e.exchange_rate_date) for e in month} == {
        ("EUR", D("1.10"), date(2026, 1, 1))
    }
    assert sum((e.cost_usd or D(0) for e in found), D(0)) == D("34.10") + D("62.00")


def test_no_rate_is_a_refusal() -> None:
    with pytest.raises(ReferenceFileError, match="no rate of EUR on or before 2026-01-01"):
        events(seated(contract(currency="EUR")), "2026-01-05", "2026-01-05")


def test_a_new_price_keeps_the_event_ids() -> None:
    line = held(("ada", "2026-01-01", ""))
    old = events(seated(contract(quantity=2), line), "2026-01-01", "2026-01-31")
    new = events(seated(contract(quantity=2, price="99"), line), "2026-01-01", "2026-01-31")
    assert [event.event_id for event in old] == [event.event_id for event in new]


def test_the_table_says_who_held_which_seat_and_at_what_price() -> None:
    rates = Rates(
        rows_of("fx_rates.csv", "currency rate_date usd_per_unit source\nEUR 2026-01-01 1.10 ECB")
    )
    seating = seated(
        contract(currency="EUR", quantity=2, plan="Team"),
        held(("ada", "2026-01-01", "2026-01-10")),
    )
    rows = dim_seats(seating, rates)
    assert [(r["user_email"], r["valid_from"], r["valid_to"]) for r in rows] == [
        ("ada@x.com", date(2026, 1, 1), date(2026, 1, 10)),
        (None, date(2026, 1, 11), date(9999, 12, 31)),
        (None, date(2026, 1, 1), date(9999, 12, 31)),
    ]
    assert {r["monthly_price_usd"] for r in rows} == {D("34.10")}
    assert len({r["seat_id"] for r in rows}) == 3
    assert table_schema("dim_seats").to_arrow(rows).num_rows == 3
    required = [c.name for c in table_schema("dim_seats").columns if not c.nullable]
    assert all(row[name] is not None for row in rows for name in required)


_who = st.tuples(st.sampled_from("abcd"), st.integers(0, 100), st.integers(0, 60))


@given(
    pricing=st.sampled_from(["daily", "full_month"]),
    price=st.decimals(0, 10_000, places=9),
    quantity=st.integers(1, 3),
    billing_day=st.integers(1, 31),
    stretches=st.lists(_who, max_size=6),
    cut=st.integers(1, 120),
)
def test_every_billing_month_costs_price_times_seats_whoever_comes_and_goes(
    pricing: str,
    price: Decimal,
    quantity: int,
    billing_day: int,
    stretches: list[tuple[str, int, int]],
    cut: int,
) -> None:
    def day(n: int) -> str:
        return date.fromordinal(date(2026, 1, 1).toordinal() + n).isoformat()

    lines = []
    for who, first, length in stretches:
        lines += held((who, day(first), day(first + length)))
    terms = contract(
        pricing,
        quantity=quantity,
        price=f"{price:f}",
        first="2025-12-01",
        billing_day=str(billing_day),
    )
    seating = seated(terms, lines)
    parts = [
        *seat_events(seating, USD_ONLY, window(day(0), day(cut - 1))),
        *seat_events(seating, USD_ONLY, window(day(cut), day(130))),
    ]
    found = [event for part in parts for event in part.events]
    whole = events(seating, day(0), day(130))
    assert {e.event_id: e.cost_usd for e in found} == {e.event_id: e.cost_usd for e in whole}
    assert len({e.event_id for e in whole}) == len(whole) == 131 * quantity
    assert all((event.cost_usd or D(0)) >= 0 for event in whole)
    months: dict[date, Decimal] = defaultdict(Decimal)
    days: Counter[date] = Counter()
    for event in whole:
        cycle = cycle_of(event.event_date, billing_day)
        months[cycle.first] += event.cost_usd or D(0)
        days[cycle.first] += 1
    closed = {
        first: dollars
        for first, dollars in months.items()
        if days[first] == cycle_of(first, billing_day).days * quantity
    }
    assert len(closed) >= 3
    assert set(closed.values()) == {micros(price) * quantity}


def test_a_rate_that_was_new_when_the_billing_month_began_is_not_stale_at_its_end() -> None:
    """Of 1 January, taken on 15 January: 44 days old on 14 February, and the right one."""
    rates = Rates(
        rows_of("fx_rates.csv", "currency rate_date usd_per_unit source\nEUR 2026-01-01 1.10 ECB")
    )
    seating = seated(contract(currency="EUR", billing_day="15"))
    stale = {
        e.event_date: e.is_rate_stale for e in events(seating, "2026-01-15", "2026-03-14", rates)
    }
    assert not any(stale[day] for day in stale if day < date(2026, 2, 15))
    assert all(stale[day] for day in stale if day >= date(2026, 2, 15))
