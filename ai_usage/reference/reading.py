"""Reads a reference file whole, or refuses it whole. Pure but for `read_path`.

How text becomes records is in `records`. Columns may stand in any order, and those that are not
required may be left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ai_usage.reference.column import Column, Row
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.numbers import Convention, Written, convention
from ai_usage.reference.problems import CellError, Problem, RefusedFileError, quoted
from ai_usage.reference.records import (
    IN_CSV,
    MARK,
    SEPARATORS,
    BrokenRecordError,
    Layout,
    Medium,
    Records,
    is_comment,
    layout,
    records,
)
from ai_usage.reference.spoiled import is_error
from ai_usage.text.words import counted

MAX_BYTES = 20_000_000
"""A larger file is not something a person maintains; reading it could exhaust the memory."""


@dataclass(frozen=True)
class Reading:
    """An accepted file: its rows in the file's order and what is worth a second look.

    `present` is False where there is no such file: it says nothing, which is not the same as a
    file with no lines, which says that there is nobody.
    """

    rows: list[Row] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    present: bool = True
    lines: list[Line] = field(default_factory=list)
    """The same rows, each with the line of the file on which it begins."""


def read_path(file: ReferenceFile, folder: Path) -> Reading:
    """Read the file from its folder; an absent file is an empty reading that is not `present`.

    Raises `RefusedFileError` with every problem.
    """
    text = text_of(file, folder)
    return Reading(present=False) if text is None else read_text(file, text)


def text_of(file: ReferenceFile, folder: Path) -> str | None:
    """The text of the file in its folder; None where there is none. Raises `RefusedFileError`."""
    path = folder / file.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(file.name, size)
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        problem = Problem(1, None, what, "it must be a readable file")
        raise RefusedFileError(file.name, [problem]) from error
    return _decoded(file, content)


def is_absent(file: ReferenceFile, folder: Path) -> bool:
    """Whether there is no such file, which says nothing."""
    try:
        (folder / file.name).stat()
    except FileNotFoundError:
        return True
    except OSError:
        # Reading it says what is wrong.
        return False
    return False


def read_bytes(file: ReferenceFile, content: bytes) -> Reading:
    """Read the file's bytes. Raises `RefusedFileError`."""
    return read_text(file, _decoded(file, content))


def _decoded(file: ReferenceFile, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _too_large(file.name, len(content))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(line, None, "is not UTF-8 text", "save the file as 'CSV UTF-8'")
        raise RefusedFileError(file.name, [problem]) from None


def read_text(file: ReferenceFile, text: str) -> Reading:
    """Read the file's text. Raises `RefusedFileError`."""
    found = layout(text, file.column_names)
    if problem := _unreadable(found):
        raise RefusedFileError(file.name, [problem])
    any_text = _takes_any_text(file, found.names)
    return read_records(file, records(text, found, any_text=any_text), medium=found.medium)


def _unreadable(found: Layout) -> Problem | None:
    """Why the layout gives no columns, if so."""
    remedy = "save it as CSV UTF-8"
    if found.separator not in SEPARATORS:
        what = f"sep={found.separator} announces a separator that is neither , nor ;"
        return Problem(1, None, what, remedy)
    if len(found.names) == 1 and (seen := set(found.names[0]) & {*SEPARATORS, "\t"}):
        what = f"columns are separated by {' '.join(map(quoted, sorted(seen)))}"
        if found.announced:
            return Problem(1, None, f"sep={found.separator} is not so: {what}", "delete that line")
        return Problem(found.header, None, f"{what}, not by commas", remedy)
    return None


def read_records(
    file: ReferenceFile, records: Records, where: str | None = None, medium: Medium = IN_CSV
) -> Reading:
    """Read (line number, cells) records, the header first; what is blank or a comment is skipped.

    `where` names in a refusal what is not a file of the reference folder, `medium` its words.
    Raises `RefusedFileError`.
    """
    problems: list[Problem] = []
    lines: list[Line] = []
    told = _Told()
    try:
        number, header = next(_data(records, above_header=True, any_text=True), (1, []))
        header = _trimmed(header)
        columns = _header(file, number, header, medium)
        if any(isinstance(found, Problem) for found in columns):
            raise _refusal(file, where, [c for c in columns if isinstance(c, Problem)])
        known = [column for column in columns if isinstance(column, Column)]
        any_text = known[0].takes_any_text
        data = list(_data(records, above_header=False, any_text=any_text))
        marks = convention(_written(known, data, medium), medium.decimal_mark)
        problems += [marks.problem] if marks.problem else []
        for number, cells in data:
            found = _line(file, known, number, cells, medium, marks)
            if isinstance(found, Line):
                lines.append(found)
                told.see(number, known[0].name, cells)
            else:
                problems += found
    except BrokenRecordError as error:
        remedy = 'close every quote, and double it (") inside a quoted cell'
        problems.append(Problem(error.line, None, f"cannot be read as CSV ({error})", remedy))
    problems += file.check_file(lines)
    if problems:
        raise _refusal(file, where, problems)
    warnings = sorted([*file.warn(lines), *told.warnings(medium)])
    return Reading([line.values for line in lines], warnings, lines=lines)


def _takes_any_text(file: ReferenceFile, names: Sequence[str]) -> bool:
    """Whether the first column of a header may hold a text like #1001."""
    return bool(names) and names[0] in file.column_names and file.column(names[0]).takes_any_text


def _data(records: Records, *, above_header: bool, any_text: bool) -> Records:
    for number, cells in records:
        if any(cell.strip() for cell in cells) and not is_comment(
            cells, above_header=above_header, any_text=any_text
        ):
            yield number, cells


def _trimmed(cells: Sequence[str], width: int = 0) -> list[str]:
    """The cells without those beyond `width` that are empty: a spreadsheet adds them at will."""
    kept = list(cells)
    while len(kept) > width and not kept[-1].strip():
        kept.pop()
    return kept


def _written(
    columns: Sequence[Column], data: Sequence[tuple[int, list[str]]], medium: Medium
) -> Iterator[Written]:
    """The cells that show how the file writes decimal numbers."""
    decimal = [(at, column) for at, column in enumerate(columns) if column.is_decimal]
    for number, cells in data:
        for at, column in decimal:
            if at < len(cells):
                yield Written(number, f"{medium.unit} {number}", column.name, cells[at].strip())


@dataclass
class _Told:
    """Lines that begin with the mark of a comment, and count."""

    first: tuple[int, str, str] | None = None
    others: int = 0

    def see(self, number: int, column: str, cells: Sequence[str]) -> None:
        if cells[0].startswith(MARK):
            self.others += self.first is not None
            self.first = self.first or (number, column, cells[0])

    def warnings(self, medium: Medium) -> Iterator[Problem]:
        if self.first:
            number, column, cell = self.first
            more = f" (and {self.others} more)" if self.others else ""
            what = f"{quoted(cell)} counts as a {medium.unit}{more}"
            yield Problem(number, column, what, "a comment stands in a single cell")


def _refusal(
    file: ReferenceFile, where: str | None, problems: Sequence[Problem]
) -> RefusedFileError:
    if where is None:
        return RefusedFileError(file.name, problems)
    return RefusedFileError(where, problems, see="")


def _header(
    file: ReferenceFile, line: int, cells: Sequence[str], medium: Medium
) -> list[Column | Problem]:
    """The columns in the file's order, or what is wrong with the header."""
    if not cells:
        needed = ",".join(column.name for column in file.columns if column.required)
        first = medium.remedy_for_header.format(needed)
        return [Problem(line, None, f"there is no header {medium.unit}", first)]
    names = [cell.strip() for cell in cells]
    found: list[Column | Problem] = []
    for position, name in enumerate(names):
        if name in names[:position]:
            found.append(Problem(line, name, "stands twice in the header", "keep one of them"))
        elif is_error(name):
            what = f"{quoted(name)} is an error of a spreadsheet, not a column"
            found.append(Problem(line, None, what, "mend the cell's formula"))
        elif name not in file.column_names:
            found.append(Problem(line, name or None, "unknown column", _did_you_mean(file, name)))
        else:
            found.append(file.column(name))
    for column in file.columns:
        if column.required and column.name not in names:
            remedy = f"add {column.name} to the header and to every {medium.unit}"
            found.append(Problem(line, column.name, "the column is missing", remedy))
    return found


def _did_you_mean(file: ReferenceFile, name: str) -> str:
    close = difflib.get_close_matches(name.lower(), file.column_names, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(file.column_names)}"


def _line(
    file: ReferenceFile,
    columns: Sequence[Column],
    number: int,
    cells: Sequence[str],
    medium: Medium,
    marks: Convention,
) -> Line | list[Problem]:
    cells = _trimmed(cells, len(columns))
    if medium.pads:
        cells += [""] * (len(columns) - len(cells))
    if problem := _comment_or_data(columns[0], number, cells):
        return [problem]
    if len(cells) != len(columns):
        what = f"has {len(cells)} cells, the header has {len(columns)}"
        return [Problem(number, None, what, medium.remedy_for_cells)]
    values: Row = {column.name: column.default for column in file.columns}
    problems: list[Problem] = []
    for column, cell in zip(columns, cells, strict=True):
        try:
            values[column.name] = column.parse(cell, marks.mark)
        except CellError as error:
            problems.append(Problem(number, column.name, error.what, error.remedy))
    if not problems:
        problems = [Problem(number, c, e.what, e.remedy) for c, e in file.check_row(values)]
    return problems or Line(number, values, medium.unit)


def _comment_or_data(first: Column, number: int, cells: Sequence[str]) -> Problem | None:
    """Refuse what begins like a comment and could be data: neither is done on a guess."""
    start = cells[0]
    if not start.startswith(MARK) or is_error(start):
        return None
    if first.takes_any_text and not start.startswith(f"{MARK} "):
        return None
    filled = sum(1 for cell in cells if cell.strip())
    what = f"{quoted(start)} and {counted(filled - 1, 'more cell')} may be a comment, or data"
    data = f"write {MARK}1001 for an id" if first.takes_any_text else f"take the {MARK} off data"
    return Problem(
        number, first.name, what, f"{data}; put a comment above the header or in one cell"
    )


def _too_large(name: str, size: int) -> RefusedFileError:
    what = f"holds {size / 1_000_000:.1f} MB, more than {MAX_BYTES // 1_000_000} MB"
    return RefusedFileError(name, [Problem(1, None, what, f"is {quoted(name)} the right file?")])
