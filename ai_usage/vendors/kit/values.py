"""Reading single values out of vendors' records: money, days, instants, texts.

Money never passes through a float: a JSON number is read from its own digits.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, ROUND_DOWN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec

from ai_usage.vendors.decoding import UNREADABLE

T = TypeVar("T")

Int = Annotated[int, msgspec.Meta(ge=-(2**60), le=2**60)] | None
"""A count. Beyond the bound a record is not decodable: sums of a few must fit into INT64."""

_ANYTHING = msgspec.json.Decoder()
NULL = msgspec.Raw(b"null")
UNSAID = msgspec.Raw(b"null")
"""The default of a field that every record must have, told apart from a null by identity."""

_NANO = Decimal("0.000000001")
_NUMERIC = Context(prec=38, rounding=ROUND_DOWN)
"""NUMERIC(38, 9): quantising what does not fit raises InvalidOperation."""
_WIDE = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Moving the point must neither round nor overflow; the only digits lost are those of the last
step."""

_IS_NO_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[^Tt ]")
"""Python takes any character, a digit too, for what parts a day from its time."""

DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1)


class UnreadableAmount(ValueError):  # noqa: N818
    """A money field that is there but is no amount that NUMERIC(38, 9) can hold."""


def usd(raw: msgspec.Raw, *, in_cents: bool = True) -> Decimal | None:
    """US dollars, truncated to 9 decimals, from a JSON number or text of cents (or of dollars).

    None for null. Raises `UnreadableAmount` on anything else, infinities and NaN too.
    """
    return parsed_usd(str(raw, "utf-8", "replace"), in_cents)[0]


@lru_cache(maxsize=4096)
def parsed_usd(text: str, in_cents: bool) -> tuple[Decimal | None, bool]:
    """The dollars that a JSON value names, and whether digits were cut off."""
    if text == "null":
        return None, False
    digits = text[1:-1].strip() if text[:1] == '"' else text
    # Decimal() also takes underscores and digits of other scripts; a vendor's amount has neither.
    if not digits.isascii() or "_" in digits or len(digits) > 200:
        raise UnreadableAmount(text[:50])
    try:
        amount = Decimal(digits)
        dollars = amount.scaleb(-2, _WIDE) if in_cents else amount
        result = _NUMERIC.quantize(dollars, _NANO)
    except InvalidOperation:
        raise UnreadableAmount(text[:50]) from None
    if not result.is_finite():
        raise UnreadableAmount(text[:50])
    return result, result != dollars


def text_of(value: str | int | None) -> str | None:
    """An id or name as text; blank is None."""
    if value is None:
        return None
    return str(value).strip() or None


def text_if_any(value: Any) -> str | None:
    """As `text_of`, of a value of any type: what is neither text nor whole number says nothing."""
    return text_of(value) if isinstance(value, str | int) and value is not True else None


def email_of(value: str | None) -> str | None:
    """An e-mail address, lower case and without blanks around it; blank is None."""
    if value is None:
        return None
    return value.strip().lower() or None


@lru_cache(maxsize=8192)
def instant_of(text: str) -> datetime:
    """An RFC 3339 instant or a `YYYY-MM-DD` day (its midnight) as an aware UTC datetime.

    ValueError if it is neither, or beyond the calendar. Without an offset it is UTC: all vendors'
    days are.
    """
    if _IS_NO_TIME.match(text.strip()):
        raise ValueError(f"{text.strip()!r} begins like a day and goes on like none")
    at = datetime.fromisoformat(text.strip())
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text.strip()!r} is beyond the calendar in UTC") from error


@lru_cache(maxsize=8192)
def day_of_ms_number(day_number: int) -> date:
    """The date of a count of days since 1970-01-01. ValueError beyond the calendar."""
    try:
        return _EPOCH_DAY + timedelta(days=day_number)
    except OverflowError as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=8192)
def midnight(day: date) -> datetime:
    """The day's first instant, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@lru_cache(maxsize=8192)
def day_start_of(text: str) -> tuple[date, datetime, str]:
    """The UTC day that the text names, its midnight, and its ISO text. ValueError if none."""
    day = instant_of(text).date()
    return day, midnight(day), day.isoformat()


def instant_of_ms(ms: int) -> datetime:
    """Epoch milliseconds as UTC. ValueError beyond the calendar.

    The float is exact enough: its error is below a quarter of a microsecond, and `fromtimestamp`
    rounds to the microsecond.
    """
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


def day_of(value: str | int | None) -> date | None:
    """A day given as `YYYY-MM-DD`, RFC 3339, or epoch milliseconds (also as text), else None."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return day_of_ms_number(value // DAY_MS)
        if isinstance(value, str):
            if value.strip().isdecimal() and len(value.strip()) > 8:
                return day_of_ms_number(int(value) // DAY_MS)
            return instant_of(value).date()
    except ValueError:
        return None
    return None


def total(*values: int | None) -> int | None:
    """The sum of what is reported; None where nothing is."""
    result: int | None = None
    for value in values:
        if value is not None:
            result = value if result is None else result + value
    return result


def decoded(decoder: msgspec.json.Decoder[T], record: msgspec.Raw) -> T | None:
    """A record; None for one that cannot be read."""
    try:
        return decoder.decode(record)
    except UNREADABLE:
        return None


def field_of(record: msgspec.Raw, *names: str) -> Any:
    """The first of these fields that an otherwise unreadable record still has, else None."""
    value = decoded(_ANYTHING, record)
    if not isinstance(value, dict):
        return None
    return next((value[name] for name in names if value.get(name) is not None), None)
