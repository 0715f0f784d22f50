"""What lists of people and keys say, kept in a folder as it differs from answer to answer.

    <folder>/<version>/<vendor>/<endpoint>/<source>/<key>.json

The version is that of code and of what decodes; the key is a digest of the pages of both answers
and of whose rows they are, so that what is kept can be found but for what it was made of. A file
that is missing, damaged or somebody else's is never believed. The folder may be removed at will;
what cannot be read or written costs time and nothing else. What no answer needs any more, and
other versions' files, are removed.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from ai_usage.archive.archive import Manifest
from ai_usage.normalised.following import NEW, Rows, Run, Said, following, runs_of
from ai_usage.normalised.kept import of_this_version, remove_other_versions
from ai_usage.vendors.rows import LeftOut
from ai_usage.warehouse.kept import sealed, unsealed

_Row = TypeVar("_Row")

_LEFT_BEHIND = 86_400
"""Seconds after which a file that no answer needs is removed: another process may be at work."""
_CANNOT = (OSError, msgspec.MsgspecError, TypeError, ValueError)


def digest_of(manifest: Manifest) -> str:
    """A digest of what an answer's rows follow from, besides the version."""
    said = (
        *(manifest.vendor, manifest.endpoint, manifest.start, manifest.end, manifest.amount_unit),
        *(page.sha256 for page in manifest.pages),
    )
    return sha256(repr(said).encode()).hexdigest()


class _Kept(msgspec.Struct, Generic[_Row], frozen=True):
    """The key in full, the runs, and the new rows; a record left out by its place among these."""

    key: str
    runs: list[Run]
    rows: list[_Row]
    left_out: list[tuple[int, LeftOut]]


class KeptLists:
    """The lists in a folder, which is made below one that must be there; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def of(self, vendor: str, endpoint: str, source: str, row_type: Any) -> KeptList:
        """What is kept of one source's rows among an endpoint's answers."""
        return KeptList(self._folder, f"{vendor}/{endpoint}/{source}", row_type)


NO_LISTS = KeptLists(None)


class KeptList:
    """One source's rows, answer by answer. `row_type` is theirs, as msgspec decodes it."""

    def __init__(self, folder: Path | None, name: str, row_type: Any) -> None:
        self._folder, self._list = folder, name
        self._place = None if folder is None else of_this_version(folder) / name
        self._decoder = msgspec.json.Decoder(_Kept[row_type])
        self._used: set[str] = set()
        self._is_new = False

    def read(self, before: Rows, was: str, now: str) -> Said | None:
        """What the answer `now` says after the answer `was`, whose rows are `before`.

        Both by their digests; there is none before the first. None where it is not kept.
        """
        if self._place is None:
            return None
        key = self._key(was, now)
        with suppress(*_CANNOT):
            body = unsealed((self._place / self._name(key)).read_bytes())
            kept = None if body is None else self._decoder.decode(body)
            if kept is not None and kept.key == key:
                new: list[Any] = list(kept.rows)
                for place, left in kept.left_out:
                    new.insert(place, left)
                return following(before, kept.runs, new)
        return None

    def keep(self, before: Rows, rows: Rows, was: str, now: str) -> Said:
        """What was read of the answer, as it follows the one before; kept for the next time."""
        runs = runs_of(before, rows)
        new: list[Any] = []
        at = 0
        for first, count in runs:
            new += rows[at : at + count] if first == NEW else ()
            at += count
        key = self._key(was, now)
        left_out = [(place, row) for place, row in enumerate(new) if isinstance(row, LeftOut)]
        others = [row for row in new if not isinstance(row, LeftOut)]
        self._write(_Kept(key, runs, others, left_out))
        said = following(before, runs, new)
        return said if said.rows is before else said._replace(rows=rows)

    def tidy(self) -> None:
        """Remove what was not asked for since this was made, if anything was kept since."""
        if not self._is_new or self._folder is None or self._place is None:
            return
        with suppress(OSError):
            remove_other_versions(self._folder)
            for path in self._place.iterdir():
                is_old = time.time() - path.stat().st_mtime > _LEFT_BEHIND
                if is_old and path.name not in self._used:
                    path.unlink(missing_ok=True)

    def _write(self, kept: _Kept[Any]) -> None:
        if self._folder is None or self._place is None:
            return
        if not self._folder.parent.parent.is_dir():
            return
        temporary = self._place / f".{uuid.uuid4().hex}.tmp"
        with suppress(*_CANNOT):
            body = msgspec.json.encode(kept)
            # What does not come back as it was is not kept.
            if self._decoder.decode(body) != kept:
                return
            self._place.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(sealed(body))
                temporary.replace(self._place / self._name(kept.key))
                self._is_new = True
            finally:
                temporary.unlink(missing_ok=True)

    def _key(self, was: str, now: str) -> str:
        return sha256(f"{self._list} {was} {now}".encode()).hexdigest()

    def _name(self, key: str) -> str:
        name = f"{key[:32]}.json"
        self._used.add(name)
        return name
