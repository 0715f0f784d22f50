"""Values of old tables without loss: an amount is a Decimal, whatever the old column's type."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

_PLACES = Decimal("1e-9")


def exactly(value: Any) -> Decimal | None:
    """The number as it reads, cut to nine decimals; None for NULL, an empty text and no number.

    A float is what it prints: 0.1 is a tenth.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number.quantize(_PLACES, "ROUND_DOWN") if number.is_finite() else None
