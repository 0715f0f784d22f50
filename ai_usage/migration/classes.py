"""Differences between old rows and events, each in one class. Pure: cells in, findings out.

docs/decisions/0006-migration.md says what each class is. The first that explains a cell whole
counts; what none explains is unexplained, with a hint where one fits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from ai_usage.migration.description import DeclaredClass, Limit

Class = Literal["identical", "unexplained"] | DeclaredClass

CLASSES: tuple[Class, ...] = (
    "unexplained",
    "missing_in_new",
    "missing_in_old",
    "doubled",
    "attribution",
    "restated",
    "zone",
    "rounding",
    "identical",
)
"""As they are shown: what nobody can explain comes first."""

MEANINGS: dict[Class, str] = {
    "unexplained": "nobody can say why: look here first",
    "missing_in_new": "only the old table has it",
    "missing_in_old": "only the new tables have it",
    "doubled": "the old table has rows twice; counted once, both agree",
    "attribution": "the same amount, under another person or another spelling of an address",
    "restated": "what the vendor said before it corrected itself",
    "zone": "the same amount, on the local day of the old table",
    "rounding": "within what rounding to cents can move",
    "identical": "equal to the last digit",
}
"""In a sentence, for whoever signs."""

Key = tuple[date, tuple[str, ...]]
"""A day, and the values of the compared columns; a missing one is an empty text."""
Sums = Mapping[str, Decimal]
"""By the names of `description.MEASURES`; a measure that is compared is in every cell."""

HALF_A_CENT = Decimal("0.005")
"""What rounding an amount to cents may move, a row."""
_NOTHING: Sums = {}


@dataclass
class Cell:
    """What one side says of a key: rows and sums. What nobody reports is 0."""

    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    repeated: dict[str, Decimal] = field(default_factory=dict)
    """Of the sums, what rows bring that are another row again."""
    repeated_rows: int = 0
    spelled: set[str] = field(default_factory=set)
    """Addresses as they are written, where that is not how events have them."""

    def add(self, sums: Sums, rows: int = 1, *, repeats: bool = False) -> None:
        """Count rows that bring these sums."""
        self.rows += rows
        self.repeated_rows += rows if repeats else 0
        for name, value in sums.items():
            self.sums[name] = self.sums.get(name, Decimal(0)) + value
            if repeats:
                self.repeated[name] = self.repeated.get(name, Decimal(0)) + value


Cells = Mapping[Key, Cell]


@dataclass(frozen=True)
class Finding:
    """One key: what both sides say, and the class of the difference."""

    key: Key
    class_: Class
    old: Cell | None
    new: Cell | None
    note: str = ""

    @property
    def day(self) -> date:
        """The UTC day, or the old table's."""
        return self.key[0]

    def difference(self, measure: str) -> Decimal:
        """Old less new."""
        return _of(self.old, measure) - _of(self.new, measure)


@dataclass(frozen=True)
class Known:
    """What may explain a difference, beside the two sides."""

    zoned: Cells | None = None
    """The vendor's events by the day of the old table's zone; None where it has none."""
    restated: Mapping[Key, Sequence[Sums]] = field(default_factory=dict)
    """What the vendor changed later, the newest change first."""
    limits: Mapping[DeclaredClass, Limit] = field(default_factory=dict)
    loaded: frozenset[date] | None = None
    """Days that are loaded, empty or not; None where nobody asked."""


def classify(old: Cells, new: Cells, known: Known) -> list[Finding]:
    """Every key of both sides, in order. Cells in which nothing is counted do not count."""
    judged = _Judged(old, new, known)
    return sorted(judged.findings(), key=lambda one: (one.key, one.class_))


class _Judged:
    def __init__(self, old: Cells, new: Cells, known: Known) -> None:
        self._old = {key: cell for key, cell in old.items() if _counts(cell)}
        self._new = {key: cell for key, cell in new.items() if _counts(cell)}
        self._known = known
        self._old_days = {day for day, _ in self._old}
        self._new_days = {day for day, _ in self._new}

    def findings(self) -> Iterator[Finding]:
        left: dict[date, list[Key]] = defaultdict(list)
        for key in self._old.keys() | self._new.keys():
            found = self._by_itself(key)
            if found is None:
                left[key[0]].append(key)
            else:
                yield found
        for day, keys in left.items():
            yield from self._of_day(day, sorted(keys))

    def _by_itself(self, key: Key) -> Finding | None:
        """What explains a cell whatever the others of its day are."""
        old, new = self._old.get(key), self._new.get(key)
        ours, theirs = _sums(new), _sums(old)
        if old is not None and new is not None:
            if _equal(theirs, ours):
                if old.spelled:
                    written = ", ".join(sorted(old.spelled))
                    return Finding(key, "attribution", old, new, f"written {written}")
                return Finding(key, "identical", old, new)
            once = _less(theirs, old.repeated)
            if old.repeated_rows and (_equal(once, ours) or self._is_rounding(once, old, new)):
                note = f"{old.repeated_rows} of {old.rows} rows are there before"
                return Finding(key, "doubled", old, new, note)
            if self._is_rounding(theirs, old, new):
                return Finding(key, "rounding", old, new)
        before = dict(ours)
        for change in self._known.restated.get(key, ()):
            before = _less(before, change)
            if _equal(theirs, before):
                return Finding(key, "restated", old, new, "as the vendor said it before")
        zoned = self._known.zoned
        if zoned is not None and _equal(theirs, _sums(zoned.get(key))):
            return Finding(key, "zone", old, new)
        return None

    def _is_rounding(self, theirs: Sums, old: Cell, new: Cell) -> bool:
        limit = self._known.limits.get("rounding")
        most = HALF_A_CENT * old.rows if limit is None or limit.a_row is None else limit.a_row
        rest = _less(theirs, new.sums)
        return abs(rest.pop("usd", Decimal(0))) <= most and not any(rest.values())

    def _of_day(self, day: date, keys: Sequence[Key]) -> Iterator[Finding]:
        """What is left of a day: nothing on one side, moved between bearers, or not explained."""
        for class_, days, note in (
            ("missing_in_old", self._old_days, "the whole day"),
            ("missing_in_new", self._new_days, self._why_not_loaded(day)),
        ):
            if day not in days:
                for key in keys:
                    yield self._found(key, class_, note)  # type: ignore[arg-type]
                return
        rest = [_less(_sums(self._old.get(key)), _sums(self._new.get(key))) for key in keys]
        if len(keys) > 1 and not any(total(rest).values()):
            for key in keys:
                yield self._found(key, "attribution", "the day's sum is the same")
            return
        for key in keys:
            if key not in self._old:
                yield self._found(key, "missing_in_old", "")
            elif key not in self._new:
                yield self._found(key, "missing_in_new", "")
            else:
                yield self._found(key, "unexplained", _hint(self._old[key], self._new[key]))

    def _found(self, key: Key, class_: Class, note: str) -> Finding:
        return Finding(key, class_, self._old.get(key), self._new.get(key), note)

    def _why_not_loaded(self, day: date) -> str:
        loaded = self._known.loaded
        return "the day is not loaded" if loaded is not None and day not in loaded else ""


def _hint(old: Cell, new: Cell) -> str:
    """What a person may look at first."""
    theirs, ours = _of(old, "usd"), _of(new, "usd")
    if ours and theirs == ours * 100:
        return "the old amount is 100 times: cents kept as dollars?"
    if ours and theirs * 100 == ours:
        return "the old amount is a hundredth: dollars taken for cents?"
    if ours and theirs == ours * 2:
        return "the old amount is twice: counted twice?"
    return ""


def _counts(cell: Cell) -> bool:
    return any(cell.sums.values())


def _sums(cell: Cell | None) -> Sums:
    return _NOTHING if cell is None else cell.sums


def _of(cell: Cell | None, measure: str) -> Decimal:
    return _sums(cell).get(measure, Decimal(0))


def _less(one: Sums, other: Sums) -> dict[str, Decimal]:
    names = one.keys() | other.keys()
    return {n: one.get(n, Decimal(0)) - other.get(n, Decimal(0)) for n in names}


def _equal(one: Sums, other: Sums) -> bool:
    return not any(_less(one, other).values())


def total(several: Sequence[Sums]) -> dict[str, Decimal]:
    """Measure by measure what they sum to."""
    found: dict[str, Decimal] = {}
    for sums in several:
        for name, value in sums.items():
            found[name] = found.get(name, Decimal(0)) + value
    return found
