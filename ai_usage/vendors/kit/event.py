"""What is the same of every vendor's events: their money, its flags, who is named, the raw text."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from ai_usage.vendors.event_columns import EventColumns
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
    """The event with its record's text as it came, its number, and by what it says whose it is."""
    event.raw_response = str(record, "utf-8", "replace")
    event.record = number
    named = event.user_email, event.api_key_id, event.actor_name, event.vendor_user_id
    event.attribution_method = _attribution(*named) or event.attribution_method
    return event


def stamp_all(events: EventColumns, records: Sequence[msgspec.Raw]) -> EventColumns:
    """As `stamp`, of a page's events with all of their records."""
    named = ("user_email", "api_key_id", "actor_name", "vendor_user_id", "attribution_method")
    stamps: dict[str, Sequence[Any]] = {
        "raw_response": [str(record, "utf-8", "replace") for record in records],
        "record": range(1, len(records) + 1),
        "attribution_method": [
            _attribution(*by) or before
            for *by, before in zip(*map(events.values, named), strict=True)
        ],
    }
    return EventColumns({**events.each, **stamps}, events.shared)


def _attribution(
    email: str | None, key: str | None, key_name: str | None, vendor_user: str | None
) -> str | None:
    """By what a record says whose it is, if it does: an address before a key before its name."""
    if email is not None:
        return "direct_email"
    if key is not None:
        return "api_key_mapping"
    if key_name is not None:
        return "key_name"
    return None if vendor_user is None else "vendor_user_id"
