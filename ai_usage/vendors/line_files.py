"""Files of lines that somebody writes into a folder, brought into the archive by the hour.

A page is an hour's lines as they came, or a part of them: `{"hour": "2026-11-03T09", "part": 1,
"parts": 1, "lines": [...]}`. A line that speaks of several hours is on a page of each. What was
read once stays: files are rotated away, so a day's pages hold the lines of its last complete fetch
too. The same line is one line, in however many files it is found, under whatever name.

A last line without its line break is still being written and is left for the next time.
"""

from __future__ import annotations

import gzip
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import msgspec

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.archive.watched import WatchedFolder
from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.vendors.base import Endpoint, LineFiles, LineSays, Vendor
from ai_usage.vendors.decoding import UNREADABLE, decodable

PAGE_BYTES = 16_000_000
"""A page ends with the line that reaches it."""

_NAME = re.compile(r"\.(?:jsonl?|ndjson)(?:[.-][^/]*)?$")
"""`claude.json`, and as rotated: `claude.json.1`, `claude.json-20261103.gz`; a collector's
`claude-2026-11-03T09-00-00.000.json` too."""
_UNREADABLE = (".zst", ".zstd", ".bz2", ".xz", ".zip")
_HOUR_NS = 3_600_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HourPage(msgspec.Struct):
    """A page as it is archived. A line that is no JSON is a text on it."""

    hour: str
    part: int
    parts: int
    lines: list[msgspec.Raw]

    @property
    def start(self) -> datetime:
        """The hour's first instant, UTC."""
        return datetime.fromisoformat(self.hour).replace(tzinfo=UTC)

    @property
    def is_last(self) -> bool:
        """Whether the hour ends with it."""
        return self.part == self.parts


_PAGE = msgspec.json.Decoder(HourPage)


def hour_page(page: bytes) -> HourPage:
    """An archived page. Raises msgspec's errors where it is none."""
    return _PAGE.decode(page)


def hour_of(ns: int) -> str:
    """The UTC hour of an instant, as pages name it. ValueError beyond the calendar."""
    return _hour_named(ns // _HOUR_NS)


@lru_cache(maxsize=8192)
def _hour_named(hours: int) -> str:
    try:
        return f"{datetime.fromtimestamp(hours * 3600, UTC):%Y-%m-%dT%H}"
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


def files_of(endpoint: Endpoint) -> LineFiles:
    """The files that the endpoint reads. ValueError where it asks its vendor."""
    if endpoint.files is None:
        raise ValueError(f"{endpoint.name} reads no files")
    return endpoint.files


class _File(NamedTuple):
    changed: datetime
    name: str
    path: str


class _Place(NamedTuple):
    """A line of an hour: what it is put in order by, and where it is in the spool."""

    at: int
    start: int
    length: int


@dataclass
class _Hour:
    """What files say of an hour."""

    new: list[_Place] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)


class LineFolder:
    """The folder (or any URL that fsspec knows) that an endpoint's files lie in, at any depth."""

    def __init__(self, files: LineFiles, root: str, *, key_file: Path | None = None) -> None:
        self._files = files
        self._watched = WatchedFolder(
            files.setting,
            root,
            remedy=f"set it to the folder of {files.written_by}",
            failure=VendorError,
            key_file=key_file,
        )

    @property
    def root(self) -> str:
        """Where it is, as the setting says it."""
        return self._watched.root

    @classmethod
    def from_settings(cls, files: LineFiles, settings: Settings) -> Self:
        """The folder that is set. Raises `SettingsError` where none is."""
        root = settings.vendor_value(files.setting)
        if root is None:
            raise SettingsError(f"set {files.setting} to the folder of {files.written_by}.")
        return cls(files, root, key_file=settings.bigquery_credentials)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def __repr__(self) -> str:
        return f"LineFolder({self.root!r})"

    def requests_per_minute(self, endpoint: str) -> int | None:
        """Nobody is asked, so nothing limits it."""
        return None

    def files(self, since: datetime | None = None) -> list[_File]:
        """Its files that were written to since then, oldest first.

        Raises `SettingsError` where it is no folder, `VendorError` where a file is compressed in a
        way that cannot be read here.
        """
        found = []
        for one in self._watched.entries():
            if one.name.rpartition("/")[2].startswith(".") or not _NAME.search(one.name):
                continue
            # A store that does not say when a file changed may have changed it just now.
            file = _File(one.changed or datetime.now(UTC), one.name, one.path)
            if since is None or file.changed >= since:
                found.append(file)
        for file in found:
            if file.name.endswith(_UNREADABLE):
                raise VendorError(
                    f"{self.root}/{file.name} is compressed in a way that cannot be read: use "
                    "gzip, or none."
                )
        return sorted(found)

    def gathered(
        self, vendor: Vendor, endpoint: Endpoint, window: Window, archive: Archive
    ) -> Iterator[Page]:
        """The window's pages, hour by hour: lines of the files, and of the last complete fetch.

        Raises `VendorError` for a line that cannot be used, naming its file and number.
        """
        held = _held(vendor, endpoint, window, archive)
        with tempfile.TemporaryFile(prefix="lines-") as spool:
            hours = self._spooled(window, spool)
            for hour in sorted({*held, *hours}):
                pages = [archive.page(vendor.name, endpoint.name, sha) for sha in held[hour]]
                yield from self._pages(hour, pages, hours[hour], spool)

    def _spooled(self, window: Window, spool: IO[bytes]) -> dict[str, _Hour]:
        """The files' lines of the window, once each, by hour."""
        first, end = (_ns(at) for at in (window.start_at, window.end_at))
        hours: dict[str, _Hour] = defaultdict(_Hour)
        for file in self.files(window.start_at):
            for number, line, says in self._told(file):
                times = sorted(at for at in says.times if first <= at < end)
                if not times:
                    continue
                if says.refusal:
                    raise VendorError(f"{self.root}/{file.name} line {number}: {says.refusal}")
                place: tuple[int, int] | None = None
                digest = sha256(line).digest()
                for at in times:
                    hour = hours[hour_of(at)]
                    if digest in hour.seen:
                        continue
                    hour.seen.add(digest)
                    if place is None:
                        place = (spool.tell(), spool.write(line))
                    hour.new.append(_Place(at, *place))
        return hours

    def _told(self, file: _File) -> Iterator[tuple[int, bytes, LineSays]]:
        """The file's lines and what they say.

        One that cannot be read is of the time of the line before it or, at the start, after it.
        Raises `VendorError` where not a single line can be read.
        """
        last: tuple[int, ...] | None = None
        waiting: list[tuple[int, bytes]] = []
        is_read = False
        for number, line in self._lines(file):
            says = self._said(line)
            if says is None:
                if last is None:
                    waiting.append((number, line))
                else:
                    yield number, line, LineSays(last)
                continue
            is_read = True
            yield number, line, says
            if says.times:
                last = (says.times[-1],)
                for one, odd in waiting:
                    yield one, odd, LineSays(last)
                waiting = []
        if waiting and not is_read:
            raise VendorError(
                f"{self.root}/{file.name} line {waiting[0][0]}: it is no JSON object. "
                f"{self._files.setting} is for {self._files.written_by} alone."
            )

    def _said(self, line: bytes) -> LineSays | None:
        """What a line says; None where it is none."""
        try:
            return self._files.says(decodable(line))
        except UNREADABLE:
            return None

    def _lines(self, file: _File) -> Iterator[tuple[int, bytes]]:
        """The file's whole lines that are not blank, with their numbers from 1."""
        with self._watched.reading(), self._watched.store.open(file.path, "rb") as raw:
            opened: Any = gzip.GzipFile(fileobj=raw) if file.name.endswith(".gz") else raw
            for number, line in enumerate(opened, 1):
                if line.endswith(b"\n") and line.strip():
                    yield number, line.strip()

    def _pages(
        self, hour: str, held: list[bytes], found: _Hour, spool: IO[bytes]
    ) -> Iterator[Page]:
        """The hour's pages: as they are held, or cut anew where the files say more."""
        start = _ns(datetime.fromisoformat(hour).replace(tzinfo=UTC))
        lines = [bytes(line) for page in held for line in hour_page(page).lines]
        known = {sha256(line).digest() for line in lines}
        more = []
        for place in found.new:
            spool.seek(place.start)
            line = _as_json(spool.read(place.length))
            if sha256(line).digest() not in known:
                more.append((place.at if line[:1] == b"{" else start, line))
        request = f"lines of {hour}"
        if not more:
            yield from (Page(page, request) for page in held)
            return
        # The same lines make the same pages, whenever they came.
        own = [*((self._first(line, start), line) for line in lines), *more]
        parts = list(_parts(line for _, line in sorted(own)))
        for number, part in enumerate(parts, 1):
            head = f'{{"hour":"{hour}","part":{number},"parts":{len(parts)},"lines":['
            yield Page(head.encode() + b",".join(part) + b"]}", request)

    def _first(self, line: bytes, start: int) -> int:
        """What a held line is put in order by: its first instant in the hour."""
        says = self._said(line) if line[:1] == b"{" else None
        times = says.times if says else ()
        return min((at for at in times if start <= at < start + _HOUR_NS), default=start)


def _held(
    vendor: Vendor, endpoint: Endpoint, window: Window, archive: Archive
) -> dict[str, list[str]]:
    """The pages of every hour in the newest complete fetch of its day."""
    found: dict[str, list[str]] = defaultdict(list)
    for fetch, days in archive.coverage(vendor.name, endpoint.name, window):
        for page in archive.manifest(fetch).pages:
            hour = page.request.rpartition(" ")[2]
            if date.fromisoformat(hour[:10]) in days:
                found[hour].append(page.sha256)
    return found


def _as_json(line: bytes) -> bytes:
    """The line as a page holds it: as it came, but as a text where it is no JSON object.

    Text that no decoder takes becomes U+FFFD: it would spoil the page.
    """
    try:
        fixed = decodable(line)
        msgspec.json.decode(fixed, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return msgspec.json.encode(line.decode("utf-8", "replace"))
    return fixed


def _parts(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= PAGE_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _ns(at: datetime) -> int:
    return (at - _EPOCH) // (at.resolution) * 1000
