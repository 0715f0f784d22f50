"""What a check finds: failing rows by rule, of the whole and of each day, and a few of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

MAX_FAILURE_CASES = 5
"""Failing rows that are shown of a check: the others are counted inside the engine."""


@dataclass
class Outcome:
    """How a check went for one day, or for the whole: failing rows by rule, and a few of them."""

    failures: dict[str, int] = field(default_factory=dict)
    sample: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    """Of a failure by its name, in plain words, what a person wants to know of it."""

    @property
    def passed(self) -> bool:
        """No row fails any rule."""
        return not any(self.failures.values())


@dataclass(frozen=True)
class Validation:
    """The outcome over a window and, for partitioned tables, of each of its failing days.

    `rows` are those of the table in the window; None where they were not counted.
    """

    whole: Outcome
    by_day: dict[date, Outcome]
    rows: int | None = None
