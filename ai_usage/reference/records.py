"""Text to records: how a CSV file is laid out, its lines, and what among them is a comment.

What is CSV here: columns separated by `,` or `;`, a header line, `"` quotes a cell that holds a
separator, a quote or a line break. The first line may announce the separator (`sep=;`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ai_usage.reference.numbers import COMMA, POINT
from ai_usage.reference.spoiled import is_error

Records = Iterator[tuple[int, list[str]]]
"""(line or row on which it begins, cells) of every record, the header first."""

SEPARATORS = {",": POINT, ";": COMMA}
"""Separator -> the decimal mark that goes with it: a spreadsheet writes `;` where its country's
decimal mark is the comma."""

MARK = "#"
"""What a comment begins with."""

_ANNOUNCED = re.compile(r'"?sep=(.)"?[,;\s]*', re.IGNORECASE)
_FIRST_CELL = re.compile(r"[^,;\r\n]*")


@dataclass(frozen=True)
class Medium:
    """Where records come from, in the words of the person who has it open.

    `unit` is what it calls a line. `pads` where it leaves out the empty cells at a record's end.
    `decimal_mark` is what goes with it where no cell shows one.
    """

    unit: str
    remedy_for_cells: str
    remedy_for_header: str
    pads: bool = False
    decimal_mark: str = POINT


IN_CSV = Medium(
    unit="line",
    remedy_for_cells="quote a cell that holds a comma",
    remedy_for_header="begin with the line {}",
)
IN_SHEET = Medium(
    unit="row",
    remedy_for_cells="empty the cells that no column is for, or name them in the header",
    remedy_for_header="begin with a row of these cells: {}",
    pads=True,
)


def starts_comment(text: str, *, above_header: bool, any_text: bool) -> bool:
    """Whether a line or record that begins so is a comment, however many cells it has.

    Above the header all are. Below it, `#1001` may be an id: there it takes a space after the mark
    and a first column that does not take `any_text`, so that the line cannot be data.
    """
    if not text.startswith(MARK) or is_error(_first_cell(text)):
        return False
    return above_header or (text.startswith(f"{MARK} ") and not any_text)


def is_comment(cells: Sequence[str], *, above_header: bool, any_text: bool) -> bool:
    """Whether a record is a comment: it begins like one, or is a single cell with the mark."""
    first, *others = cells
    if starts_comment(first, above_header=above_header, any_text=any_text):
        return True
    return first.startswith(MARK) and not is_error(first) and not any(map(str.strip, others))


def _first_cell(line: str) -> str:
    found = _FIRST_CELL.match(line)
    return found[0] if found else ""


@dataclass(frozen=True)
class Layout:
    """How a text is laid out: its separator, and line and names of its header.

    `announced` where the first line says which separator it is; `header` is 0 without one.
    """

    separator: str = ","
    announced: bool = False
    header: int = 0
    names: tuple[str, ...] = ()

    @property
    def medium(self) -> Medium:
        """The words for a file of this layout, and the decimal mark that goes with it."""
        name = "comma" if self.separator == "," else "semicolon"
        return replace(
            IN_CSV,
            remedy_for_cells=f"quote a cell that holds a {name}",
            decimal_mark=SEPARATORS.get(self.separator, POINT),
        )


def layout(text: str, known: Collection[str]) -> Layout:
    """The layout of a text: its separator is the announced one, else what gives `known` columns."""
    announced: str | None = None
    lines = enumerate(io.StringIO(text, newline=""), 1)
    for number, line in lines:
        if number == 1 and (found := _ANNOUNCED.fullmatch(line.rstrip("\r\n"))):
            announced = found[1]
        elif line.startswith(f'"{MARK}'):
            # As a spreadsheet saves a comment that holds a separator; it may hold line breaks too.
            quotes = line.count('"')
            while quotes % 2 and (following := next(lines, None)):
                quotes += following[1].count('"')
        elif line.strip(' ,;\t"\r\n') and not starts_comment(
            line, above_header=True, any_text=True
        ):
            return _of_header(number, line, announced, known)
    return Layout(announced or ",", announced is not None)


def _of_header(number: int, line: str, announced: str | None, known: Collection[str]) -> Layout:
    tried = [announced] if announced else list(SEPARATORS)
    found = [(separator, _names(line, separator)) for separator in tried]
    # The first of equals: a comma, unless a semicolon says more.
    separator, names = max(found, key=lambda of: len(set(of[1]) & set(known)))
    return Layout(separator, announced is not None, number, names)


def _names(line: str, separator: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return ()
    return tuple(cell.strip() for cell in cells)


class BrokenRecordError(ValueError):
    """A record that is no CSV, with the line on which it begins."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class _Lines:
    """Feeds lines to the CSV reader, counts them, and skips comments between records.

    The CSV reader itself knows no comments: a quote in one would swallow the lines after it.
    """

    def __init__(self, text: str, layout: Layout, *, any_text: bool) -> None:
        self._lines = io.StringIO(text, newline="")
        self._layout, self._any_text = layout, any_text
        self.number = 0
        self.start = 0
        self.between_records = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if self.between_records:
                if self._skips(line):
                    continue
                self.start = self.number
                self.between_records = False
            return line
        raise StopIteration

    def _skips(self, line: str) -> bool:
        if self.number == 1 and self._layout.announced:
            return True
        above = self.number < self._layout.header
        return starts_comment(line, above_header=above, any_text=self._any_text)


def records(text: str, layout: Layout, *, any_text: bool) -> Records:
    """The records of a text that are not blank. Raises `BrokenRecordError`."""
    lines = _Lines(text, layout, any_text=any_text)
    reader = csv.reader(lines, delimiter=layout.separator, strict=True)
    while True:
        lines.between_records = True
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BrokenRecordError(lines.start, str(error)) from None
        if any(cell.strip(" ") for cell in cells):
            yield lines.start, [cell.replace("\r\n", "\n") for cell in cells]
