"""Values of a directory read as cells of a reference file: one truth of what a column may hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ai_usage.reference import ReferenceFile, Row
from ai_usage.reference.problems import CellError


def empty_row(file: ReferenceFile) -> Row:
    """A line of the file in which every cell is empty."""
    return {column.name: column.default for column in file.columns}


def cell(
    file: ReferenceFile,
    name: str,
    value: Any,
    refused: Callable[[str, CellError], None] = lambda name, error: None,
) -> Any:
    """The value as the column reads it; what the file would refuse is left empty, and told.

    A person maintains a file and can fix a line; nobody here can fix a directory, and one odd
    cell must not keep everybody else out. `refused` is told the column and what is wrong.
    """
    column = file.column(name)
    if value is None:
        return column.default
    try:
        return column.parse(str(value))
    except CellError as error:
        refused(name, error)
        return column.default
