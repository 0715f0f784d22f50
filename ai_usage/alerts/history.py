"""What alerts need to know of runs, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ai_usage.alerts.findings import RunFindings


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended, and when: seconds since 1970-01-01 UTC.

    `is_abandoned` is true where a command executed it whose process is gone: it reports nothing.
    """

    run_id: str
    ended_at: float
    is_abandoned: bool = False


class RunHistory(Protocol):
    """The runs, what they found, and a place beside them for what alerts must remember."""

    def load(self, key: str) -> str | None:
        """What was saved under the key; None if nothing."""

    def save(self, key: str, text: str) -> None:
        """Keep a text under the key."""

    def findings(self, run_id: str) -> RunFindings | None:
        """What a run found; None where it has not ended or is none of ours."""

    def ended_since(self, since: datetime) -> Iterable[EndedRun]:
        """The runs that succeeded or failed since then, oldest first."""

    def backfill_ended(self, backfill: str) -> bool:
        """Whether the backfill has ended."""
