"""Money, shares and counts as a person reads them; what is unknown is a dash, never a 0."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

UNKNOWN = "\u2013"
"""Stands for what is not known."""
MINUS = "\u2212"
"""A minus as wide as a plus, so that columns of signed figures stay straight."""
_CENT = Decimal("0.01")
_DIME = Decimal("0.1")
_STEPS = ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "k"))


def money(dollars: Decimal | None, *, signed: bool = False) -> str:
    """`$1,234.50`, to the cent, halves away from zero; `signed` puts a plus before what grew."""
    if dollars is None:
        return UNKNOWN
    cents = dollars.quantize(_CENT, ROUND_HALF_UP)
    return _sign(cents, signed) + f"${abs(cents):,.2f}"


def exact_money(dollars: Decimal) -> str:
    """`$1,234.50`, and all digits of less than a cent: what is not nothing is never `$0.00`."""
    if dollars == dollars.quantize(_CENT):
        return money(dollars)
    return _sign(dollars, False) + f"${abs(dollars).normalize():,f}"


def short_money(dollars: Decimal | None, *, signed: bool = False) -> str:
    """`$950`, `$12.3k`, `$4.56M`: three digits, for pictures and sentences, never for tables."""
    if dollars is None:
        return UNKNOWN
    size = abs(dollars)
    for step, unit in _STEPS:
        # From the value that would round up into the step.
        if size >= step * Decimal("0.9995"):
            return _sign(dollars, signed) + f"${_three_digits(size / step)}{unit}"
    if 0 < size < 100:
        text = f"{size.quantize(_CENT, ROUND_HALF_UP):.2f}"
        # A price of a few cents or less keeps two digits: it is multiplied by thousands.
        return _sign(dollars, signed) + "$" + (text if size >= _DIME else f"{size:.2g}")
    whole = size.quantize(Decimal(1), ROUND_HALF_UP)
    return _sign(dollars if whole else Decimal(0), signed) + f"${whole:,}"


def share(fraction: Decimal | float | None, *, signed: bool = False) -> str:
    """`12 %`, below ten `1.2 %`; never `0 %` or `100 %` for what is only nearly so."""
    if fraction is None:
        return UNKNOWN
    percent = Decimal(str(fraction)) * 100
    size = abs(percent)
    if 0 < size < Decimal("0.05"):
        return "< 0.1 %"
    if Decimal(99) < size < 100:
        text = f"{min(size, Decimal('99.9')):.1f}"
    else:
        text = f"{size:.0f}" if size >= 10 or size == 0 else f"{size:.1f}"
    return _sign(percent, signed) + f"{text.removesuffix('.0')} %"


def count(number: int | Decimal | float | None) -> str:
    """`12,345`; a fraction keeps one digit."""
    if number is None:
        return UNKNOWN
    whole = Decimal(str(number))
    return (MINUS if whole < 0 else "") + (
        f"{abs(whole):,.0f}" if whole == whole.to_integral_value() else f"{abs(whole):,.1f}"
    )


def short_count(number: int | Decimal | float | None) -> str:
    """`950`, `12.3k`, `4.56M`."""
    if number is None:
        return UNKNOWN
    size = abs(Decimal(str(number)))
    for step, unit in _STEPS:
        if size >= step * Decimal("0.9995"):
            return (MINUS if number < 0 else "") + _three_digits(size / step) + unit
    return count(number)


def month_name(month: date, *, short: bool = False) -> str:
    """`November 2026`, `Nov 2026`."""
    return f"{month:%b %Y}" if short else f"{month:%B %Y}"


def day_name(day: date) -> str:
    """`Sat 28 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def _three_digits(value: Decimal) -> str:
    digits = 2 if value < Decimal("9.995") else 1 if value < Decimal("99.95") else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sign(value: Decimal, signed: bool) -> str:
    return MINUS if value < 0 else "+" if signed and value > 0 else ""
