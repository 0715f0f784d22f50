"""What a directory's answer leaves out keeps the last state that could be read. Pure.

An odd record is no leaver and no deleted key: until it can be read again, its source says of it
what it said before. One that cannot be told apart may be anybody, so whoever goes missing as it
turns up does not count as gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ai_usage.identity.snapshots import Snapshot
from ai_usage.normalised.following import NO_ROWS, Rows, Said, compared
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
            before = folding.rows
            for rows in snapshot.earlier:
                folding.add(snapshot.day, rows)
            folding.add(snapshot.day, snapshot.rows, snapshot.said)
            is_whole = folding.rows is snapshot.rows
            said = snapshot.said if is_whole else compared(before, folding.rows)
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
        self._answer: Rows = NO_ROWS
        self._names: Counter[Any] | None = None
        """How many rows of the newest answer bear each name; None where it left out nothing."""
        self.standing: list[Standing] = []
        """Of the newest answer."""

    def add(self, day: date, rows: Rows, said: Said | None = None) -> None:
        """Fold the next answer, of `day`."""
        if said is not None and said.before is not self._answer:
            said = None
        self._answer = rows
        told = said.new if said is not None and self._names is None else rows
        odd = [row for row in told if isinstance(row, LeftOut)]
        self.standing = []
        if not odd:
            self.rows, self._names, self._unnamed = rows, None, _Unnamed()
            return
        if said is not None and self._names is not None:
            self._names.subtract(_all_names(said.gone))
            self._names.update(_all_names(said.new))
        else:
            self._names = Counter(_all_names(rows))
        readable = [row for row in rows if not isinstance(row, LeftOut)]
        answer = _Answer(readable, self._names, self.rows, odd)
        unnamed = []
        for left in odd:
            owners = self._owners.get((day, left)) if self._of_keys else None
            if owners is None and _may_be_anybody(left):
                unnamed.append(left)
            else:
                self._keep(day, left, answer, answer.named(left, owners or ()))
        # What may be anybody comes last: it keeps who is not kept by name.
        kept = self._unnamed.among(len(unnamed), answer.gone() if unnamed else [])
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
    """The rows of an answer that could be read, the names they bear, and the state before it."""

    def __init__(
        self, rows: list[Any], names: Mapping[Any, int], previous: Rows, odd: Iterable[LeftOut]
    ) -> None:
        self.rows = rows
        self._names = names
        self._kept_names: set[Any] = set()
        # What still stands there is not gone.
        stand = {id(row) for row in rows}
        self._missing = [row for row in previous if id(row) not in stand]
        of_values = {name for left in odd if left.columns for name in _asked(left)}
        self._places = _places(rows, of_values)
        self._previous = previous
        self._former = _places(previous, of_values)

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
            self._kept_names.update(_names(row))

    def gone(self) -> list[Any]:
        """The former rows of what is not there, under any name."""
        return [row for row in self._missing if self._is_gone(row)]

    def _own(self, names: Collection[str]) -> list[Any]:
        return [
            row
            for row in self._missing
            if any(name in names for name in _handles(row)) and self._is_gone(row)
        ]

    def _is_gone(self, row: Any) -> bool:
        """Of what bears no name nobody can tell, and it stands for nobody who is missed."""
        names = _names(row)
        return bool(names) and not any(self._names.get(n) or n in self._kept_names for n in names)

    def _restore(self, left: LeftOut, columns: tuple[str, ...]) -> None:
        if not columns:
            return
        names = _asked(left)
        for former in [p for name in names for p in self._former.get(name, ())][:1]:
            values = {column: self._previous[former][column] for column in columns}
            for place in [p for name in names for p in self._places.get(name, ())]:
                self.rows[place] = {**self.rows[place], **values}


def _asked(left: LeftOut) -> Sequence[str]:
    """By what the row is found that lacks some values."""
    return left.ids or left.addresses


def _places(rows: Rows, names: Collection[str]) -> dict[str, list[int]]:
    """Where rows stand, by id and by address, of these names."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows) if names else ():
        for name in _handles(row):
            if name in names:
                places.setdefault(name, []).append(place)
    return places


def _handles(row: Any) -> tuple[str, ...]:
    """The id and the address of what a row is about."""
    address = _address(row)
    return (*_ids(row), address) if address else _ids(row)


def _all_names(rows: Iterable[Any]) -> Iterator[Any]:
    return (name for row in rows if not isinstance(row, LeftOut) for name in _names(row))


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
        return _handles(row)
    key = row.get("api_key_id") or (row.get("api_key_name"), row.get("workspace_id"))
    return ((row["platform"], key),)
