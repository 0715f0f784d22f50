"""The company's own directories: who works there, and whose keys are whose.

A directory is asked and archived like a vendor, but it reports no events: its rows are lines of
`users.csv` and `api_keys.csv`, folded by `ai_usage.identity`.
"""

from __future__ import annotations

from ai_usage.directories.base import DirectorySource
from ai_usage.directories.scim import SCIM
from ai_usage.directories.sheets import SHEET

DIRECTORIES: tuple[DirectorySource, ...] = (SCIM, SHEET)

__all__ = ["DIRECTORIES", "DirectorySource"]
