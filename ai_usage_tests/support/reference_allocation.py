"""A second allocation of cost lines to keys, in plain Python: the design's words, no SQL.

A cost line names a workspace and a class of tokens, no key. It is split by the tokens of that
class that each key used that day:

1. at the first level that has any usage: everything the line names (model, tier, context window),
   its model, its workspace;
2. priority-tier tokens are never weights; every tier but batch counts as standard;
3. web search is split by searches, a line without a class by all tokens;
4. shares are truncated to a millionth of a dollar, towards zero; what is left goes to the largest
   weight, of equals to the first by key id, e-mail, key name (none before any);
5. without usage the whole line is Unknown's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Literal, NamedTuple

from ai_usage.platforms.rows import RawEvent

MICRO = Decimal("0.000001")
MORE_DIGITS_THAN_ANY_PRODUCT = 80


class Bearer(NamedTuple):
    """What a usage row says of who used the tokens."""

    api_key_id: str | None
    user_email: str | None
    key_name: str | None

    @property
    def order(self) -> tuple[tuple[bool, str], ...]:
        """None sorts before any text."""
        return tuple((value is not None, value or "") for value in self)


NOBODY = Bearer(None, None, None)


Counted = Literal["tokens", "searches", "anything"]


@dataclass(frozen=True)
class Line:
    """A line of a cost report, `dollars` in full precision."""

    event_id: str
    day: date
    platform: str
    workspace: str | None
    model: str | None
    tier: str | None
    context: str | None
    token_type: str | None
    cost_type: str | None
    dollars: Decimal
    readable: bool = True
    """False for a line with a critical error: it is Unknown's as a whole."""

    @property
    def counts(self) -> Counted:
        """What the line bills."""
        if self.token_type is not None or self.cost_type in ("input_tokens", "output_tokens"):
            return "tokens"
        return "searches" if self.cost_type == "web_search" else "anything"


@dataclass(frozen=True)
class Usage:
    """Tokens that a bearer used on a day; None is not reported."""

    day: date
    platform: str
    workspace: str | None
    model: str | None
    tier: str | None
    context: str | None
    bearer: Bearer
    uncached: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    write_5m: int | None = None
    write_1h: int | None = None
    searches: int | None = None


@dataclass(frozen=True)
class Part:
    """A bearer's part of a line. `level` 0: nobody used anything that fits.

    `tokens` and `searches` say what the part stands for, where no widening blurs it.
    """

    bearer: Bearer
    dollars: Decimal
    level: int
    tokens: int | None = None
    searches: int | None = None


def lines_of(platform: str, events: Iterable[RawEvent]) -> list[Line]:
    """The lines among a vendor's events."""
    return [
        Line(
            event_id=e.event_id,
            day=e.event_date,
            platform=platform,
            workspace=e.workspace_id,
            model=e.model,
            tier=e.service_tier,
            context=e.context_window,
            token_type=e.token_type,
            cost_type=e.cost_type,
            dollars=e.cost_usd,
        )
        for e in events
        if e.event_type == "cost" and e.cost_usd is not None
    ]


def usage_of(platform: str, events: Iterable[RawEvent]) -> list[Usage]:
    """The usage among a vendor's events."""
    return [
        Usage(
            day=e.event_date,
            platform=platform,
            workspace=e.workspace_id,
            model=e.model,
            tier=e.service_tier,
            context=e.context_window,
            bearer=Bearer(e.api_key_id, e.user_email, e.actor_name),
            uncached=e.input_tokens,
            output=e.output_tokens,
            cache_read=e.cache_read_tokens,
            cache_write=e.cached_input_tokens,
            write_5m=e.cache_write_5m_tokens,
            write_1h=e.cache_write_1h_tokens,
            searches=e.web_search_requests,
        )
        for e in events
        if e.event_type == "usage"
    ]


def allocate(lines: Iterable[Line], usage: Iterable[Usage]) -> dict[str, list[Part]]:
    """Every line's parts, the largest weight first."""
    by_place: dict[tuple[date, str, str], list[Usage]] = defaultdict(list)
    for row in usage:
        if not (row.tier or "").startswith("priority"):
            by_place[row.day, row.platform, row.workspace or ""].append(row)
    return {
        line.event_id: _parts(line, by_place[line.day, line.platform, line.workspace or ""])
        for line in lines
    }


def _parts(line: Line, around: Sequence[Usage]) -> list[Part]:
    levels = (
        [row for row in around if _same_model(line, row) and _same_tier_and_context(line, row)],
        [row for row in around if _same_model(line, row)],
        around,
    )
    for level, rows in enumerate(levels if line.readable else (), start=1):
        weights: dict[Bearer, int] = defaultdict(int)
        for row in rows:
            weights[row.bearer] += max(_weight(line, row), 0)
        heavy = {bearer: weight for bearer, weight in weights.items() if weight}
        if heavy:
            return _split(line, heavy, level)
    return [Part(NOBODY, line.dollars, 0)]


def _same_model(line: Line, row: Usage) -> bool:
    return line.model is None or line.model == row.model


def _same_tier_and_context(line: Line, row: Usage) -> bool:
    tier = line.tier is None or (line.tier == "batch") == (row.tier == "batch")
    return tier and (line.context is None or line.context == row.context)


def _weight(line: Line, row: Usage) -> int:
    by_class = {
        "uncached_input_tokens": row.uncached,
        "output_tokens": row.output,
        "cache_read_input_tokens": row.cache_read,
        "cache_creation.ephemeral_5m_input_tokens": row.write_5m,
        "cache_creation.ephemeral_1h_input_tokens": row.write_1h,
    }
    if line.token_type is not None:
        return by_class[line.token_type] or 0
    if line.cost_type == "web_search":
        return row.searches or 0
    # Simplified samples name the class in cost_type.
    if line.cost_type == "input_tokens":
        return row.uncached or 0
    if line.cost_type == "output_tokens":
        return row.output or 0
    every = (row.uncached, row.output, row.cache_read, row.cache_write)
    return sum(tokens or 0 for tokens in every)


def _split(line: Line, weights: dict[Bearer, int], level: int) -> list[Part]:
    with localcontext(prec=MORE_DIGITS_THAN_ANY_PRODUCT):
        total = sum(weights.values())
        ranked = sorted(weights, key=lambda bearer: (-weights[bearer], bearer.order))
        shares = [
            (line.dollars * weights[bearer] / total).quantize(MICRO, rounding=ROUND_DOWN)
            for bearer in ranked
        ]
        shares[0] += line.dollars - sum(shares)
    shown = line.counts if level == 1 else None
    return [
        Part(
            bearer,
            share,
            level,
            tokens=weights[bearer] if shown == "tokens" else None,
            searches=weights[bearer] if shown == "searches" else None,
        )
        for bearer, share in zip(ranked, shares, strict=True)
    ]
