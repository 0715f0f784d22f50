"""One answer checks another: two that show the same dollars in different detail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ai_usage.vendors.kit.values import UnreadableAmount, usd

CENT = Decimal("0.01")
RECORDS_PER_CENT = 100
"""Each record is rounded for itself: in a hundred that is no more than a cent."""


def sums(records: Iterable[object], *fields: str) -> list[Decimal]:
    """The dollars of each field. `UnreadableAmount` where a record has none."""
    found = [Decimal(0)] * len(fields)
    for record in records:
        for place, field in enumerate(fields):
            amount = usd(getattr(record, field), in_cents=False)
            if amount is None:
                raise UnreadableAmount(field)
            found[place] += amount
    return found


def agree(one: Sequence[Decimal], other: Sequence[Decimal], records: int) -> bool:
    """Whether sums, of so many records in all, are the same but for rounding."""
    slack = CENT * (1 + records // RECORDS_PER_CENT)
    return all(abs(here - there) <= slack for here, there in zip(one, other, strict=True))
