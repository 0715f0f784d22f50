"""The `event_id` of an event: the same event gets the same id in every later answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

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


def with_event_ids(platform: str, endpoint: str, events: Iterable[RawEvent]) -> Iterator[RawEvent]:
    """Set every event's `event_id`; identical identities are counted in order of appearance.

    Every identity holds its event's day or instant, so that the count of a day does not depend on
    the window it was asked in. Give all events of a fetch in one call: what is remembered, an id
    an event, lasts as long as the call.
    """
    prefix = hash_text((platform, endpoint))
    first = hash_text(("0",))
    repeats: dict[str, int] = {}
    seen: set[str] = set()
    for event in events:
        # The loop of `hash_text`, in line: this runs for every event there is.
        text = "".join(["-" if p is None else f"{len(p)}:{p}" for p in event.identity])
        found = sha256(f"{prefix}{text}{first}".encode()).hexdigest()
        if found in seen:
            ordinal = repeats[found] = repeats.get(found, 0) + 1
            found = event_id(platform, endpoint, event.identity, ordinal)
        else:
            seen.add(found)
        event.event_id = found
        yield event
