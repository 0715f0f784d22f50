"""What an event alone tells: whom it means, how sure that is, what its tokens cost at list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
ZERO = Decimal(0)


def list_micros(event: Row, prices: Iterable[Row]) -> int | None:
    """The event's tokens at list prices, in millionths of a dollar; None without a price."""
    read, written = event["cache_read_tokens"], event["cached_input_tokens"]
    tokens = (event["input_tokens"], event["output_tokens"], read, written)
    tier = "batch" if event["service_tier"] == "batch" else "standard"
    fitting = [
        price
        for price in prices
        if price["platform"] == event["platform"]
        and price["model"] == event["model"]
        and price["service_tier"] == tier
        and price["context_window"] in (None, event["context_window"])
        and price["valid_from"] <= event["event_date"] <= price["valid_to"]
    ]
    if tokens == (None,) * 4 or not fitting:
        return None
    best: dict[str, Decimal] = {}
    for price in sorted(fitting, key=lambda p: (p["context_window"] is not None, p["valid_from"])):
        best[price["token_type"]] = price["usd_per_million"]
    written_1h = event["cache_write_1h_tokens"] or 0
    total = ZERO
    for number, name in (
        (event["input_tokens"], "uncached_input_tokens"),
        (event["output_tokens"], "output_tokens"),
        (read, "cache_read_input_tokens"),
        (written_1h, "cache_creation.ephemeral_1h_input_tokens"),
        ((written or 0) - written_1h, "cache_creation.ephemeral_5m_input_tokens"),
    ):
        if number:
            if name not in best:
                return None
            total += number * best[name]
    return int(total.quantize(Decimal(1), ROUND_HALF_UP))


def identity(tables: Tables, kind: str, value: str | None, platform: str, day: date) -> Row | None:
    """What an address, key id, key name or login means on a day."""
    home = "*" if kind == "email" else platform
    for row in tables["bridge_user_identity"]:
        if (
            row["identity_type"] == kind
            and row["identity_value"] == value
            and row["platform"] == home
            and row["valid_from"] <= day <= row["valid_to"]
        ):
            return row
    return None


def certainty(row: Row, day: date) -> float:
    """How sure an identity is: from the day it was verified on it falls to half in 180 days."""
    verified = row["last_verified_date"]
    age = 0 if verified is None else min(max((day - verified).days, 0), 180)
    return float(row["confidence_score"]) * (1 - age / 360)
