"""Which sums of a month may be given to who sees no single people: groups that hide each of them.

A cell is the rows of one group, as of a team. Fewer people than `smallest` stand behind no cell
that is given away: small ones are merged, with the next smallest where they are too few together.
Nobody may work a small one out of others either, by filters put one against another. So families
of cells are released one after the other, and each is held against all that is out already:

- no linear combination of released sums may be a group of fewer people, by any one, two or three
  dimensions or by all of them. Exact: the group's vector over the elementary groups (the rows that
  share all labels) lies in the span of the released ones if and only if nothing of it is left when
  it is projected on them;
- no two released cells, the one within the other, may differ by fewer people.

What offends is merged further, or not released. Pure: numbers in, cells out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Family = tuple[str, ...]
"""Dimensions that cells are told apart by; the empty one is everything in one cell."""

Label = tuple[str, ...]
"""What a cell is called, a word a dimension of its family."""

_NEAR_NOTHING = 1e-7
_NO_SIZE = 1e-9
"""What is no direction of its own, but rounding."""
_MANY_GROUPS = 600
_NOBODY = -1

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """A group that may be shown: its label, its rows, and who stands behind them."""

    label: Label
    rows: tuple[int, ...]
    people: frozenset[int]
    is_merged: bool = False


@dataclass(frozen=True)
class Rows:
    """Elementary rows: of each the person (-1: nobody) and its labels by dimension."""

    people: Sequence[int]
    labels: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.people)


def release(
    rows: Rows, families: Sequence[Family], smallest: int, others: Mapping[str, str]
) -> dict[Family, list[Cell]]:
    """The cells of each family that may be shown, in the order in which families are given.

    Each family's cells hold every row once. `others` says how what is merged in a dimension is
    called. A family that cannot be shown is released as the coarsest of its own that can: in the
    end one cell, whose rows are all.
    """
    audit = _Audit(rows, families, smallest)
    found: dict[Family, list[Cell]] = {}
    for family in families:
        cells = _merged(_cells(rows, family, found), family, smallest, others)
        asked = _Asked(audit)
        while (offending := asked.offends(cells)) is not None and len(cells) > 1:
            cells = _merge_more(cells, offending, family, others)
        if offending is not None:
            cells = [_joined(cells, family, others)]
        audit.admit(cells)
        found[family] = cells
    return found


def withhold(
    rows: Rows, found: Mapping[Family, Sequence[Cell]], smallest: int
) -> dict[Family, list[bool]]:
    """Of each released cell, whether a measure may be told that only the rows' people report.

    For a measure that fewer people stand behind than behind the cell. What is withheld in a family
    is, all together, told by the total: so it too must hide people, and more is withheld until it
    does.
    """
    audit = _Audit(rows, list(found), smallest)
    told: dict[Family, list[bool]] = {}
    for family, cells in found.items():
        own = [
            Cell(c.label, c.rows, frozenset(rows.people[row] for row in c.rows) - {_NOBODY})
            for c in cells
        ]
        shown = [c for c in own if not 0 < len(c.people) < smallest]
        asked = _Asked(audit)
        while shown:
            hidden = [c for c in own if c not in shown]
            rest = [_joined(hidden, family, dict.fromkeys(family, ""))] if hidden else []
            few = any(0 < len(c.people) < smallest for c in rest)
            offending = asked.offends([*shown, *rest])
            if not few and offending is None:
                audit.admit([*shown, *rest])
                break
            if few or offending is None or offending not in shown:
                offending = min(shown, key=lambda c: (not c.people, len(c.people), c.label))
            shown.remove(offending)
        told[family] = [c in shown for c in own]
    return told


def _cells(rows: Rows, family: Family, found: Mapping[Family, Sequence[Cell]]) -> list[Cell]:
    """One cell a label. Where a dimension is released by itself already, its merged labels hold."""
    named: dict[str, list[str]] = {}
    merged: set[int] = set()
    for dimension in family:
        named[dimension] = list(rows.labels[dimension])
        for cell in found.get((dimension,), ()) if len(family) > 1 else ():
            for row in cell.rows:
                named[dimension][row] = cell.label[0]
            merged.update(cell.rows if cell.is_merged else ())
    groups: dict[Label, list[int]] = defaultdict(list)
    for row in range(len(rows)):
        groups[tuple(named[dimension][row] for dimension in family)].append(row)
    return [
        Cell(
            label,
            tuple(of),
            frozenset(rows.people[row] for row in of) - {_NOBODY},
            is_merged=not merged.isdisjoint(of),
        )
        for label, of in sorted(groups.items())
    ]


def _merged(
    cells: Sequence[Cell], family: Family, smallest: int, others: Mapping[str, str]
) -> list[Cell]:
    """Merge cells of too few people, within what they share but for the last dimension."""
    parts: dict[Label, list[Cell]] = defaultdict(list)
    for cell in cells:
        parts[cell.label[:-1]].append(cell)
    found: list[Cell] = []
    for part in parts.values():
        small = [c for c in part if 0 < len(c.people) < smallest]
        rest = sorted((c for c in part if c not in small), key=lambda c: (len(c.people), c.label))
        if small:
            while len(frozenset().union(*(c.people for c in small))) < smallest and rest:
                # Who is nobody hides nobody: the next smallest group of people.
                index = next((i for i, c in enumerate(rest) if c.people), 0)
                small.append(rest.pop(index))
            found.append(_joined(small, family, others))
        found += rest
    return sorted(found, key=lambda c: c.label)


def _merge_more(
    cells: Sequence[Cell], offending: Cell, family: Family, others: Mapping[str, str]
) -> list[Cell]:
    """Merge the offending cell with its merged neighbour, else with the smallest one."""
    near = [c for c in cells if c is not offending and c.label[:-1] == offending.label[:-1]]
    near = near or [c for c in cells if c is not offending]
    # Who is nobody hides nobody.
    near = [c for c in near if c.people] or near
    other = min(near, key=lambda c: (not c.is_merged, len(c.people), c.label))
    rest = [c for c in cells if c is not offending and c is not other]
    return sorted([*rest, _joined([offending, other], family, others)], key=lambda c: c.label)


def _joined(cells: Sequence[Cell], family: Family, others: Mapping[str, str]) -> Cell:
    """One cell of several: a dimension in which they agree keeps its word."""
    label = tuple(
        words.pop() if len(words := {c.label[i] for c in cells}) == 1 else others[dimension]
        for i, dimension in enumerate(family)
    )
    return Cell(
        label,
        tuple(sorted(row for c in cells for row in c.rows)),
        frozenset().union(*(c.people for c in cells)),
        is_merged=len(cells) > 1 or cells[0].is_merged,
    )


class _Audit:
    """What is out, and whether more of it would tell of too few people."""

    def __init__(self, rows: Rows, families: Sequence[Family], smallest: int) -> None:
        self.smallest = smallest
        dimensions = sorted({dimension for family in families for dimension in family})
        groups: dict[Label, int] = {}
        self.group_of = np.array(
            [
                groups.setdefault(tuple(rows.labels[d][row] for d in dimensions), len(groups))
                for row in range(len(rows))
            ],
            dtype=np.int64,
        )
        everybody = sorted(set(rows.people) - {_NOBODY})
        index = {person: i for i, person in enumerate(everybody)}
        self.people: Bools = np.zeros((len(groups), len(everybody)), dtype=np.bool_)
        for row, person in enumerate(rows.people):
            if person != _NOBODY:
                self.people[self.group_of[row], index[person]] = True
        # Products of numbers in BLAS take a tenth of those of whole numbers, and are as exact.
        self._heads = self.people.astype(np.float32)
        self.basis: Floats = np.zeros((len(groups), 0))
        self.out: Bools = np.zeros((0, len(groups)), dtype=np.bool_)
        self._behind = self._groups_of_people(self.out)
        self.targets: Floats = self._small_groups(list(groups), len(dimensions))
        self.hidden: Floats = (self.targets**2).sum(axis=1)

    def _small_groups(self, labels: Sequence[Label], dimensions: int) -> Floats:
        """The groups that nobody may work out: few people's, by any few dimensions or by all."""
        most = 3 if len(labels) <= _MANY_GROUPS else 2
        chosen = [c for size in range(1, most + 1) for c in combinations(range(dimensions), size)]
        has_people = self.people.any(axis=1)
        found: dict[bytes, Bools] = {}
        for choice in [*chosen, tuple(range(dimensions))]:
            of: dict[Label, list[int]] = defaultdict(list)
            for group, label in enumerate(labels):
                of[tuple(label[i] for i in choice)].append(group)
            for members in of.values():
                people = int(self.people[members].any(axis=0).sum())
                if 0 < people < self.smallest:
                    vector = np.zeros(len(labels), dtype=np.bool_)
                    vector[members] = True
                    # With what is nobody's, and without.
                    for one in (vector, vector & has_people):
                        found[one.tobytes()] = one
        if not found:
            return np.zeros((0, len(labels)))
        return np.stack(list(found.values())).astype(np.float64)

    def left_beside(self, basis: Floats) -> Floats:
        """What of each target is hidden, squared, were the basis out as well."""
        left: Floats = self.hidden - ((self.targets @ basis) ** 2).sum(axis=1)
        return left

    def blamed(self, cells: Sequence[Cell], vectors: Bools, target: Bools) -> Cell:
        """Of the cells one that tells of the target: around it, else beside it in what is out."""
        around = self.out[(self.out >= target).all(axis=1)]
        beside = [
            cell
            for cell, vector in zip(cells, vectors, strict=True)
            if (vector >= target).all() or (around >= vector).all(axis=1).any()
        ]
        candidates = [c for c in beside or cells if c.people] or list(cells)
        return min(candidates, key=lambda c: (c.is_merged, len(c.people), c.label))

    def admit(self, cells: Sequence[Cell]) -> None:
        """Note that the cells are out."""
        vectors = self.vectors(cells)
        fresh = self.fresh(vectors)
        self.hidden = self.left_beside(fresh)
        self.basis = np.hstack([self.basis, fresh])
        self.out, kept = np.unique(np.vstack([self.out, vectors]), axis=0, return_index=True)
        self._behind = np.vstack([self._behind, self._groups_of_people(vectors)])[kept]

    def vectors(self, cells: Sequence[Cell]) -> Bools:
        vectors = np.zeros((len(cells), self.people.shape[0]), dtype=np.bool_)
        for i, cell in enumerate(cells):
            vectors[i, self.group_of[list(cell.rows)]] = True
        return vectors

    def fresh(self, vectors: Bools) -> Floats:
        """An orthonormal basis of what these add to what is out."""
        new = vectors.T.astype(np.float64)
        # Twice: what one projection leaves of rounding, the second takes.
        for _ in range(2):
            new -= self.basis @ (self.basis.T @ new)
        return _directions(new)

    def differs_by_few(self, vector: Bools) -> bool:
        inside = (self.out <= vector).all(axis=1)
        around = (self.out >= vector).all(axis=1)
        own = self._groups_of_people(vector)
        # Of the one within the other: what is counted of the larger and not of the smaller.
        differences = np.vstack([own - self._behind[inside], self._behind[around] - own])
        counts = (differences > 0).sum(axis=1)
        return bool(((counts > 0) & (counts < self.smallest)).any())

    def _groups_of_people(self, vectors: Bools) -> npt.NDArray[np.float32]:
        """Of each vector, how many of its groups each person stands behind."""
        found: npt.NDArray[np.float32] = vectors.astype(np.float32) @ self._heads
        return found


def _directions(vectors: Floats) -> Floats:
    """An orthonormal basis of what the columns span."""
    if vectors.size == 0:
        return np.zeros((len(vectors), 0))
    left, sizes, _right = np.linalg.svd(vectors, full_matrices=False)
    return left[:, sizes > _NO_SIZE]


@dataclass(frozen=True)
class _Told:
    """What a family's first cells add to what is out, and the targets that they would tell.

    Of each target: itself, what of it lies in what they add, and, squared, what is left beside.
    """

    basis: Floats
    targets: list[tuple[Bools, Floats, float]]


class _Asked:
    """Whether a family's cells tell of too few people, asked of coarser and coarser ones.

    To merge cells adds nothing to what can be worked out. So what the first ones do not tell none
    does, and all that is asked of later ones lies in what the first add.
    """

    def __init__(self, audit: _Audit) -> None:
        self._audit = audit
        self._first: _Told | None = None
        self._harmless: set[bytes] = set()

    def offends(self, cells: Sequence[Cell]) -> Cell | None:
        """A cell by which too few people could be told apart; None if there is none."""
        for cell in cells:
            if 0 < len(cell.people) < self._audit.smallest:
                return cell
        vectors = self._audit.vectors(cells)
        target = self._told_by(vectors)
        if target is not None:
            return self._audit.blamed(cells, vectors, target)
        for cell, vector in zip(cells, vectors, strict=True):
            seen = vector.tobytes()
            if seen not in self._harmless and self._audit.differs_by_few(vector):
                return cell
            self._harmless.add(seen)
        return None

    def _told_by(self, vectors: Bools) -> Bools | None:
        """The first target that can be worked out of what is out and these."""
        if self._first is None:
            self._first = self._told_by_first(vectors)
        if not self._first.targets:
            return None
        added = _directions(self._first.basis.T @ vectors.T)
        while self._first.targets:
            target, within, beside = self._first.targets[0]
            if beside + (within**2).sum() - ((within @ added) ** 2).sum() < _NEAR_NOTHING:
                return target
            del self._first.targets[0]
        return None

    def _told_by_first(self, vectors: Bools) -> _Told:
        audit = self._audit
        basis = audit.fresh(vectors)
        left = audit.left_beside(basis)
        told = _Told(basis, [])
        for index in np.flatnonzero(left < _NEAR_NOTHING):
            target = audit.targets[index]
            told.targets.append((target > 0, target @ basis, float(left[index])))
        return told
