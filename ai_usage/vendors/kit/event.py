"""What is the same of every vendor's events: their money, its flags, who is named, the raw text."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from decimal import Decimal

import msgspec

from ai_usage.vendors.kit.values import UnreadableAmount, midnight, parsed_usd
from ai_usage.vendors.rows import PriceTier, RawEvent

UNDECODABLE = "undecodable_record"
UNREADABLE_AMOUNT = "unreadable_amount"
UNREADABLE_VALUE = "unreadable_value"
"""As above for money that nobody bills (an estimate, an included value): nothing is missing."""
UNKNOWN_BILLING = "unknown_billing"
"""Nobody here can tell whether the record bills, and its amount is not 0."""
TRUNCATED_AMOUNT = "truncated_amount"
"""The amount has more than nine decimals of a dollar: what NUMERIC cannot hold is cut off."""


def charge(
    raw: msgspec.Raw, *, bills: bool | None, in_cents: bool = True
) -> tuple[Decimal | None, list[str]]:
    """The dollars of a record's money field, and the flags that follow; see `quality.flags`.

    `bills` tells whether the record bills them; None where that is not known. A record that bills
    has an amount: where the field is missing, empty or unreadable, its charge is not known. What
    may bill or not is known to be nothing where it is 0.
    """
    try:
        amount, truncated = parsed_usd(str(raw, "utf-8", "replace"), in_cents)
    except UnreadableAmount:
        return None, [UNREADABLE_VALUE if bills is False else UNREADABLE_AMOUNT]
    if bills and amount is None:
        return None, [UNREADABLE_AMOUNT]
    if bills is None and (amount != 0 or truncated):
        return None, [UNKNOWN_BILLING]
    return amount, [TRUNCATED_AMOUNT] if truncated else []


def unbilled(*raws: msgspec.Raw) -> tuple[list[Decimal | None], list[str]]:
    """Dollars that nobody bills (and quantities, as exact), with their flags, each once."""
    found = [charge(raw, bills=False, in_cents=False) for raw in raws]
    flags = dict.fromkeys(flag for _, own in found for flag in own)
    return [amount for amount, _ in found], list(flags)


def unheard_of(field: str, value: str | None, known: Container[str]) -> list[str]:
    """A flag for a value that money is allocated by and that nobody here has heard of."""
    return [] if value is None or value in known else [f"unknown_enum:{field}"]


def price_tier(batch: bool) -> PriceTier:
    """Every tier but batch has the standard list price."""
    return "batch" if batch else "standard"


def undecodable(record: msgspec.Raw, day: date, event_type: str, subtype: str) -> RawEvent:
    """An event for a record that cannot be read: kept whole, flagged, on the best day known."""
    return RawEvent(
        identity=(day.isoformat(), str(record, "utf-8", "replace")),
        event_timestamp=midnight(day),
        event_date=day,
        event_type=event_type,
        platform_subtype=subtype,
        validation_errors=[UNDECODABLE],
    )


def stamp(event: RawEvent, record: msgspec.Raw, number: int) -> RawEvent:
    """The event with its record: the text as it came, its number, and whom it names.

    `attribution_method` says what the record carries: an address before a key's id before a key's
    name before the vendor's own id of a person.
    """
    event.raw_response = str(record, "utf-8", "replace")
    event.record = number
    if event.user_email is not None:
        event.attribution_method = "direct_email"
    elif event.api_key_id is not None:
        event.attribution_method = "api_key_mapping"
    elif event.actor_name is not None:
        event.attribution_method = "key_name"
    elif event.vendor_user_id is not None:
        event.attribution_method = "vendor_user_id"
    return event
