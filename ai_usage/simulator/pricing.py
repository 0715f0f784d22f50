"""What the vendors charge: the simulator's own price tables, effective-dated.

Prices only. A price is cents per million tokens, exact; the classes follow the vendor's rules
(cache write 5 minutes 1.25x, 1 hour 2x, cache read 0.1x of the input price, batch half of it all).
Prices are chosen so that a token costs a whole number of 1e-7 cents: every amount in dollars has
at most nine decimals and fits the warehouse's NUMERIC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

SONNET: Final = "claude-sonnet-4-5-20250929"
OPUS: Final = "claude-opus-4-5-20251101"
HAIKU: Final = "claude-haiku-4-5-20251001"

SHORT: Final = "0-200k"
LONG: Final = "200k-1M"

UNCACHED: Final = "uncached_input_tokens"
OUTPUT: Final = "output_tokens"
CACHE_READ: Final = "cache_read_input_tokens"
WRITE_5M: Final = "cache_creation.ephemeral_5m_input_tokens"
WRITE_1H: Final = "cache_creation.ephemeral_1h_input_tokens"
TOKEN_TYPES: Final = (UNCACHED, OUTPUT, CACHE_READ, WRITE_5M, WRITE_1H)

_TOKEN_WORDS: Final = {
    UNCACHED: "Input Tokens",
    OUTPUT: "Output Tokens",
    CACHE_READ: "Input Tokens, Cache Hit",
    WRITE_5M: "Input Tokens, 5m Cache Write",
    WRITE_1H: "Input Tokens, 1h Cache Write",
}
_MODEL_WORDS: Final = {
    SONNET: "Claude Sonnet 4.5",
    OPUS: "Claude Opus 4.5",
    HAIKU: "Claude Haiku 4.5",
}
_INPUT_MULTIPLE: Final = {
    UNCACHED: Decimal(1),
    CACHE_READ: Decimal("0.1"),
    WRITE_5M: Decimal("1.25"),
    WRITE_1H: Decimal(2),
}
MILLION: Final = Decimal(1_000_000)
WEB_SEARCH_CENTS: Final = Decimal(1)
"""Cents per search: $10 per 1000."""
CODE_EXECUTION_CENTS_PER_HOUR: Final = Decimal(5)

PRICE_CHANGE_DAYS: Final = 100
"""Haiku costs 20 % less up to this many days before the company's anchor."""


@dataclass(frozen=True, slots=True)
class Price:
    """Standard-tier price from a day on: cents per million tokens of input and of output."""

    effective_date: date
    model: str
    context_window: str
    input_cents: Decimal
    output_cents: Decimal


class PriceTable:
    """Looks up the price that was valid on a day."""

    def __init__(self, prices: tuple[Price, ...]) -> None:
        self._prices = tuple(sorted(prices, key=lambda price: price.effective_date, reverse=True))
        self._memo: dict[tuple[date, str, str, str, str], Decimal] = {}

    @property
    def prices(self) -> tuple[Price, ...]:
        """Every price, the newest first."""
        return self._prices

    def cents_per_million(
        self, day: date, model: str, service_tier: str, context_window: str, token_type: str
    ) -> Decimal:
        """Cents for a million tokens of one class, exact. KeyError without a price on the day."""
        key = (day, model, service_tier, context_window, token_type)
        if key not in self._memo:
            if len(self._memo) > 50_000:
                self._memo.clear()
            self._memo[key] = self._look_up(*key)
        return self._memo[key]

    def cents(
        self,
        day: date,
        model: str,
        service_tier: str,
        context_window: str,
        token_type: str,
        tokens: int,
    ) -> Decimal:
        """What so many tokens of one class cost, in exact fractional cents."""
        rate = self.cents_per_million(day, model, service_tier, context_window, token_type)
        return rate * tokens / MILLION

    def _look_up(
        self, day: date, model: str, service_tier: str, context_window: str, token_type: str
    ) -> Decimal:
        for price in self._prices:
            if (
                price.model == model
                and price.context_window == context_window
                and price.effective_date <= day
            ):
                if token_type == OUTPUT:
                    rate = price.output_cents
                else:
                    rate = price.input_cents * _INPUT_MULTIPLE[token_type]
                return rate / 2 if service_tier == "batch" else rate
        raise KeyError(f"no price of {model} ({context_window}) on {day}")


def anthropic_prices(anchor: date) -> PriceTable:
    """The Anthropic prices of a company with this anchor: one price change within the history."""
    always = date.min
    changed = anchor - timedelta(days=PRICE_CHANGE_DAYS)
    return PriceTable(
        (
            Price(always, SONNET, SHORT, Decimal(300), Decimal(1500)),
            Price(always, SONNET, LONG, Decimal(600), Decimal(2250)),
            Price(always, OPUS, SHORT, Decimal(500), Decimal(2500)),
            Price(always, HAIKU, SHORT, Decimal(80), Decimal(400)),
            Price(changed, HAIKU, SHORT, Decimal(100), Decimal(500)),
        )
    )


def token_description(model: str, service_tier: str, context_window: str, token_type: str) -> str:
    """The cost report's free text for a token line."""
    parts = [f"{_MODEL_WORDS.get(model, model)} Usage - {_TOKEN_WORDS[token_type]}"]
    if context_window == LONG:
        parts.append("Long Context")
    if service_tier == "batch":
        parts.append("Batch")
    return " - ".join(parts)


# Cursor: cents per million tokens of (input, output, cache write, cache read).
CURSOR_PRICES: Final[dict[str, tuple[int, int, int, int]]] = {
    "default": (125, 600, 125, 25),
    "claude-4.5-sonnet": (300, 1500, 375, 30),
    "claude-4.5-opus-high-thinking": (500, 2500, 625, 50),
    "gpt-5": (125, 1000, 125, 13),
    "gemini-2.5-pro": (125, 1000, 125, 31),
}
CURSOR_TOKEN_FEE: Final = 25
"""Cents per million tokens of any class, on top of the model's cost."""
CURSOR_REQUEST_CENTS: Final = 4
"""Cents per request unit of an event that is not priced by tokens."""
