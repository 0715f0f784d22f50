"""How much memory DuckDB may take, from the machine that it runs on."""

from __future__ import annotations

import os
from pathlib import Path

from ai_usage.settings import LEAST_DUCKDB_MEMORY

MEGABYTE = 10**6

_SHARE = 64
"""A 64th of the memory: Dagster, Python and Arrow take their part beside DuckDB, and a year's
backfill is to stay below 1 GB in all on a machine of up to 24 GB."""

CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def default_limit() -> int:
    """Bytes that DuckDB may take where no setting says: a 64th of the memory, at least 384 MB."""
    return max(LEAST_DUCKDB_MEMORY, _memory() // _SHARE)


def _memory() -> int:
    """Bytes of the machine, or of the container where that has fewer."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *(limit for path in CGROUP_LIMITS if (limit := _limit_in(path)))])


def _limit_in(path: Path) -> int | None:
    """What a container's file says; None where there is none, or no limit ("max")."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
