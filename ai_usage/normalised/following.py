"""Lists that follow one another: which rows stay, which are gone, which are new. Pure.

A list of people says the same of nearly everybody from day to day, so what it says is told as it
differs from the one before. Rows that stay are the same objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Rows = Sequence[Any]
Run = tuple[int, int]
"""So many rows of the list before, from that place on; from the place `NEW` on, new ones."""

NEW = -1
NO_ROWS: Rows = ()


class Said(NamedTuple):
    """A list's rows in its order, and how they follow `before`; each is an object of its own."""

    rows: Rows = NO_ROWS
    before: Rows = NO_ROWS
    gone: Rows = NO_ROWS
    new: Rows = NO_ROWS


def runs_of(before: Rows, rows: Rows) -> list[Run]:
    """How `rows` are made of those before, which are known by being the same objects."""
    places = {id(row): place for place, row in enumerate(before)}
    runs: list[Run] = []
    for row in rows:
        place = places.pop(id(row), NEW)
        if runs:
            first, count = runs[-1]
            if place == (NEW if first == NEW else first + count):
                runs[-1] = (first, count + 1)
                continue
        runs.append((place, 1))
    return runs


def following(before: Rows, runs: Iterable[Run], new: Rows) -> Said:
    """The list that the runs make of the one before and of new rows."""
    rows: list[Any] = []
    taken: list[Run] = []
    fresh = iter(new)
    for first, count in runs:
        if first == NEW:
            rows += (next(fresh) for _ in range(count))
        else:
            rows += before[first : first + count]
            taken.append((first, count))
    gone: list[Any] = []
    end = 0
    for first, count in sorted(taken):
        gone += before[end:first]
        end = first + count
    gone += before[end:]
    if taken == [(0, len(before))] and not new:
        return Said(before, before)
    return Said(rows, before, gone, new)


def compared(before: Rows, rows: Rows) -> Said | None:
    """How the rows follow those before, which are known by being the same objects.

    None where one of them stands in a list twice: it may go once.
    """
    was, now = ({id(row) for row in listed} for listed in (before, rows))
    if len(was) < len(before) or len(now) < len(rows):
        return None
    gone = [row for row in before if id(row) not in now]
    return Said(rows, before, gone, [row for row in rows if id(row) not in was])


class Shared:
    """Lets rows that the list before has too be its objects."""

    def __init__(self) -> None:
        self._rows: Rows = NO_ROWS
        self._known: dict[Any, Any] = {}

    def rows(self, listed: Iterable[Any], before: Rows) -> list[Any]:
        """The rows of the list that follows `before`; each is an object of its own."""
        if before is not self._rows:
            self._known = {_said(row): row for row in before}
        rows: list[Any] = []
        now: dict[Any, Any] = {}
        for row in listed:
            said = _said(row)
            rows.append(row if said in now else self._known.get(said, row))
            now[said] = rows[-1]
        self._rows, self._known = rows, now
        return rows


def _said(row: Any) -> Any:
    return tuple(row.items()) if isinstance(row, dict) else row
