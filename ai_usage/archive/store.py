"""Whole files under one root, local or remote: write atomically, read, list, and say what refused.

What the files mean is the archive's business.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from ai_usage.archive.opening import opened
from ai_usage.errors import ArchiveError

_MENDS = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EFBIG: "it would be larger than this user may write: see `ulimit -f`",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied: let this user write there",
    errno.EPERM: "permission denied: let this user write there",
    errno.ENOTDIR: "a file stands where a folder must be: move it away",
    errno.EEXIST: "a file stands where a folder must be: move it away",
    errno.EISDIR: "a folder stands where a file must be: move it away",
    errno.ENOENT: "it is not there",
}


class Store:
    """Files by path relative to `root`. Every failure is an `ArchiveError` naming the file."""

    def __init__(self, root: str, key_file: Path | None = None) -> None:
        self.root = root.rstrip("/") or "/"
        try:
            self._fs, path = opened(self.root, key_file)
        except (ImportError, ValueError) as error:
            raise ArchiveError(
                f"the archive {self.root} cannot be opened ({error}): AI_USAGE_ARCHIVE is a "
                "folder or a URL like gs://bucket/path, which needs `pip install "
                "'ai-usage[bigquery]'`."
            ) from error
        self._base = str(path).rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    def shown(self, path: str) -> str:
        """The path as a person would look for it."""
        return f"{self.root}/{path}"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine, where looking costs next to nothing."""
        return self._local

    def read(self, path: str) -> bytes:
        """The whole file."""
        with self._refusals(path, "read"):
            content: bytes = self._fs.cat_file(self._full(path))
            return content

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """Whole files, in the order asked for; of a bucket several at a time."""
        if self._local or len(paths) < 2:
            return [self.read(path) for path in paths]
        full = [self._full(path) for path in paths]
        with self._refusals(f"{paths[0]} or one of {len(paths) - 1} more", "read"):
            found: dict[str, bytes] = self._fs.cat(full)
            return [found[path] for path in full]

    def find(self, path: str) -> bytes | None:
        """The whole file; None where there is none, and only then: a refusal is an error."""
        with self._refusals(path, "read"):
            try:
                content: bytes = self._fs.cat_file(self._full(path))
            except FileNotFoundError:
                return None
            return content

    def create(self, path: str, content: bytes) -> bool:
        """Write the whole file or none of it; False, and nothing written, where there is one.

        A reader never sees a part, a crash leaves none. Of two who create a file in a bucket at
        once, one is told that it was there.
        """
        with self._refusals(path, "written"):
            if self._local:
                return _create_local(Path(self._full(path)), content)
            try:
                # Object stores put an object whole; a rename there would only be a second copy.
                self._fs.pipe_file(self._full(path), content, mode="create")
            except FileExistsError:
                return False
            return True

    def took(self, path: str, content: bytes) -> bool:
        """Whether what `create` found there is what it had written itself.

        A bucket may take a file, lose its answer, and be asked once more by its client. A folder
        loses none: what stands there is somebody else's, even if it says the very same.
        """
        return not self._local and self.find(path) == content

    def below(self, folder: str) -> list[str]:
        """The names of files and folders right below a folder; none if it is absent."""
        with self._refusals(folder, "listed"):
            self._fs.invalidate_cache()
            try:
                found: Any = self._fs.ls(self._full(folder), detail=False)
            except FileNotFoundError:
                return []
        return sorted({str(path).rstrip("/").rpartition("/")[2] for path in found})

    def list(self, folder: str) -> Iterator[str]:
        """Every file below the folder, as paths relative to the root; none if it is absent."""
        with self._refusals(folder, "listed"):
            full = self._full(folder) if folder else self._base
            self._fs.invalidate_cache()
            try:
                found: Any = self._fs.find(full)
            except FileNotFoundError:
                found = []
        prefix = f"{self._base}/"
        for path in found:
            yield str(path).removeprefix(prefix)

    def _full(self, path: str) -> str:
        return f"{self._base}/{path}"

    @contextlib.contextmanager
    def _refusals(self, path: str, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            missing = errno.ENOENT if isinstance(error, FileNotFoundError) else 0
            why = _MENDS.get(error.errno or missing) or error.strerror or type(error).__name__
            raise ArchiveError(f"{self.shown(path)} cannot be {verb}: {why}.") from error
        except Exception as error:
            # A cloud store's client raises errors of its own, of many types.
            if self._local:
                raise
            why = f"{type(error).__name__}: {str(error)[:200]}"
            raise ArchiveError(f"{self.shown(path)} cannot be {verb} ({why}).") from error


def _create_local(path: Path, content: bytes) -> bool:
    """Temporary file, flushed to the disk, then renamed: whole or absent, even after a crash."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.lstat()
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return True
