"""A source's snapshots one after another: who is listed, and of whom something else is said. Pure.

A directory says the same of nearly everybody from day to day. What reads a year of it looks at
those of whom it says something else, and at nobody twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ai_usage.identity.aliases import Aliases
from ai_usage.identity.snapshots import Snapshot
from ai_usage.vendors.rows import Person


class Following(NamedTuple):
    """A snapshot as it follows the one before."""

    day: date
    people: Mapping[str, Sequence[Any]]
    """Everybody's rows by the person's own address, until the next snapshot is taken."""
    moved: Collection[str]
    """Everybody of whom other rows are said than by the snapshot before, or none any more."""


def follow(snapshots: Iterable[Snapshot], aliases: Aliases) -> Iterator[Following]:
    """The snapshots of one source, by day; rows without an address are nobody's.

    Rows that two snapshots share are one object where they were read so: these are not compared.
    """
    people: dict[str, list[Any]] = {}
    before: dict[int, Any] = {}
    were_told_apart = True
    for snapshot in snapshots:
        rows = {id(row): row for row in snapshot.rows}
        tells_apart = len(rows) == len(snapshot.rows)
        moved: dict[str, None] = {}
        if tells_apart and were_told_apart:
            gone = [before[key] for key in before.keys() - rows.keys()]
            new = [rows[key] for key in rows.keys() - before.keys()]
            moved = dict.fromkeys(filter(None, (_person(row, aliases) for row in (*gone, *new))))
            for email in moved:
                people[email] = [row for row in people.get(email, ()) if id(row) in rows]
            for row in new:
                if owner := _person(row, aliases):
                    people[owner].append(row)
            for email in moved:
                if not people[email]:
                    del people[email]
        else:
            # A row that stands in a list twice may go once.
            moved = dict.fromkeys(people)
            people.clear()
            for row in snapshot.rows:
                if owner := _person(row, aliases):
                    people.setdefault(owner, []).append(row)
            moved |= dict.fromkeys(people)
        yield Following(snapshot.day, people, moved)
        before, were_told_apart = rows, tells_apart


def _person(row: Any, aliases: Aliases) -> str | None:
    address: str | None = row.user_email if isinstance(row, Person) else row["user_email"]
    return aliases.resolve(address) if address else None
