"""Rows of `dim_model_prices` from `model_prices.csv`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ai_usage.days.spans import span_of
from ai_usage.reference.column import Row

_SAME = ("platform", "model", "token_type", "service_tier", "context_window", "usd_per_million")


def dim_model_prices(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One row per price and period, US dollars for a million tokens or requests."""
    found = []
    for row in rows:
        span = span_of(row["valid_from"], row["valid_to"])
        found.append(
            {name: row[name] for name in _SAME}
            | {"valid_from": span.first, "valid_to": span.last, "price_source": row["source"]}
        )
    return found
