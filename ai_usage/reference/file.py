"""What a reference file is: its columns and its rules, declared once for everything made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

from ai_usage.reference.column import Column, Row
from ai_usage.reference.problems import CellError, Problem


@dataclass(frozen=True)
class Line:
    """An accepted row and the line of the file on which it begins, as an editor counts.

    `unit` is what its medium calls a line: in a sheet a row.
    """

    number: int
    values: Row
    unit: str = "line"

    @property
    def place(self) -> str:
        """The line as other lines' refusals name it: `line 3`, in a sheet `row 3`."""
        return f"{self.unit} {self.number}"


RowRule = Callable[[Row], Iterator[tuple[str, CellError]]]
"""Yields (column, what is wrong) for one row whose cells are all acceptable by themselves."""

FileRule = Callable[[Sequence[Line]], Iterable[Problem]]
"""Yields problems between rows."""

AcrossRule = Callable[[Sequence[Line], Mapping[str, Sequence[Row]]], Iterable[Problem]]
"""(the file's lines, rows of the other present files by name, and of the directories' people) ->
problems in the file's lines."""

ChangedFrom = Callable[[Sequence[Row], Sequence[Row], date], date | None]
"""(rows before, rows after, day of the change) -> first day whose figures may change, or None."""


def _no_row_problem(_row: Row) -> Iterator[tuple[str, CellError]]:
    return iter(())


def _no_problem(_lines: Sequence[Line]) -> Iterable[Problem]:
    return ()


def _no_problem_across(
    _lines: Sequence[Line], _others: Mapping[str, Sequence[Row]]
) -> Iterable[Problem]:
    return ()


def _from_the_day_it_changed(_before: Sequence[Row], _after: Sequence[Row], day: date) -> date:
    return day


@dataclass(frozen=True)
class ReferenceFile:
    """One file that a person maintains in `AI_USAGE_REFERENCE_DIR`.

    `check_row` and `check_file` refuse, and so does `check_across`, which sees the rows of the
    other files that are present; while one of `checked_against` is itself refused, it is not
    asked. `warn` only tells. `changed_from` says from which day on a change of the rows matters;
    it is asked only where they differ. `judges_closed_months` where what it says of a closed month
    moves none of its totals, and shows without opening it. `examples` are cells of sample lines, as
    a person would type them.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    examples: tuple[dict[str, str], ...]
    check_row: RowRule = _no_row_problem
    check_file: FileRule = _no_problem
    check_across: AcrossRule = _no_problem_across
    checked_against: tuple[str, ...] = ()
    warn: FileRule = _no_problem
    changed_from: ChangedFrom = _from_the_day_it_changed
    judges_closed_months: bool = False

    @property
    def stem(self) -> str:
        """The name without `.csv`: the endpoint under which the archive keeps its states."""
        return PurePath(self.name).stem

    @property
    def column_names(self) -> list[str]:
        """Column names in the order in which samples and documents list them."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the file has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
