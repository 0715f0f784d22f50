"""Exchange rates of `fx_rates.csv`, looked up by day.

Which day's rate an amount takes:

- a seat's month is converted at **one** rate, that of the first day of its billing month. A rate
  a day would make the month's days sum to a price that stands on no invoice: the month must
  close exactly.
- another cost at the rate of its `date_from`, an invoice of its `period_from`, as the seats of that
  billing month: two rates would dispute what agrees in its own currency. A budget of its
  `valid_from`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ai_usage.errors import ReferenceFileError
from ai_usage.finance.exact import micros, times
from ai_usage.reference.column import Row
from ai_usage.reference.currencies import USD

STALE_AFTER_DAYS = 31
"""A rate older than this lowers the confidence of what it converts (design, "Money")."""


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

    def converted(self, amount: Decimal, currency: str, day: date) -> tuple[Decimal, Rate]:
        """The amount in US dollars and the rate it took.

        US dollars stay as they are, to the last digit; what is converted is rounded to a
        millionth of a dollar. Raises `ReferenceFileError` where there is no rate.
        """
        rate = self.usd(currency, day)
        return (amount if rate is ONE else micros(times(amount, rate.rate))), rate


def _dated(rate: Rate) -> date:
    return rate.rate_date or date.min
