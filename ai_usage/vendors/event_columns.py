"""Events by column, as a warehouse takes them: what a million events are read into.

Most readers make a `RawEvent` each. To make one and to take it apart again costs more than to
decode its record, so an endpoint with an event for every request to a model is read into columns,
and its events are made of those where somebody wants them one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress, islice
from typing import Any

import msgspec

from ai_usage.vendors.rows import RawEvent

BATCH_ROWS = 5_000
"""Rows in memory at once, ten kilobytes each on their way into columns. Four times as many take no
less time."""

_AT_ONCE = 100
"""Events that are objects at once: so few die before the garbage collector looks at them."""
_FIELDS = RawEvent.__struct_fields__
_UNSAID = frozenset({"identity", "record"})
_SAID = [name not in _UNSAID for name in _FIELDS]
_COLUMNS = tuple(compress(_FIELDS, _SAID))
"""The columns of the table among an event's fields; identities would be most of the memory."""
_FLAGS = _COLUMNS.index("validation_errors")
_NO_FLAGS: list[str] = []
"""Shared by all events that flag nothing; never added to."""
DEFAULTS = {
    field.name: field.default
    for field in msgspec.structs.fields(RawEvent)
    if field.default is not msgspec.NODEFAULT
} | {"validation_errors": _NO_FLAGS}
"""What a field is that nothing is said of."""


@dataclass(frozen=True)
class EventColumns:
    """Events by the fields of `RawEvent`; a field that is in neither has its default."""

    each: Mapping[str, Sequence[Any]]
    """A value for each event."""
    shared: Mapping[str, Any]
    """One for all of them."""

    @classmethod
    def of(cls, events: Sequence[RawEvent]) -> EventColumns:
        """These events, with all of their fields."""
        values = list(zip(*map(msgspec.structs.astuple, events), strict=True))
        return cls(dict(zip(_FIELDS, values or [()] * len(_FIELDS), strict=True)), {})

    def values(self, name: str) -> Sequence[Any]:
        """A field of every event."""
        found = self.each.get(name)
        return [self.shared.get(name, DEFAULTS.get(name))] * len(self) if found is None else found

    def __len__(self) -> int:
        return len(self.each["event_date"])

    def __iter__(self) -> Iterator[RawEvent]:
        """The events one by one, in their order."""
        for values in zip(*self.each.values(), strict=True):
            yield RawEvent(**self.shared, **dict(zip(self.each, values, strict=True)))

    def of_days(self, days: Collection[date]) -> EventColumns:
        """Those of these days, in their order."""
        wanted = [day in days for day in self.each["event_date"]]
        if all(wanted):
            return self
        each = {name: list(compress(values, wanted)) for name, values in self.each.items()}
        return EventColumns(each, self.shared)


def gathered(events: Iterable[RawEvent]) -> Iterator[EventColumns]:
    """Events by column, `BATCH_ROWS` at a time; identities and records' numbers are left out."""
    waiting = iter(events)
    while (columns := _next(waiting))["event_date"]:
        yield EventColumns(columns, {})


def _next(events: Iterator[RawEvent]) -> dict[str, Sequence[Any]]:
    columns: list[list[Any]] = [[] for _ in _COLUMNS]
    for _ in range(0, BATCH_ROWS, _AT_ONCE):
        found = map(msgspec.structs.astuple, islice(events, _AT_ONCE))
        for column, values in zip(columns, compress(zip(*found, strict=True), _SAID), strict=False):
            column += values
        # Most flag nothing: as many empty lists as events would keep the garbage collector at work.
        flags = columns[_FLAGS]
        flags[-_AT_ONCE:] = [found or _NO_FLAGS for found in flags[-_AT_ONCE:]]
    return dict(zip(_COLUMNS, columns, strict=True))
