"""The `event_id` of an event: the same event gets the same id in every later answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import tee

from ai_usage.vendors.rows import RawEvent


def hash_text(parts: Iterable[str | None]) -> str:
    """What is hashed: `-` for None, else `<characters>:<text>`; no two tuples give one text."""
    return "".join(["-" if part is None else f"{len(part)}:{part}" for part in parts])


def event_id(
    platform: str, endpoint: str, identity: tuple[str | None, ...], ordinal: int = 0
) -> str:
    """Hex SHA-256 of platform, endpoint, the identifying fields and the ordinal among equals."""
    text = hash_text((platform, endpoint, *identity, str(ordinal)))
    return sha256(text.encode()).hexdigest()


class EventIds:
    """The ids of a fetch's events; identical identities are counted in order of appearance.

    Every identity holds its event's day or instant, so that the count of a day does not depend on
    the window it was asked in. One for all events of a fetch: what it remembers is an id an event.
    """

    def __init__(self, platform: str, endpoint: str) -> None:
        self._platform, self._endpoint = platform, endpoint
        self._repeats: dict[str, int] = {}
        self._seen: set[str] = set()

    def of(self, identities: Iterable[tuple[str | None, ...]]) -> Iterator[str]:
        """Each identity's id, as it is taken."""
        prefix = hash_text((self._platform, self._endpoint))
        first = hash_text(("0",))
        seen, repeats = self._seen, self._repeats
        for identity in identities:
            # The loop of `hash_text`, in line: this runs for every event there is.
            text = "".join(["-" if p is None else f"{len(p)}:{p}" for p in identity])
            found = sha256(f"{prefix}{text}{first}".encode()).hexdigest()
            if found in seen:
                ordinal = repeats[found] = repeats.get(found, 0) + 1
                found = event_id(self._platform, self._endpoint, identity, ordinal)
            else:
                seen.add(found)
            yield found


def with_event_ids(platform: str, endpoint: str, events: Iterable[RawEvent]) -> Iterator[RawEvent]:
    """Set every event's `event_id`. Give all events of a fetch in one call; see `EventIds`."""
    named, identified = tee(events)
    for event, found in zip(
        named, EventIds(platform, endpoint).of(e.identity for e in identified), strict=True
    ):
        event.event_id = found
        yield event
