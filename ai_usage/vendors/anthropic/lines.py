"""What a line of costs counts, in neutral words: both reports of costs have these lines."""

from __future__ import annotations

from collections.abc import Mapping

from ai_usage.vendors.kit.event import unheard_of
from ai_usage.vendors.rows import WeightClass

TOKEN_TYPES: Mapping[str, WeightClass] = {
    "uncached_input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
"""What a line of each token class counts."""
COST_TYPES: Mapping[str, WeightClass | None] = {
    "tokens": None,
    "web_search": "web_search_requests",
    "code_execution": None,
    "session_usage": None,
    # Simplified samples name the token class here.
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": None,
    "cache_read_input_tokens": None,
}
"""What a line without a token class counts."""


def weight_class(token_type: str | None, cost_type: str | None) -> WeightClass | None:
    """The column of usage that a line bills, by whose count it is split."""
    if token_type is not None:
        return TOKEN_TYPES.get(token_type)
    return None if cost_type is None else COST_TYPES.get(cost_type)


def unknown(token_type: str | None, cost_type: str | None) -> list[str]:
    """Flags for words of a line that nobody here has heard of."""
    return [
        *unheard_of("token_type", token_type, TOKEN_TYPES),
        *unheard_of("cost_type", cost_type, COST_TYPES),
    ]
