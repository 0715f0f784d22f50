"""What a directory's answer leaves out keeps the last state that could be read. Pure.

An odd record is no leaver and no deleted key: until it can be read again, its source says of it
what it said before. One that cannot be told apart may be anybody, so whoever goes missing as it
turns up does not count as gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ai_usage.identity.snapshots import Snapshot
from ai_usage.normalised.following import NO_ROWS, Rows, Said
from ai_usage.vendors.rows import ApiKey, LeftOut, Person


class Standing(NamedTuple):
    """Something that a source's newest answer leaves out, and what stands in its place."""

    source: str
    day: date
    """The day of the answer."""
    left: LeftOut
    kept: int
    """Rows of former answers that stand; 0 where nothing was known of it."""


class LastGood(NamedTuple):
    """The sources' snapshots without records that were left out, and what those of today are."""

    snapshots: Mapping[str, list[Snapshot]]
    standing: Sequence[Standing]


def last_good(sources: Mapping[str, list[Snapshot]]) -> LastGood:
    """Fold the last good states into the snapshots of every source, which are in order of day."""
    owners: dict[tuple[date, LeftOut], set[str]] = {}
    snapshots: dict[str, list[Snapshot]] = {}
    standing: list[Standing] = []
    # Keys are their owners': who kept an address by the list of people keeps the keys under it.
    of_keys = {source: _lists_keys(own) for source, own in sources.items()}
    for source in sorted(sources, key=lambda source: (of_keys[source], source)):
        folding = _Folding(source, owners, of_keys=of_keys[source])
        snapshots[source] = []
        for snapshot in sources[source]:
            for rows in snapshot.earlier:
                folding.add(snapshot.day, rows)
            folding.add(snapshot.day, snapshot.rows, snapshot.said)
            is_whole = folding.rows is snapshot.rows
            said = snapshot.said if is_whole else None
            snapshots[source].append(Snapshot(snapshot.day, source, folding.rows, said=said))
        standing += folding.standing
    return LastGood({source: snapshots[source] for source in sources}, standing)


class _Folding:
    """One source's answers, one after another: its rows after each."""

    def __init__(
        self, source: str, owners: dict[tuple[date, LeftOut], set[str]], *, of_keys: bool
    ) -> None:
        self._source = source
        self._owners = owners
        self._of_keys = of_keys
        self._unnamed = _Unnamed()
        self.rows: Rows = NO_ROWS
        self._whole: Rows = NO_ROWS
        """The rows of the newest answer that left out nothing."""
        self.standing: list[Standing] = []
        """Of the newest answer."""

    def add(self, day: date, rows: Rows, said: Said | None = None) -> None:
        """Fold the next answer, of `day`."""
        is_told = said is not None and said.before is self._whole
        odd = [row for row in (said.new if said and is_told else rows) if isinstance(row, LeftOut)]
        self.standing = []
        if not odd:
            self.rows, self._whole, self._unnamed = rows, rows, _Unnamed()
            return
        answer = _Answer([row for row in rows if not isinstance(row, LeftOut)], self.rows)
        unnamed = []
        for left in odd:
            owners = self._owners.get((day, left)) if self._of_keys else None
            if owners is None and _may_be_anybody(left):
                unnamed.append(left)
            else:
                self._keep(day, left, answer, answer.named(left, owners or ()))
        # What may be anybody comes last: it keeps who is not kept by name.
        kept = self._unnamed.among(len(unnamed), answer.gone())
        for left in unnamed:
            self._keep(day, left, answer, kept)
            kept = []
        self.rows = answer.rows

    def _keep(self, day: date, left: LeftOut, answer: _Answer, kept: list[Any]) -> None:
        answer.add(kept)
        if not self._of_keys:
            people = (row["user_email"] for row in kept if isinstance(row, dict))
            self._owners.setdefault((day, left), set()).update(people)
        self.standing.append(Standing(self._source, day, left, len(kept)))


class _Unnamed:
    """Who may be behind records that cannot be told apart, from answer to answer.

    Some never were anybody known: an account that the directory never shows, answer after answer,
    does not keep whoever leaves meanwhile.
    """

    def __init__(self) -> None:
        self._strangers = 0
        self._names: set[Any] = set()

    def among(self, count: int, gone: list[Any]) -> list[Any]:
        """Those of `gone` who may be behind the `count` such records of the next answer."""
        still = [row for row in gone if not self._names.isdisjoint(_names(row))]
        room = count - self._strangers
        kept = [] if room <= 0 else still if len(still) >= room else gone
        self._names = {name for row in kept for name in _names(row)}
        self._strangers = max(min(self._strangers, count), count - len(kept))
        return kept


def _may_be_anybody(left: LeftOut) -> bool:
    return left.columns is None and not left.ids and not left.addresses


def _lists_keys(snapshots: Sequence[Snapshot]) -> bool:
    rows = (row for s in snapshots for row in s.rows if not isinstance(row, LeftOut))
    first = next(rows, None)
    return first is not None and not isinstance(first, Person | ApiKey) and "platform" in first


class _Answer:
    """The rows of an answer that could be read, and of the state before it."""

    def __init__(self, rows: list[Any], previous: Sequence[Any]) -> None:
        self.rows = rows
        self._places = _places(rows)
        self._present = {name for row in rows for name in _names(row)}
        self._previous = previous
        self._former = _places(previous)

    def named(self, left: LeftOut, owners: Iterable[str]) -> list[Any]:
        """What stands in the place of a record that is left out as a whole.

        Of one that lacks some values, the row is given their former ones.
        """
        if left.columns is not None:
            self._restore(left, left.columns)
            return []
        # By its address only where the source never said the id, or of what is an owner's.
        return self._own(left.ids) or self._own([*left.addresses, *sorted(owners)])

    def add(self, kept: Iterable[Any]) -> None:
        """Let these rows stand."""
        for row in kept:
            self.rows.append(row)
            self._present.update(_names(row))

    def gone(self) -> list[Any]:
        """The former rows of what is not there, under any name."""
        return [row for row in self._previous if self._is_gone(row)]

    def _own(self, names: Iterable[str]) -> list[Any]:
        places = {place for name in names for place in self._former.get(name, ())}
        found = [self._previous[place] for place in sorted(places)]
        return [row for row in found if self._is_gone(row)]

    def _is_gone(self, row: Any) -> bool:
        return self._present.isdisjoint(_names(row))

    def _restore(self, left: LeftOut, columns: tuple[str, ...]) -> None:
        if not columns:
            return
        names = left.ids or left.addresses
        for former in [p for name in names for p in self._former.get(name, ())][:1]:
            values = {column: self._previous[former][column] for column in columns}
            for place in [p for name in names for p in self._places.get(name, ())]:
                self.rows[place] = {**self.rows[place], **values}


def _places(rows: Sequence[Any]) -> dict[str, list[int]]:
    """Where rows stand, by id and by address."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for name in (*_ids(row), _address(row)):
            if name:
                places.setdefault(name, []).append(place)
    return places


def _ids(row: Any) -> tuple[str, ...]:
    """The source's own id of what a row is about."""
    found: str | None
    if isinstance(row, Person):
        found = row.vendor_user_id
    elif isinstance(row, ApiKey):
        found = row.api_key_id
    else:
        found = None if "platform" in row else row.get("user_id")
    return (found,) if found else ()


def _address(row: Any) -> str | None:
    if isinstance(row, ApiKey):
        return None
    email: str | None = row.user_email if isinstance(row, Person) else row["user_email"]
    return email


def _names(row: Any) -> tuple[Any, ...]:
    """What tells rows of a source apart: of people the id and the address, of keys the key."""
    if isinstance(row, Person | ApiKey) or "platform" not in row:
        return tuple(name for name in (*_ids(row), _address(row)) if name)
    key = row.get("api_key_id") or (row.get("api_key_name"), row.get("workspace_id"))
    return ((row["platform"], key),)
