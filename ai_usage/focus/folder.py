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

import msgspec
from fsspec.implementations.local import LocalFileSystem

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.archive.watched import Entry, WatchedFolder
from ai_usage.days.windows import Window
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

    def __init__(self, root: str, *, key_file: Path | None = None) -> None:
        self._watched = WatchedFolder(
            SETTING, root, remedy="make it, or unset it", key_file=key_file
        )

    @property
    def root(self) -> str:
        """Where it is, as the setting says it."""
        return self._watched.root

    def files(self) -> list[Found]:
        """Its FOCUS files, those in folders below it too, oldest change first."""
        found = [
            Found(one.name, one.path, _state(one), _changed(one))
            for one in self._watched.entries()
            if is_focus_name(one.path)
        ]
        return sorted(found, key=lambda file: (file.changed, file.name))

    @contextmanager
    def opened(self, files: Sequence[Found]) -> Iterator[list[FocusFile]]:
        """The files on this machine, meanwhile."""
        with tempfile.TemporaryDirectory(prefix="focus-") as copies:
            own = []
            for file in files:
                path = Path(file.full)
                if not isinstance(self._watched.store, LocalFileSystem):
                    # Parts of an export stay beside each other, and keep their names.
                    path = Path(copies) / file.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with self._watched.reading():
                        self._watched.store.get_file(file.full, str(path))
                own.append(FocusFile(path, file.name))
            yield own


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


def _state(file: Entry) -> str:
    """What is another one once a file's content is: size, time, and a store's own mark of it."""
    told = file.told
    mark = told.get("etag") or told.get("ETag") or told.get("md5Hash") or ""
    return " ".join(filter(None, (str(told.get("size")), _changed(file).isoformat(), str(mark))))


def _changed(file: Entry) -> datetime:
    """When a file changed last; of stores that do not say, long ago."""
    return file.changed or datetime.fromtimestamp(0, UTC)
