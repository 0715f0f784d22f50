"""Which addresses processes listen on, as Linux tells it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

_LISTENS = "0A"
_LOOPBACK = frozenset(
    {
        "0100007F",
        "00000000000000000000000001000000",
        "0000000000000000FFFF00000100007F",
    }
)
"""127.0.0.1, ::1 and ::ffff:127.0.0.1, as the kernel writes them."""


def listening_elsewhere_than_on_loopback(pids: Iterable[int]) -> set[str]:
    """Addresses other than loopback's that the processes listen on, as the kernel writes them.

    Fails where none of the processes listens at all.
    """
    if not Path("/proc/net/tcp").exists():
        pytest.skip("this system does not tell which ports a process has")
    sockets = {link for pid in pids for link in _links(Path(f"/proc/{pid}/fd"))}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    ours = {row[1] for row in rows if row[3] == _LISTENS and f"socket:[{row[9]}]" in sockets}
    assert ours, "none of the processes listens"
    return {address for address in ours if address.partition(":")[0] not in _LOOPBACK}


def _links(folder: Path) -> set[str]:
    found = set()
    # A process may end, or close a file, while it is looked at.
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry.path))  # noqa: PTH115
    return found
