"""What is wrong with a line of a reference file, and the error that carries all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ai_usage.errors import ReferenceFileError

MAX_PROBLEMS = 20
"""Problems that one refusal lists; the rest are counted: the first fixes often cure them too."""


SEE_ALL = "; see: ai-usage reference check"
"""Where a person finds the problems that an error only counts."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong, in the terms of a person with the file open in an editor.

    `line` is 1-based; `column` is None where the whole line or file is meant.
    """

    line: int
    column: str | None
    what: str
    remedy: str

    def text(self, where: str) -> str:
        """The problem as `file:line: column: what is wrong; the fix`."""
        column = f"{self.column}: " if self.column else ""
        return f"{where}:{self.line}: {column}{self.what}; {self.remedy}"


class CellError(ValueError):
    """A cell cannot be accepted: what is wrong with it, and the fix."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy


class RefusedFileError(ReferenceFileError):
    """A whole reference file is refused; nothing of it is loaded, the last good state stays.

    `problems` holds the first `MAX_PROBLEMS` by line, `total` counts them all. The message is one
    line: the first problem and how many more there are.
    """

    def __init__(self, where: str, problems: Sequence[Problem], see: str = SEE_ALL) -> None:
        ordered = sorted(problems, key=lambda p: (p.line, p.column or "", p.what))
        self.where = where
        self.total = len(ordered)
        self.problems = tuple(ordered[:MAX_PROBLEMS])
        more = self.total - 1
        rest = f" (and {more} more{see})" if more else ""
        super().__init__(self.problems[0].text(where) + rest)

    def lines(self) -> list[str]:
        """Every listed problem as one line, and a last line for those that are only counted."""
        shown = [problem.text(self.where) for problem in self.problems]
        unlisted = self.total - len(shown)
        return [*shown, f"{self.where}: and {unlisted} more problems"] if unlisted else shown


def quoted(cell: str, limit: int = 60) -> str:
    """A cell as it may stand in a message: quoted, escaped, and no longer than `limit`."""
    return repr(cell if len(cell) <= limit else f"{cell[:limit]}…")
