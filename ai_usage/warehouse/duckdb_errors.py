"""What DuckDB refuses, told apart and in one line."""

from __future__ import annotations

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import Parameters

_DISK = (
    ("No space left on device", "the disk is full: make room and run it again"),
    ("Disk quota exceeded", "the disk quota is used up: make room and run it again"),
    ("File too large", "it would be larger than this user may write: see `ulimit -f`"),
    ("Read-only file system", "the file system is read-only"),
    ("Permission denied", "permission denied: let this user write there"),
)
"""What the operating system refused, in DuckDB's words and in ours."""


def run(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters, what: str
) -> duckdb.DuckDBPyConnection:
    """Execute a statement about a relation; WarehouseError where it is the statement that is wrong.

    What the disk refuses is raised as it is: the whole file is concerned.
    """
    try:
        return connection.execute(sql, dict(parameters)) if parameters else connection.execute(sql)
    except duckdb.Error as error:
        if is_no_room(error):
            raise
        raise WarehouseError(f"{what}: DuckDB refused: {first_line(error)}") from error


def disk_trouble(error: Exception) -> str | None:
    """Why the disk refused, where that is the trouble."""
    return next((ours for theirs, ours in _DISK if theirs in str(error)), None)


def is_spilling(error: Exception) -> bool:
    """Whether the disk refused what DuckDB put aside, not what it keeps."""
    text = str(error)
    return "failed to offload data block" in text or (
        "duckdb_temp" in text and disk_trouble(error) is not None
    )


def is_no_room(error: duckdb.Error) -> bool:
    """Whether a disk refused, and not DuckDB the statement."""
    return disk_trouble(error) is not None or is_spilling(error)


def first_line(error: Exception) -> str:
    """The error without what follows on its first line; its type where it says nothing."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
