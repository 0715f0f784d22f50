"""Exact money: millionths of a dollar, and an amount spread over days so that it closes.

`Decimal` only; every function is right for negative amounts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import floor

MICRO = Decimal("0.000001")
CENT = Decimal("0.01")
ZERO = Decimal(0)

_EXACT = Context(prec=100)
"""Wide enough that no product of a NUMERIC amount, a NUMERIC rate and a count of days rounds."""


def micros(amount: Decimal) -> Decimal:
    """The amount in whole millionths of a dollar, halves away from zero."""
    return amount.quantize(MICRO, ROUND_HALF_UP, _EXACT)


def cents(amount: Decimal) -> Decimal:
    """The amount in whole cents, halves away from zero: as SQL's ROUND does it."""
    return amount.quantize(CENT, ROUND_HALF_UP, _EXACT)


def times(amount: Decimal, factor: Decimal) -> Decimal:
    """The product with all its digits."""
    return _EXACT.multiply(amount, factor)


def through(amount: Decimal, n: int, days: int) -> Decimal:
    """F(n): what of the amount the first n of its days bear, truncated to a millionth.

    F(0) is 0 and F(days) the amount, whatever its digits (design, "Money": seats).
    """
    if n == days:
        return amount
    # Whole numbers only, so that no quotient is ever rounded: NUMERIC has nine places.
    nanos = int(abs(amount).scaleb(9, _EXACT))
    share = Decimal(nanos * n // (days * 1000)).scaleb(-6, _EXACT)
    return -share if amount < 0 else share


def on_day(amount: Decimal, n: int, days: int) -> Decimal:
    """What day n of `days` bears, from 1: F(n) - F(n-1). The days sum to the amount exactly.

    Every day but the last bears the truncated average or a millionth more; none has the wrong
    sign.
    """
    if not 1 <= n <= days:
        raise ValueError(f"day {n} of {days}")
    return _EXACT.subtract(through(amount, n, days), through(amount, n - 1, days))


def rounded_shares(amounts: list[Decimal], rate: Decimal) -> list[Decimal]:
    """Each amount times the rate in cents, so that they sum to the whole's rounded product.

    Line k bears R(sum up to k) - R(sum up to k-1), R the rounding to the cent: no line is off by
    more than a cent, and the total not at all.
    """
    shares: list[Decimal] = []
    before, total = ZERO, ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
        reached = cents(times(total, rate))
        shares.append(reached - before)
        before = reached
    return shares


def cents_that_sum(
    amounts: Sequence[Decimal | Fraction], total: Decimal | None = None
) -> list[Decimal]:
    """Each amount in cents, so that they sum to the total: largest remainder.

    `total` is what they must sum to, in whole cents; by default their exact sum, rounded once as
    `cents` rounds it. Every amount is cut to the cent below it; the cents that are left go to the
    amounts that lost most, of equal ones to the first. So none is off by a whole cent, unless
    `total` is further from their sum than cents can be.
    """
    exact = [Fraction(amount) * 100 for amount in amounts]
    if total is None:
        wanted = _half_up(sum(exact, Fraction()))
    else:
        if total != cents(total):
            raise ValueError(f"{total} is not in whole cents")
        wanted = int(Fraction(total) * 100)
    if not exact:
        if wanted:
            raise ValueError(f"nothing sums to {wanted} cents")
        return []
    below = [floor(amount) for amount in exact]
    each, more = divmod(wanted - sum(below), len(exact))
    most_cut = sorted(range(len(exact)), key=lambda n: below[n] - exact[n])
    given = set(most_cut[:more])
    return [Decimal(cut + each + (n in given)).scaleb(-2, _EXACT) for n, cut in enumerate(below)]


def _half_up(number: Fraction) -> int:
    """The nearest whole number, halves away from zero."""
    nearest = floor(abs(number) + Fraction(1, 2))
    return -nearest if number < 0 else nearest
