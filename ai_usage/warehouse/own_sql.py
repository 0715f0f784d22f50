"""Questions in an engine's own dialect, whose text somebody has kept.

To work such a text out takes ibis, which takes longer to import than an engine to answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

from ai_usage.days.windows import Window

Columns: TypeAlias = tuple[tuple[str, str, str], ...]
"""The columns of a table as the engine describes them: name, type, and whether it may be NULL."""


class OwnSql(ABC):
    """The engine while it may be asked so; one state of the warehouse."""

    @abstractmethod
    def columns(self, table: str) -> Columns:
        """The columns of a table of the product; none where it is not there."""

    @abstractmethod
    def answer(self, question: str, reads: Mapping[str, Window | None]) -> dict[str, Any]:
        """The only row of a question over tables by their bare names.

        `reads` are these tables, each with the days of which its rows are read; None: of all.
        """
