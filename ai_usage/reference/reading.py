"""Reads a reference file whole, or refuses it whole. Pure but for `read_path`.

What is CSV here: comma-separated, UTF-8 (a byte order mark is fine), a header line, `"` quotes a
cell that holds a comma, a quote or a line break, a line that starts with `#` is a comment. Columns
may stand in any order, and those that are not required may be left out.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ai_usage.reference.column import Column, Row
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.problems import CellError, Problem, RefusedFileError, quoted

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
    path = folder / file.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(file.name, size)
        content = path.read_bytes()
    except FileNotFoundError:
        return Reading(present=False)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        problem = Problem(1, None, what, "it must be a readable file")
        raise RefusedFileError(file.name, [problem]) from error
    return read_bytes(file, content)


def read_bytes(file: ReferenceFile, content: bytes) -> Reading:
    """Read the file's bytes. Raises `RefusedFileError`."""
    if len(content) > MAX_BYTES:
        raise _too_large(file.name, len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(line, None, "is not UTF-8 text", "save the file as 'CSV UTF-8'")
        raise RefusedFileError(file.name, [problem]) from None
    return read_text(file, text)


def read_text(file: ReferenceFile, text: str) -> Reading:
    """Read the file's text. Raises `RefusedFileError`."""
    return read_records(file, _records(text))


def read_records(
    file: ReferenceFile, records: Iterator[tuple[int, list[str]]], where: str | None = None
) -> Reading:
    """Read (line number, cells) records, the header first.

    `where` names in a refusal what is not a file of the reference folder. Raises
    `RefusedFileError`.
    """
    problems: list[Problem] = []
    lines: list[Line] = []
    try:
        number, header = next(records, (1, []))
        columns = _header(file, number, header)
        if any(isinstance(found, Problem) for found in columns):
            raise _refusal(file, where, [c for c in columns if isinstance(c, Problem)])
        known = [column for column in columns if isinstance(column, Column)]
        for number, cells in records:
            found = _line(file, known, number, cells)
            if isinstance(found, Line):
                lines.append(found)
            else:
                problems += found
    except _BrokenRecordError as error:
        remedy = 'close every quote, and double it (") inside a quoted cell'
        problems.append(Problem(error.line, None, f"cannot be read as CSV ({error})", remedy))
    problems += file.check_file(lines)
    if problems:
        raise _refusal(file, where, problems)
    return Reading([line.values for line in lines], sorted(file.warn(lines)), lines=lines)


def _refusal(
    file: ReferenceFile, where: str | None, problems: Sequence[Problem]
) -> RefusedFileError:
    if where is None:
        return RefusedFileError(file.name, problems)
    return RefusedFileError(where, problems, see="")


class _BrokenRecordError(ValueError):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class _Lines:
    """Feeds lines to the CSV reader, counts them, and skips comments between records.

    The CSV reader itself knows no comments: a quote in one would swallow the lines after it.
    """

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.number = 0
        self.start = 0
        self.between_records = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if self.between_records:
                if line.startswith("#"):
                    continue
                self.start = self.number
                self.between_records = False
            return line
        raise StopIteration


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, cells) of every record that is not blank."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.between_records = True
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _BrokenRecordError(lines.start, str(error)) from None
        if any(cell.strip(" ") for cell in cells):
            yield lines.start, [cell.replace("\r\n", "\n") for cell in cells]


def _header(file: ReferenceFile, line: int, cells: Sequence[str]) -> list[Column | Problem]:
    """The columns in the file's order, or what is wrong with the header."""
    if not cells:
        first = f"begin with the line {','.join(c.name for c in file.columns if c.required)}"
        return [Problem(line, None, "there is no header line", first)]
    names = [cell.strip() for cell in cells]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        return [Problem(line, None, "columns are not separated by commas", "save it as CSV UTF-8")]
    found: list[Column | Problem] = []
    for position, name in enumerate(names):
        if name in names[:position]:
            found.append(Problem(line, name, "stands twice in the header", "keep one of them"))
        elif name not in file.column_names:
            found.append(Problem(line, name or None, "unknown column", _did_you_mean(file, name)))
        else:
            found.append(file.column(name))
    for column in file.columns:
        if column.required and column.name not in names:
            remedy = f"add {column.name} to the header and to every line"
            found.append(Problem(line, column.name, "the column is missing", remedy))
    return found


def _did_you_mean(file: ReferenceFile, name: str) -> str:
    close = difflib.get_close_matches(name.lower(), file.column_names, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(file.column_names)}"


def _line(
    file: ReferenceFile, columns: Sequence[Column], number: int, cells: Sequence[str]
) -> Line | list[Problem]:
    if len(cells) != len(columns):
        what = f"has {len(cells)} cells, the header has {len(columns)}"
        return [Problem(number, None, what, "quote a cell that holds a comma")]
    values: Row = {column.name: column.default for column in file.columns}
    problems: list[Problem] = []
    for column, cell in zip(columns, cells, strict=True):
        try:
            values[column.name] = column.parse(cell)
        except CellError as error:
            problems.append(Problem(number, column.name, error.what, error.remedy))
    if not problems:
        problems = [Problem(number, c, e.what, e.remedy) for c, e in file.check_row(values)]
    return problems or Line(number, values)


def _too_large(name: str, size: int) -> RefusedFileError:
    what = f"holds {size / 1_000_000:.1f} MB, more than {MAX_BYTES // 1_000_000} MB"
    return RefusedFileError(name, [Problem(1, None, what, f"is {quoted(name)} the right file?")])
