"""A second allocation of cost lines to keys, in plain Python: the design's words, no SQL.

A cost line names a workspace and a class of tokens, no key. It is split by the tokens of that
class that each key used that day:

1. at the first level that has any usage: everything the line names (model, tier, context window),
   its model, its workspace;
2. priority-tier tokens are never weights (those on demand are: they are billed); every tier but
   batch counts as standard;
3. web search is split by searches, a line without a class by list cost, where one usage row of the
   workspace's day has no list price by all tokens;
4. shares are truncated to a millionth of a dollar, towards zero; what is left goes to the largest
   weight, of equals to the first by key id, e-mail, key name (none before any);
5. without usage the whole line is Unknown's;
6. what several lines bill is counted once, with the first of them by event id;
7. sure is a line that bills what one report alone counts. A fifth less sure with each widening (a
   line without a class is never surer than the widening to its model, or to its workspace), where
   several lines bill the same usage (a line may name a speed or a place that usage does not), and
   where tokens of several tiers count as standard.

A rule moves what a part costs and counts to other people, by percentages or equally; what is cut
off goes to the largest of them, of equals to the first by address.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Literal, NamedTuple

from ai_usage.vendors.rows import RawEvent

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
    list_micros: int | None = None
    """All tokens at list prices, in millionths of a dollar; None without a price."""


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
    confidence: Decimal = Decimal(0)
    """Of the split alone, whoever the bearer is."""
    notes: frozenset[str] = frozenset()
    """The words of `allocation_note`."""


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


@dataclass(frozen=True)
class _Fit:
    """The usage that a line is split by, at the first level that has any."""

    line: Line
    level: int
    rows: tuple[Usage, ...]


def allocate(lines: Iterable[Line], usage: Iterable[Usage]) -> dict[str, list[Part]]:
    """Every line's parts, the largest weight first."""
    by_place: dict[tuple[date, str, str], list[Usage]] = defaultdict(list)
    for row in usage:
        if row.tier != "priority":
            by_place[row.day, row.platform, row.workspace or ""].append(row)
    for rows in by_place.values():
        # Dollars and tokens cannot be mixed.
        if any(row.list_micros is None for row in rows):
            rows[:] = [replace(row, list_micros=None) for row in rows]
    fits = [
        _fit(line, by_place[line.day, line.platform, line.workspace or ""])
        for line in sorted(lines, key=lambda line: line.event_id)
    ]
    # Which lines bill a row of usage: those that it fits in all that they name.
    billed: dict[tuple[int, str], list[str]] = defaultdict(list)
    for fit in fits:
        if fit.level == 1:
            for row in fit.rows:
                billed[id(row), _what(fit.line)].append(fit.line.event_id)
    alike = Counter(_named(fit.line) for fit in fits if fit.line.readable)
    return {fit.line.event_id: _parts(fit, billed, alike) for fit in fits}


def _fit(line: Line, around: Sequence[Usage]) -> _Fit:
    levels = (
        [row for row in around if _same_model(line, row) and _same_tier_and_context(line, row)],
        [row for row in around if _same_model(line, row)],
        around,
    )
    for level, rows in enumerate(levels if line.readable else (), start=1):
        if heavy := tuple(row for row in rows if _weight(line, row) > 0):
            return _Fit(line, level, heavy)
    return _Fit(line, 0, ())


def _what(line: Line) -> str:
    """What a line bills, in one word: its class, or the kind of thing that has none."""
    simplified = {"input_tokens": "uncached_input_tokens", "output_tokens": "output_tokens"}
    return line.token_type or simplified.get(line.cost_type or "", line.cost_type or "")


def _named(line: Line) -> tuple[object, ...]:
    """All that a line says and the usage report can say too."""
    tier = None if line.tier is None else line.tier == "batch"
    place = (line.day, line.platform, line.workspace or "")
    return (*place, line.model, tier, line.context, _what(line))


def _parts(
    fit: _Fit, billed: dict[tuple[int, str], list[str]], alike: Counter[tuple[object, ...]]
) -> list[Part]:
    line = fit.line
    if fit.level == 0:
        return [Part(NOBODY, line.dollars, 0)]
    weights: dict[Bearer, int] = defaultdict(int)
    counted: dict[Bearer, int] = defaultdict(int)
    claims = 0
    for row in fit.rows:
        weights[row.bearer] += _weight(line, row)
        others = billed[id(row), _what(line)]
        claims = max(claims, len(others))
        if others and others[0] == line.event_id:
            counted[row.bearer] += _weight(line, row)
    standard = {row.tier or "standard" for row in fit.rows} - {"batch"}
    notes = {
        "widened_to_model": fit.level == 2,
        "widened_to_workspace": fit.level == 3,
        "no_usage_of_its_own": line.counts == "anything",
        "lines_usage_cannot_tell_apart": (claims if fit.level == 1 else alike[_named(line)]) > 1,
        "tiers_share_the_line": line.counts == "tokens" and len(standard) > 1,
    }
    lowest = fit.level - 1
    if line.counts == "anything":
        lowest = max(lowest, 2 if line.model is None else 1)
    steps = lowest + notes["lines_usage_cannot_tell_apart"] + notes["tiers_share_the_line"]
    shown = line.counts if fit.level == 1 else None
    return [
        Part(
            bearer,
            share,
            fit.level,
            tokens=counted[bearer] if shown == "tokens" else None,
            searches=counted[bearer] if shown == "searches" else None,
            confidence=1 - Decimal(steps) / 5,
            notes=frozenset(note for note, holds in notes.items() if holds),
        )
        for bearer, share in _split(line.dollars, weights)
    ]


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
    if row.list_micros is not None:
        return row.list_micros
    every = (row.uncached, row.output, row.cache_read, row.cache_write)
    return sum(tokens or 0 for tokens in every)


def _split(dollars: Decimal, weights: dict[Bearer, int]) -> list[tuple[Bearer, Decimal]]:
    with localcontext(prec=MORE_DIGITS_THAN_ANY_PRODUCT):
        total = sum(weights.values())
        ranked = sorted(weights, key=lambda bearer: (-weights[bearer], bearer.order))
        shares = [
            (dollars * weights[bearer] / total).quantize(MICRO, rounding=ROUND_DOWN)
            for bearer in ranked
        ]
        shares[0] += dollars - sum(shares)
    return list(zip(ranked, shares, strict=True))


class Moved(NamedTuple):
    """What a rule gives one person of a part."""

    email: str
    dollars: Decimal
    tokens: int | None
    searches: int | None


def moved(part: Part, percentages: dict[str, Decimal]) -> list[Moved]:
    """The part by a rule's percentages, which sum to 100 (equal ones: any that are equal)."""
    whole = sum(percentages.values())
    ranked = sorted(percentages, key=lambda email: (-percentages[email], email))
    with localcontext(prec=MORE_DIGITS_THAN_ANY_PRODUCT):
        dollars = [
            (part.dollars * percentages[e] / whole).quantize(MICRO, rounding=ROUND_DOWN)
            for e in ranked
        ]
        dollars[0] += part.dollars - sum(dollars)
        tokens, searches = (
            _counts(number, [percentages[e] for e in ranked])
            for number in (part.tokens, part.searches)
        )
    return [Moved(*cells) for cells in zip(ranked, dollars, tokens, searches, strict=True)]


def _counts(number: int | None, shares: Sequence[Decimal]) -> list[int | None]:
    if number is None:
        return [None] * len(shares)
    whole = [int(number * share / sum(shares)) for share in shares]
    return [whole[0] + number - sum(whole), *whole[1:]]
