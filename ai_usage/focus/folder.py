"""A watched folder or bucket prefix: which of its files are new, and their contents on this disk.

A file that was taken, or found to be there already, is not read again until it changes: its size
and time tell. What is refused is looked at every time, until it is mended or taken away.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, SettingsError
from ai_usage.focus.files import FocusFile, is_focus_name, part_of
from ai_usage.focus.shelf import VENDOR

SETTING = "AI_USAGE_FOCUS_PATH"
SEEN = "files_seen"
AT_REST = timedelta(seconds=60)
"""A file that changed since is perhaps being written."""


@dataclass(frozen=True)
class Found:
    """A file of the folder, by its path within it; `state` is another one when it changes."""

    name: str
    full: str
    state: str
    changed: datetime


class Folder:
    """The watched folder. Raises `SettingsError` where it is none, `AiUsageError` where it fails.

    `root` is a folder or any URL that fsspec knows.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        try:
            self._fs, path = fsspec.core.url_to_fs(self.root)
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"{SETTING}={root} cannot be opened ({error}): it is a folder or a URL like "
                "gs://bucket/prefix, which needs `pip install 'ai-usage[bigquery]'`."
            ) from error
        self._base = str(path).rstrip("/")

    def files(self) -> list[Found]:
        """Its FOCUS files, those in folders below it too, oldest change first."""
        with self._refusals():
            self._fs.invalidate_cache()
            if not self._fs.isdir(self._base):
                raise SettingsError(f"{SETTING}={self.root} is no folder: make it, or unset it.")
            entries: Mapping[str, Any] = self._fs.find(self._base, detail=True)
        found = [
            Found(
                str(path).removeprefix(f"{self._base}/"),
                str(path),
                _state(entry),
                _changed(entry),
            )
            for path, entry in entries.items()
            if is_focus_name(str(path))
        ]
        return sorted(found, key=lambda file: (file.changed, file.name))

    @contextmanager
    def opened(self, files: Sequence[Found]) -> Iterator[list[FocusFile]]:
        """The files on this machine, meanwhile."""
        with tempfile.TemporaryDirectory(prefix="focus-") as copies:
            own = []
            for file in files:
                path = Path(file.full)
                if not isinstance(self._fs, LocalFileSystem):
                    # Parts of an export stay beside each other, and keep their names.
                    path = Path(copies) / file.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with self._refusals():
                        self._fs.get_file(file.full, str(path))
                own.append(FocusFile(path, file.name))
            yield own

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except AiUsageError:
            raise
        except Exception as error:
            # A cloud store's client raises errors of its own, of many types.
            why = f"{type(error).__name__}: {str(error)[:200]}"
            raise AiUsageError(f"{SETTING}={self.root} cannot be read ({why}).") from error


def exports(files: Sequence[Found]) -> list[list[Found]]:
    """Files that are read together: the parts of one export; any other file by itself.

    In the order of their last change, so that of two versions of a bill the later one counts.
    """
    own: dict[str, list[Found]] = defaultdict(list)
    for file in files:
        part = part_of(Path(file.name))
        own[part.export if part else file.name].append(file)
    return sorted(own.values(), key=lambda export: max(file.changed for file in export))


def at_rest(export: Sequence[Found], now: datetime) -> bool:
    """Whether none of the files has just changed; `now` is the machine's instant, UTC."""
    return all(file.changed <= now - AT_REST for file in export)


def seen(archive: Archive) -> dict[str, str]:
    """The files that were taken, by name, and their states."""
    complete = [fetch for fetch in archive.fetches(VENDOR, SEEN) if fetch.complete]
    if not complete:
        return {}
    (page,) = archive.pages(complete[-1])
    return msgspec.json.decode(page, type=dict[str, str])


def note_seen(archive: Archive, files: Mapping[str, str], now: datetime) -> None:
    """Remember the files that were taken and still lie there."""
    if files == seen(archive):
        return
    with archive.recording(VENDOR, SEEN, Window.day(now.date()), fetched_at=now) as recorder:
        recorder.add(Page(msgspec.json.encode(dict(sorted(files.items()))), "files of the folder"))


def _state(entry: Mapping[str, Any]) -> str:
    """What is another one once a file's content is: size, time, and a store's own mark of it."""
    mark = entry.get("etag") or entry.get("ETag") or entry.get("md5Hash") or ""
    return " ".join(filter(None, (str(entry.get("size")), _changed(entry).isoformat(), str(mark))))


def _changed(entry: Mapping[str, Any]) -> datetime:
    """When a file changed last, as its store says it; of stores that do not, long ago."""
    names = ("mtime", "LastModified", "last_modified", "updated", "created")
    at = next((entry[name] for name in names if entry.get(name)), None)
    if isinstance(at, datetime):
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    if isinstance(at, str):
        return datetime.fromisoformat(at).astimezone(UTC)
    return datetime.fromtimestamp(float(at or 0), UTC)
