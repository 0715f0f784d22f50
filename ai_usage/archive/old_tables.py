"""Under which names the archive keeps what old systems held, beside what vendors answered."""

from __future__ import annotations

from ai_usage.archive.archive import Archive

LEGACY = "legacy"
"""The archive's name for old systems; each of their tables is an endpoint of it."""
LOG = "migration_log"
"""The endpoint of what was done with them, beside the tables."""
MARKS = "dual_write"
"""The endpoint of what our own writes left them as."""
NO_TABLES = frozenset({LOG, MARKS})


def old_tables(archive: Archive) -> list[str]:
    """The old tables of which the archive holds any day."""
    return [name for _, name in archive.endpoints(LEGACY) if name not in NO_TABLES]
