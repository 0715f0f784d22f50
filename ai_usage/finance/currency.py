"""Exchange rates of `fx_rates.csv`, looked up by day.

Which day's rate an amount takes:

- a seat's month is converted at **one** rate, that of the first day of its billing month. A rate
  a day would make the month's days sum to a price that stands on no invoice: the month must
  close exactly.
- another cost at the rate of its `date_from`, an invoice of its `period_from`, as the seats of that
  billing month: two rates would dispute what agrees in its own currency.
- a budget of each of its months at the rate of the month's first day (`Rates.by_month`), as the
  seats that count against it. A month that no newer rate is known for takes the last known one,
  which is stale from 32 days on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from ai_usage.days.spans import LAST_DAY, Span, day_before
from ai_usage.errors import ReferenceFileError
from ai_usage.finance.exact import micros, times
from ai_usage.reference.column import Row
from ai_usage.reference.currencies import USD

STALE_AFTER_DAYS = 31
"""A rate older than this lowers the confidence of what it converts (design, "Money")."""

_STALE = timedelta(days=STALE_AFTER_DAYS + 1)
_LAST_MONTH = LAST_DAY.replace(day=1)
"""No month begins after it."""


class Rate(NamedTuple):
    """US dollars for one unit of a currency; of US dollars themselves 1, of no day or source.

    `is_stale` tells whether the rate was more than 31 days old on the day that it was asked for.
    """

    rate: Decimal
    rate_date: date | None = None
    source: str | None = None
    is_stale: bool = False


ONE = Rate(Decimal(1))


class Rates:
    """The rates that are known, by currency and day."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        """`rows` are those of fx_rates.csv; the reader has refused two of one currency and day."""
        known: dict[str, list[Rate]] = defaultdict(list)
        for row in rows:
            known[row["currency"]].append(
                Rate(row["usd_per_unit"], row["rate_date"], row["source"])
            )
        self._rates = {c: sorted(own, key=_dated) for c, own in known.items()}

    def usd(self, currency: str, day: date) -> Rate:
        """The newest rate of the currency on or before the day.

        Raises `ReferenceFileError` where there is none.
        """
        if currency == USD:
            return ONE
        own = self._rates.get(currency, [])
        at = bisect_right(own, day, key=_dated)
        if at == 0:
            raise ReferenceFileError(
                f"fx_rates.csv has no rate of {currency} on or before {day}; add one"
            )
        newest = own[at - 1]
        age = (day - _dated(newest)).days
        return newest._replace(is_stale=age > STALE_AFTER_DAYS)

    def by_month(self, currency: str, months: Span) -> Iterator[tuple[Span, Rate]]:
        """The rate of each month's first day: ranges of months that have the same, in order.

        `months` begins on the first of a month. Months without end are a few ranges: after the
        last known rate has become stale nothing changes any more. Raises `ReferenceFileError`
        where there is no rate for the first month.
        """
        known = [_dated(rate) for rate in self._rates.get(currency, [])]
        stale = [day + _STALE for day in known if day <= LAST_DAY - _STALE]
        turns = {_first_of_month_from(day) for day in (*known, *stale) if day <= _LAST_MONTH}
        begun = {months.first: self.usd(currency, months.first)}
        for first in sorted(day for day in turns if months.first < day <= months.last):
            rate = self.usd(currency, first)
            if rate != list(begun.values())[-1]:
                begun[first] = rate
        starts = list(begun)
        ends = [*(day_before(later) for _, later in pairwise(starts)), months.last]
        for (first, rate), last in zip(begun.items(), ends, strict=True):
            yield Span(first, last), rate

    def converted(self, amount: Decimal, currency: str, day: date) -> tuple[Decimal, Rate]:
        """The amount in US dollars and the rate it took.

        US dollars stay as they are, to the last digit; what is converted is rounded to a
        millionth of a dollar. Raises `ReferenceFileError` where there is no rate.
        """
        rate = self.usd(currency, day)
        return in_usd(amount, rate), rate


def in_usd(amount: Decimal, rate: Rate) -> Decimal:
    """The amount at the rate: US dollars as they are, else rounded to a millionth of a dollar."""
    return amount if rate is ONE else micros(times(amount, rate.rate))


def _first_of_month_from(day: date) -> date:
    """The day if it is the first of a month, else the first of the next month."""
    return day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _dated(rate: Rate) -> date:
    return rate.rate_date or date.min
