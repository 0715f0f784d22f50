"""What seats cost: rows of `dim_seats`, and one cost event a seat a day.

A billing month closes exactly: with D days, day n of a price P costs F(n) - F(n-1), F(n) the
truncated millionths of P·n/D and F(D) = P (`exact.on_day`). P is the month's price in US dollars,
converted at the rate of the month's first day and rounded to a millionth (see `currency`).

- **daily**: a day costs its share, borne by who holds the seat on it.
- **full_month**: a month is never charged in part. The price of a seat that is bought within the
  month is spread over the days left; where the seat's contract ends within the month, over the
  days to its last one. Who holds the seat first in the month bears the whole price, spread over
  his days left, also when he leaves within it; until he came the seat cost nothing. Who takes it
  over within the month bears nothing before the next one: the month is paid. Where nobody held it,
  it is shared. The price is that of the terms on the seat's first day in the month.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from ai_usage.days.cycles import Cycle, cycle_of
from ai_usage.days.spans import Span
from ai_usage.days.windows import Window
from ai_usage.dimensions.surrogate_keys import hash_text
from ai_usage.finance.currency import Rate, Rates
from ai_usage.finance.events import (
    SEATS,
    FinanceEvents,
    bearer,
    identified,
    midnight,
    rate_columns,
)
from ai_usage.finance.exact import ZERO, micros, on_day
from ai_usage.finance.seating import Seat, Seating, SeatPeriod
from ai_usage.vendors.rows import RawEvent


class _Charge(NamedTuple):
    """What one day of a seat costs, in US dollars, and who bears it."""

    day: date
    period: SeatPeriod
    user_email: str | None
    cost_usd: Decimal
    rate: Rate


def seat_events(seating: Seating, rates: Rates, window: Window) -> list[FinanceEvents]:
    """One cost event a seat a day of the window, per platform, seat by seat.

    Dollars, exact: the days of a billing month sum to its price, however it is cut into windows
    (for full_month begin the window where `seating.affected_from` says). A seat that nobody holds
    is shared and carries the contract's cost centre. Raises `ReferenceFileError` where a rate is
    missing.
    """
    platforms: dict[str, list[Seat]] = defaultdict(list)
    for seat in seating.seats:
        platforms[seat.contract.platform].append(seat)
    return [
        identified(platform, SEATS, _events(own, rates, window))
        for platform, own in sorted(platforms.items())
    ]


def dim_seats(seating: Seating, rates: Rates) -> list[dict[str, Any]]:
    """Rows of `dim_seats`: one a seat, holder and period of equal terms.

    `monthly_price_usd` is converted at the newest rate on or before the period's last day. Raises
    `ReferenceFileError` where a rate is missing.
    """
    rows: list[dict[str, Any]] = []
    ordinals: Counter[tuple[str, str | None, date]] = Counter()
    for seat in seating.seats:
        contract = seat.contract
        for period in seat.periods:
            key = (contract.contract_id, period.user_email, period.span.first)
            ordinals[key] += 1
            price, _rate = rates.converted(period.terms.price, contract.currency, period.span.last)
            rows.append(
                {
                    "seat_id": hash_text(
                        key[0], key[1], str(ordinals[key]), period.span.first.isoformat()
                    ),
                    "contract_id": contract.contract_id,
                    "platform": contract.platform,
                    "platform_subtype": contract.platform_subtype,
                    "plan": period.terms.plan,
                    "user_email": period.user_email,
                    "valid_from": period.span.first,
                    "valid_to": period.span.last,
                    "monthly_price_usd": micros(price),
                    "pricing": contract.pricing,
                    "assignment_source": period.source,
                    "leaver_email": period.leaver,
                    "billing_day": contract.billing_day,
                }
            )
    return rows


def _events(seats: Iterable[Seat], rates: Rates, window: Window) -> Iterator[RawEvent]:
    # Seats in one order for every window, so that unheld seats of a day keep their ordinals.
    for seat in seats:
        for charge in _charges(seat, rates, window):
            yield _event(seat, charge)


def _event(seat: Seat, charge: _Charge) -> RawEvent:
    contract, terms = seat.contract, charge.period.terms
    return RawEvent(
        identity=(contract.contract_id, charge.day.isoformat(), charge.user_email),
        event_timestamp=midnight(charge.day),
        event_date=charge.day,
        event_type="cost",
        platform_subtype=contract.platform_subtype,
        cost_usd=charge.cost_usd,
        cost_currency=contract.currency,
        cost_type="subscription",
        billing_period="monthly",
        billing_account_id=terms.billing_account_id,
        billing_month_days=cycle_of(charge.day, contract.billing_day).days,
        cost_center=None if charge.user_email else terms.cost_center,
        archive_page=f"{SEATS}.csv#{contract.contract_id}",
        **bearer(charge.user_email),
        **rate_columns(charge.rate),
    )


def _charges(seat: Seat, rates: Rates, window: Window) -> Iterator[_Charge]:
    """The seat's charges on days of the window."""
    month = _full_month if seat.contract.pricing == "full_month" else _daily
    day = window.start
    while day < window.end:
        cycle = cycle_of(day, seat.contract.billing_day)
        asked = Span(day, min(cycle.last, window.end - timedelta(days=1)))
        yield from month(seat, rates, cycle, asked)
        day = asked.last + timedelta(days=1)


def _price(seat: Seat, period: SeatPeriod, rates: Rates, cycle: Cycle) -> tuple[Decimal, Rate]:
    usd, rate = rates.converted(period.terms.price, seat.contract.currency, cycle.first)
    return micros(usd), rate


def _daily(seat: Seat, rates: Rates, cycle: Cycle, asked: Span) -> Iterator[_Charge]:
    for period in _within(seat, asked):
        price, rate = _price(seat, period, rates, cycle)
        for day in _days(period.span & asked):
            cost = on_day(price, (day - cycle.first).days + 1, cycle.days)
            yield _Charge(day, period, period.user_email, cost, rate)


def _full_month(seat: Seat, rates: Rates, cycle: Cycle, asked: Span) -> Iterator[_Charge]:
    held = _within(seat, Span(*cycle))
    if not held:
        return
    price, rate = _price(seat, held[0], rates, cycle)
    bought = max(held[0].span.first, cycle.first)
    last = min(held[-1].span.last, cycle.last)
    bearing = next((period for period in held if period.user_email), None)
    period = bearing or held[0]
    begun = max(period.span.first, cycle.first)
    for day in _days(Span(bought, last) & asked):
        if day < begun:
            yield _Charge(day, held[0], None, ZERO, rate)
        else:
            cost = on_day(price, (day - begun).days + 1, (last - begun).days + 1)
            yield _Charge(day, period, period.user_email, cost, rate)


def _within(seat: Seat, span: Span) -> list[SeatPeriod]:
    return [period for period in seat.periods if period.span & span]


def _days(span: Span) -> list[date]:
    return [span.first + timedelta(days=n) for n in range((span.last - span.first).days + 1)]
