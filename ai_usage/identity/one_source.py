"""A usage event has one source: what a report tells of a person's day is not told a second time.

An endpoint that `fills_gaps` (telemetry) sees use that reports see too. Of a product, person and
day that any other endpoint reports, the report's events count and its own are left out. Who a
person is, on that day, is what the bridge says: an address or its alias, a key's owner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from datetime import date
from typing import Protocol, TypeVar

from ai_usage.identity.bridge import EVERYWHERE, BridgeRow

_NOBODY = ""
"""Whoever an event does not name."""


class Told(Protocol):
    """What must be known of an event: columns of `raw_ai_events`."""

    @property
    def event_date(self) -> date:
        """The UTC day of it."""

    @property
    def event_type(self) -> str:
        """Usage, cost or session."""

    @property
    def platform_subtype(self) -> str | None:
        """Its product."""

    @property
    def user_email(self) -> str | None:
        """The address of who acted."""

    @property
    def api_key_id(self) -> str | None:
        """The id of the key that acted."""

    @property
    def actor_name(self) -> str | None:
        """The name of the key that acted."""

    @property
    def vendor_user_id(self) -> str | None:
        """The vendor's own id of who acted."""


T = TypeVar("T", bound=Told)


class OneSource:
    """Notes what reports tell of some products, and leaves out what would tell it again."""

    def __init__(self, products: Container[str | None], bridge: Iterable[BridgeRow]) -> None:
        self._products = products
        self._reported: set[tuple[date, str | None, str]] = set()
        self._rows: dict[tuple[str, str, str], list[BridgeRow]] = defaultdict(list)
        for row in bridge:
            key = (row["identity_type"], row["platform"], row["identity_value"])
            self._rows[key].append(row)

    def reported(self, platform: str, events: Iterable[T]) -> Iterator[T]:
        """The events of a report, as they are; what they tell of whom is noted."""
        for event in events:
            if event.platform_subtype in self._products and event.event_type != "cost":
                for who in self._told(platform, event):
                    self._reported.add((event.event_date, event.platform_subtype, who))
            yield event

    def gaps(self, platform: str, events: Iterable[T]) -> Iterator[T]:
        """The events of those that no report named; all reports must have been noted before."""
        for event in events:
            who = self._person(platform, event) or _NOBODY
            if (event.event_date, event.platform_subtype, who) not in self._reported:
                yield event

    def _told(self, platform: str, event: Told) -> Iterator[str]:
        """Whom a report's event is about. A key's may be of somebody whom nothing else names."""
        person = self._person(platform, event)
        if person is not None:
            yield person
        if event.user_email is None:
            yield _NOBODY

    def _person(self, platform: str, event: Told) -> str | None:
        named = (
            ("email", EVERYWHERE, event.user_email),
            ("api_key_id", platform, event.api_key_id),
            ("api_key_name", platform, event.actor_name),
        )
        for kind, place, value in named:
            if value is not None:
                for row in self._rows.get((kind, place, value), ()):
                    if row["valid_from"] <= event.event_date <= row["valid_to"]:
                        return str(row["user_sk"])
                return f"{kind} {value}"
        return None if event.vendor_user_id is None else f"id {event.vendor_user_id}"
