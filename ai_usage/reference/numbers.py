"""Decimal numbers as people and spreadsheets write them: which mark is the decimal one.

A file writes all its amounts in one convention. Its decimal mark is the one that some cell leaves
no doubt about, else the one that goes with its separator. `1.000` leaves a doubt: it is one, or a
thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ai_usage.reference.problems import CellError, Problem, quoted

POINT, COMMA = ".", ","
_NAMES = {POINT: "point", COMMA: "comma"}

_NUMBER = re.compile(r"[+-]?[0-9]+([.,])[0-9]+")
_DOUBTFUL = re.compile(r"[+-]?([1-9][0-9]{0,2})[.,]([0-9]{3})")

FORMATTED = "in a spreadsheet, format the column as a number"


@dataclass(frozen=True)
class Written:
    """A cell of a column of decimal numbers, and where it stands; `place` is `line 3`."""

    number: int
    place: str
    column: str
    cell: str


@dataclass(frozen=True)
class Convention:
    """The decimal mark of a file; None where it has both, and `problem` names two such cells."""

    mark: str | None
    problem: Problem | None = None


def decimal_mark(cell: str) -> str | None:
    """The decimal mark that a cell leaves no doubt about; None for what has none or is doubtful."""
    found = _NUMBER.fullmatch(cell)
    return found[1] if found and not _DOUBTFUL.fullmatch(cell) else None


def convention(cells: Iterable[Written], default: str) -> Convention:
    """What a file's cells show of its convention; `default` is its separator's."""
    first: dict[str, Written] = {}
    for written in cells:
        if mark := decimal_mark(written.cell):
            first.setdefault(mark, written)
    if len(first) < 2:
        return Convention(next(iter(first), default))
    earlier, later = sorted(first.values(), key=lambda written: written.number)
    mark, other = decimal_mark(later.cell), decimal_mark(earlier.cell)
    what = (
        f"{quoted(later.cell)} has a decimal {_NAMES[mark or default]}, and "
        f"{quoted(earlier.cell)} in {earlier.place} ({earlier.column}) a decimal "
        f"{_NAMES[other or default]}"
    )
    remedy = f"write all amounts of the file alike; {FORMATTED}, then save it again"
    return Convention(None, Problem(later.number, later.column, what, remedy))


def pointed(cell: str, mark: str | None, *, three_places: bool) -> str:
    """The cell with a decimal point; what is no number stays as it is.

    `mark` is the file's, None for a file that is refused for having both. Raises `CellError` where
    another convention reads the cell as a thousand times as much: always where no amount has
    `three_places`, else where the file's decimal mark is the other one.
    """
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return cell
    doubtful = _DOUBTFUL.fullmatch(cell)
    if doubtful and not (three_places and found[1] == mark):
        raise _doubt(cell, doubtful, found[1] if mark is None else mark)
    return cell.replace(found[1], POINT) if mark in (None, found[1]) else cell


def _doubt(cell: str, found: re.Match[str], mark: str) -> CellError:
    sign = "-" if cell.startswith("-") else ""
    many = f"{sign}{found[1]}{found[2]}"
    # Four places leave no doubt where there are really three.
    few = f"{sign}{found[1]}{mark}{found[2][:2] if found[2].endswith('0') else f'{found[2]}0'}"
    what = f"{quoted(cell)} is {many} to some and {few} to others"
    remedy = f"write {many} or {few}; {FORMATTED} with two places and no thousands separator"
    return CellError(what, remedy)
