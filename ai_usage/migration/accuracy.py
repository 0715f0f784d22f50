"""How often the person that a record is attributed to is the right one, as people confirm it.

Coverage says how much is attributed to anybody; only somebody who knows can say whether to the
right one. Pure, but for the sheet's text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from ai_usage.migration.sources import MigrationError
from ai_usage.text.csv_cells import csv_cell

COLUMNS = (
    "event_id",
    "event_date",
    "platform",
    "cost_usd",
    "reported_as",
    "attributed_to",
    "method",
)
"""What a person is shown of a record."""
ANSWER, OWNER = "is_right", "real_owner"
"""What a person fills in: yes or no, and who it was."""

_Z = 1.959963984540054
"""Of 95 %: the standard normal distribution's 97.5th percentile."""
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True)
class Accuracy:
    """What people confirmed of the records that they were shown."""

    right: int
    answered: int
    shown: int

    @property
    def share(self) -> float:
        """Right of answered; 0 where nobody answered."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 %: it holds for few answers and for shares near 1."""
        n, p = self.answered, self.share
        if not n:
            return (0.0, 1.0)
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
        return (max(0.0, middle - half), min(1.0, middle + half))


def sheet(rows: Sequence[Mapping[str, Any]]) -> str:
    """Records as a sheet to be filled in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, ANSWER, OWNER])
    writer.writerows([*(csv_cell(row[name]) for name in COLUMNS), "", ""] for row in rows)
    return out.getvalue()


def confirmed(text: str, name: str) -> Accuracy:
    """What a filled-in sheet says; lines without an answer are shown and not answered.

    Raises `MigrationError` naming the line of an answer that is neither yes nor no.
    """
    answers = [*_answers(text, name)]
    given = [answer for answer in answers if answer is not None]
    return Accuracy(right=sum(given), answered=len(given), shown=len(answers))


def _answers(text: str, name: str) -> Iterator[bool | None]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if ANSWER not in (reader.fieldnames or ()):
        raise MigrationError(
            f"{name}:1: there is no column {ANSWER}; fill in the sheet as it came."
        )
    seen: set[str] = set()
    for row in reader:
        event = row.get("event_id") or ""
        if event in seen:
            raise MigrationError(
                f"{name}:{reader.line_num}: {event} is there twice; a record is answered once."
            )
        seen.add(event)
        answer = (row[ANSWER] or "").strip().lower()
        if not answer:
            yield None
        elif answer in _YES | _NO:
            yield answer in _YES
        else:
            raise MigrationError(
                f"{name}:{reader.line_num}: {ANSWER}: {answer!r} is neither yes nor no; write one."
            )
