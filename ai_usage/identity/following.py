"""A source's snapshots one after another: what is listed, and of what something else is said. Pure.

A directory says the same of nearly everybody from day to day. What reads a year of it looks at
those of whom it says something else, and at nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from ai_usage.identity.snapshots import Snapshot
from ai_usage.normalised.following import NO_ROWS, Rows, compared

K = TypeVar("K")

KeyOf = Callable[[Any], K | None]
"""What a row is about; None for a row that is passed over."""


class Following(NamedTuple, Generic[K]):
    """A snapshot as it follows the one before."""

    day: date
    listed: Mapping[K, Rows]
    """Each one's rows, until the next snapshot is taken."""
    moved: Collection[K]
    """All of which other rows are said than by the snapshot before, or none any more."""


def follow(snapshots: Iterable[Snapshot], key_of: KeyOf[K]) -> Iterator[Following[K]]:
    """The snapshots of one source, by day.

    Rows that two snapshots share are one object where they were read so: these are not compared.
    """
    listed: dict[K, list[Any]] = {}
    before: Rows = NO_ROWS
    for snapshot in snapshots:
        rows, said = snapshot.rows, snapshot.said
        if said is None or said.before is not before:
            said = compared(before, rows)
        moved: dict[K, None] = {}
        if said is not None:
            _move(listed, moved, said.gone, said.new, key_of)
        else:
            moved = dict.fromkeys(listed)
            listed.clear()
            for row in rows:
                if (key := key_of(row)) is not None:
                    listed.setdefault(key, []).append(row)
            moved |= dict.fromkeys(listed)
        yield Following(snapshot.day, listed, moved)
        before = rows


def _move(
    listed: dict[K, list[Any]], moved: dict[K, None], gone: Rows, new: Rows, key_of: KeyOf[K]
) -> None:
    went = {id(row) for row in gone}
    for row in (*gone, *new):
        if (key := key_of(row)) is not None and key not in moved:
            moved[key] = None
            listed[key] = [own for own in listed.get(key, ()) if id(own) not in went]
    for row in new:
        if (key := key_of(row)) is not None:
            listed[key].append(row)
    for key in moved:
        if not listed[key]:
            del listed[key]


def newest(snapshots: Sequence[Snapshot], key_of: KeyOf[K]) -> dict[K, tuple[date, Rows]]:
    """All that was ever listed: the last day on which it was, and its rows on that day."""
    found: dict[K, tuple[date, Rows]] = {}
    standing: dict[K, Rows] = {}
    day = None
    for now, listed, moved in follow(snapshots, key_of):
        for key in moved:
            if key in standing and day is not None and key not in listed:
                found[key] = day, standing.pop(key)
            elif key in listed:
                standing[key] = listed[key]
        day = now
    if day is not None:
        found.update((key, (day, rows)) for key, rows in standing.items())
    return found
