"""`model_prices.csv`: the vendors' list prices, one line per model, token class and period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_usage.reference.column import CODE, RATE, TEXT, Column, of_table
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.periods import days_of, first_difference, in_order, overlaps
from ai_usage.reference.problems import Problem

_TABLE = "dim_model_prices"
_KEY = ("platform", "model", "token_type", "service_tier", "context_window")
TOKEN_TYPES = (
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "web_search_requests",
)


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines,
        lambda row: tuple(row[name] for name in _KEY),
        "the price's days",
        "end the earlier price with valid_to",
    )


_FROM, _TO = days_of(_TABLE)

FILE = ReferenceFile(
    name="model_prices.csv",
    description="List prices of models: estimates and weights are computed from them, never a "
    "cost.",
    columns=(
        of_table(_TABLE, "platform", kind=CODE, required=True),
        of_table(_TABLE, "model", required=True),
        of_table(
            _TABLE,
            "token_type",
            description="What the price is for.",
            required=True,
            choices=TOKEN_TYPES,
        ),
        of_table(
            _TABLE,
            "service_tier",
            description="Tier that the price is for.",
            choices=("standard", "batch"),
            default="standard",
        ),
        of_table(
            _TABLE,
            "context_window",
            description="Context length class, as the vendor names it. Empty: the price holds for "
            "all that have no line of their own.",
        ),
        of_table(_TABLE, "usd_per_million", kind=RATE, required=True),
        _FROM,
        _TO,
        Column("source", TEXT, "Where the price was read."),
    ),
    examples=(
        {
            "platform": "anthropic",
            "model": "claude-sonnet-4-5-20250929",
            "token_type": "uncached_input_tokens",
            "context_window": "0-200k",
            "usd_per_million": "3.00",
            "valid_from": "2025-09-29",
            "source": "price list of the vendor",
        },
        {
            "platform": "anthropic",
            "model": "claude-sonnet-4-5-20250929",
            "token_type": "output_tokens",
            "context_window": "0-200k",
            "usd_per_million": "15.00",
            "valid_from": "2025-09-29",
            "source": "price list of the vendor",
        },
    ),
    check_row=in_order,
    check_file=_check_file,
    changed_from=first_difference(),
)
