"""One line of `ai-usage doctor`: what was looked at, and whether it is well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line: what was examined, whether it is well, and what is there or what to do."""

    what: str
    ok: bool
    detail: str
    note: bool = False
    """True where nothing is wrong and nothing is there: not configured."""
