"""Disks that are full or read-only, for tests that write there; skipped where none can be made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory at `path` that takes so many bytes and no more."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, size: int) -> None:
        """Make more or less room; what is there stays."""
        _mount("-o", f"remount,rw,size={size}", str(self.path))

    def leave(self, room: int) -> None:
        """Leave so much room beside what is there."""
        disk = os.statvfs(self.path)
        self.resize((disk.f_blocks - disk.f_bfree) * disk.f_frsize + room)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """A disk of that many bytes at `path`, gone afterwards. Skips where none may be mounted."""
    path.mkdir(parents=True, exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here, it takes the superuser: {error}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """The folder and all below cannot be written meanwhile, not even by the superuser."""
    if os.geteuid() == 0:
        try:
            _mount("--bind", str(path), str(path))
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"the superuser may write everywhere, and nothing can be mounted: {error}")
        try:
            _mount("-o", "remount,bind,ro", str(path))
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607
        return
    found = [path, *path.rglob("*")]
    modes = {entry: entry.stat().st_mode for entry in found}
    try:
        for entry in reversed(found):
            entry.chmod(modes[entry] & ~0o222)
        yield
    finally:
        for entry in found:
            entry.chmod(modes[entry])


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)  # noqa: S603, S607
