"""Restatements: what a vendor says later about a day it has already reported.

An amendment changes one stream of one day after the behaviour model has made it, so endpoints and
truth see the same. Streams that follow from others (API usage from Claude Code, cost lines from
usage, request counts from events) follow an amendment too. No behaviour belongs here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, get_args

import msgspec

Stream = Literal[
    "cursor_events",
    "cursor_activity",
    "claude_code",
    "api_usage",
    "code_execution",
    "cost_lines",
    "openai_usage",
    "copilot_uses",
    "copilot_days",
    "enterprise_facts",
    "enterprise_code",
]
Where = Callable[[Any], bool]


class Company(Protocol):
    """What an amendment needs to know of a company."""

    @property
    def today(self) -> date:
        """The day that the company is seen on."""


@dataclass(frozen=True)
class Amendment:
    """A change to the records of one stream on one day: a function from list to list."""

    day: date
    stream: Stream
    apply: Callable[[list[Any]], list[Any]]


def drop(stream: Stream, day: date, where: Where, limit: int | None = None) -> Amendment:
    """Remove the records that match, at most `limit` of them."""

    def apply(records: list[Any]) -> list[Any]:
        matches = _matches(records, where, limit, stream, day)
        return [record for at, record in enumerate(records) if at not in matches]

    return Amendment(day, stream, apply)


def change(
    stream: Stream, day: date, where: Where, limit: int | None = None, **fields: Any
) -> Amendment:
    """Set fields of the records that match, at most `limit` of them."""

    def apply(records: list[Any]) -> list[Any]:
        matches = _matches(records, where, limit, stream, day)
        return [
            msgspec.structs.replace(record, **fields) if at in matches else record
            for at, record in enumerate(records)
        ]

    return Amendment(day, stream, apply)


def add(stream: Stream, day: date, *records: Any) -> Amendment:
    """Add late records; each must be of that day."""
    for record in records:
        if record.day != day:
            raise ValueError(f"a record of {record.day} cannot be added to {day}")
    return Amendment(day, stream, lambda known: [*known, *records])


def _more(name: str, by: int | Decimal) -> Callable[[Any], Any]:
    return lambda record: msgspec.structs.replace(record, **{name: getattr(record, name) + by})


def _costs_more(fact: Any) -> Any:
    lines = tuple(map(_more("cents", Decimal("1.25")), fact.lines))
    return msgspec.structs.replace(fact, lines=lines, requests=fact.requests + 5)


_RESTATED: Final[dict[Stream, Callable[[Any], Any]]] = {
    "cursor_events": _more("charged_cents", Decimal("1.25")),
    "cursor_activity": _more("lines_added", 7),
    "claude_code": _more("sessions", 1),
    "api_usage": _more("uncached", 1000),
    "openai_usage": _more("uncached", 1000),
    "copilot_uses": _more("net", Decimal("1.25")),
    "copilot_days": _more("interactions", 3),
    "enterprise_facts": _costs_more,
    "enterprise_code": _more("sessions", 1),
}
"""What `restated` makes of a record; cost lines follow from the tokens."""


def late(company: Company, days: int) -> list[Amendment]:
    """Nothing of the last days, today included, has arrived at the vendor's reports yet."""
    return [
        Amendment(day, stream, lambda records: [])
        for day in _last(company, days)
        for stream in get_args(Stream)
    ]


def restated(company: Company, days: int) -> list[Amendment]:
    """The first record of every stream and of each of the last days says more."""

    def restating(change: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
        return lambda records: [*map(change, records[:1]), *records[1:]]

    return [
        Amendment(day, stream, restating(change))
        for day in _last(company, days)
        for stream, change in _RESTATED.items()
    ]


def _last(company: Company, days: int) -> list[date]:
    return [company.today - timedelta(days=n) for n in range(days)]


def _matches(
    records: list[Any], where: Where, limit: int | None, stream: Stream, day: date
) -> set[int]:
    """Positions that match. No match is an error: an amendment that does nothing proves nothing."""
    found = [at for at, record in enumerate(records) if where(record)][:limit]
    if not found:
        raise ValueError(f"no record of {stream} on {day} matches the amendment")
    return set(found)
