"""What is made of the declarations beside reading: documents' tables, samples, and the check."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ai_usage.reference.across import FILES_ALONE, Beyond, read_folder
from ai_usage.reference.column import Row
from ai_usage.reference.file import ReferenceFile
from ai_usage.reference.problems import RefusedFileError
from ai_usage.reference.reading import Reading


@dataclass(frozen=True)
class Checked:
    """What a check found in one file, each problem and warning as one line."""

    name: str
    rows: int = 0
    present: bool = True
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where the file would be loaded; warnings do not hinder that."""
        return not self.problems


def check(
    files: Sequence[ReferenceFile],
    folder: Path,
    people: Sequence[Row] | None = (),
    beyond: Beyond = FILES_ALONE,
) -> list[Checked]:
    """Read the folder and tell what is wrong with each file, by itself and against the others.

    Nothing is loaded, nothing raised. `people` are whom the directories know besides users.csv;
    None while that cannot be told.
    """
    readings = read_folder(files, folder, people, beyond)
    found = [_checked(file, readings[file.name]) for file in files]
    names = [file.name for file in files]
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        if path.name not in names:
            close = difflib.get_close_matches(path.name, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
            found.append(Checked(path.name, warnings=[f"{path.name}: nothing reads it; {hint}"]))
    return found


def _checked(file: ReferenceFile, reading: Reading | RefusedFileError) -> Checked:
    if isinstance(reading, RefusedFileError):
        return Checked(file.name, problems=reading.lines())
    warnings = [warning.text(file.name) for warning in reading.warnings]
    return Checked(file.name, len(reading.rows), reading.present, warnings=warnings)


def sample(file: ReferenceFile) -> str:
    """A file to start from: what it is and example lines as comments, then the header.

    It is accepted as it stands, and says nothing until a person adds a line.
    """
    columns = [f"# {c.name}: {_kind(c.name, file)}. {c.description}" for c in file.columns]
    notes = [f"# {file.name}: {file.description}", "#", *columns, "#", "# Examples:"]
    rows = [[cells.get(name, "") for name in file.column_names] for cells in file.examples]
    examples = [f"# {line}" for line in _csv(rows).splitlines()]
    return "\n".join([*notes, *examples, ",".join(file.column_names)]) + "\n"


def write_samples(files: Sequence[ReferenceFile], folder: Path) -> list[Path]:
    """Write the sample of every file that the folder lacks; return those written.

    A file that exists is never touched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in files:
        path = folder / file.name
        try:
            with path.open("x", encoding="utf-8", newline="") as out:
                out.write(sample(file))
        except FileExistsError:
            continue
        written.append(path)
    return written


def markdown(file: ReferenceFile) -> str:
    """The section on the file in `docs/reference_files.md`: a table with one row per column."""
    rows = [
        f"| `{column.name}` | {_kind(column.name, file)} | {column.description} |"
        for column in file.columns
    ]
    head = [f"## `{file.name}`", "", file.description, "", "| column | cell | meaning |"]
    return "\n".join([*head, "|---|---|---|", *rows]) + "\n"


def _kind(name: str, file: ReferenceFile) -> str:
    column = file.column(name)
    kind = f"one of {', '.join(column.choices)}" if column.choices else column.kind.title
    if column.required:
        return f"{kind}; required"
    if column.default is not None:
        default = str(column.default).lower()
        return f"{kind}; default {default}"
    return kind


def _csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
