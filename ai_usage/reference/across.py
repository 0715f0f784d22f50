"""Reads the folder as a whole: each file by itself first, then each against the others.

Rules that need one file only are in the file's declaration (`check_row`, `check_file`); what is
here runs the declarations' `check_across`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ai_usage.reference.column import Row
from ai_usage.reference.file import AcrossRule, ReferenceFile
from ai_usage.reference.files import reference_files
from ai_usage.reference.known import (
    DIRECTORIES,
    PLATFORMS,
    SEATS,
    Product,
    undeclared_approvals,
    undeclared_platforms,
)
from ai_usage.reference.problems import Problem, RefusedFileError
from ai_usage.reference.reading import Reading, read_path
from ai_usage.vendors.base import Vendor

Readings = dict[str, Reading | RefusedFileError]
"""By file name: what was read, or why it is refused."""


People = Sequence[Row] | None
"""Whom the directories know: rows with user_email, aliases and, where known, team; None while that
cannot be told."""


def products_of(vendors: Iterable[Vendor]) -> list[Product]:
    """The products that the vendors' modules declare."""
    return [(row.platform_code, row.platform_subtype) for v in vendors for row in v.platforms]


@dataclass(frozen=True)
class Beyond:
    """What rules between files need and no file tells.

    `products` are those that the vendors' modules declare; where there are none, no platform is
    unknown. `rules` are further rules of a file by its name, of what needs more than
    the files: who has left, say.
    """

    products: Sequence[Product] = ()
    rules: Mapping[str, AcrossRule] = field(default_factory=dict)


FILES_ALONE = Beyond()
"""Nothing but the files: vendors and who has left are not looked at."""


def read_folder(
    files: Sequence[ReferenceFile],
    folder: Path,
    people: People = (),
    beyond: Beyond = FILES_ALONE,
) -> Readings:
    """Read every file of the folder and check each against the others; nothing is raised.

    A file is checked against those that are acceptable by themselves: what is wrong with another
    file is that file's refusal, not this one's. `people` are whom the directories know besides
    users.csv.
    """
    alone = {file.name: _read(file, folder) for file in files}
    return {file.name: _across(file, alone, people, beyond) for file in files}


def read_checked(
    file: ReferenceFile, folder: Path, people: People = (), beyond: Beyond = FILES_ALONE
) -> Reading:
    """Read one file and check it against the others of the folder: what may be archived.

    Raises `RefusedFileError` with every problem of this file; others' are not looked for. `people`
    are whom the directories know besides users.csv.
    """
    reading = read_path(file, folder)
    others = {
        other.name: _read(other, folder) for other in reference_files() if other.name != file.name
    }
    found = _across(file, {**others, file.name: reading}, people, beyond)
    if isinstance(found, RefusedFileError):
        raise found
    return found


def _read(file: ReferenceFile, folder: Path) -> Reading | RefusedFileError:
    try:
        return read_path(file, folder)
    except RefusedFileError as error:
        return error


def _across(
    file: ReferenceFile,
    alone: Mapping[str, Reading | RefusedFileError],
    people: People,
    beyond: Beyond,
) -> Reading | RefusedFileError:
    own = alone[file.name]
    if isinstance(own, RefusedFileError):
        return own
    others: dict[str, Sequence[Row]] = {
        name: reading.rows
        for name, reading in alone.items()
        if name != file.name and isinstance(reading, Reading) and reading.present
    }
    if people is not None:
        others[DIRECTORIES] = people
    refused = {name for name, reading in alone.items() if isinstance(reading, RefusedFileError)}
    problems: list[Problem] = []
    warnings = list(own.warnings)
    # A refused file may hold what is missed here: it is fixed first, then this one is judged.
    if beyond.products and not refused & {PLATFORMS, SEATS}:
        if "platform" in file.column_names:
            problems += undeclared_platforms(file, own.lines, others, beyond.products)
        if "approved_platforms" in file.column_names:
            warnings += undeclared_approvals(own.lines, others, beyond.products)
    if not refused & set(file.checked_against):
        problems += file.check_across(own.lines, others)
        if file.name in beyond.rules:
            problems += beyond.rules[file.name](own.lines, others)
    if problems:
        return RefusedFileError(file.name, problems)
    return replace(own, warnings=sorted(warnings))
