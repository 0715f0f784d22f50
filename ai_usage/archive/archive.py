"""The append-only archive of everything that vendors answered. It knows nothing about vendors.

    <root>/<vendor>/<endpoint>/pages/<sha[:2]>/<sha256>.jsonl.gz
    <root>/<vendor>/<endpoint>/fetches/<YYYY-MM>/<start>_<end>_<fetched_at>_<complete|incomplete>.json
    <root>/<vendor>/<endpoint>/fetches/<YYYY-MM>.<version>.json   (in buckets, see `listing`)

A page file holds one JSON line, the body as it came (line breaks between tokens become spaces),
under the SHA-256 of that line: the same answer twice is one file. A fetch's manifest names its
pages and is written last, so that a crash leaves pages nobody names, never a fetch that looks
complete. Manifest names alone tell which days are held.

Nothing is overwritten or deleted, so the account that writes needs neither right. A page that was
damaged is stored again beside it, `<sha256>.2.jsonl.gz`, and read from there.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Literal, Self

import msgspec

from ai_usage.archive.listing import Listing
from ai_usage.archive.pages import Page
from ai_usage.archive.store import Store
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, ArchiveError
from ai_usage.settings import Settings

AmountsIn = Literal["cents", "usd"]
Origin = Literal["api", "import"]

MANIFESTS_AT_ONCE = 200

_STAMP = "%Y%m%dT%H%M%S%fZ"
_MANIFEST_NAME = re.compile(
    r"(?P<start>\d{4}-\d\d-\d\d)_(?P<end>\d{4}-\d\d-\d\d)_(?P<at>\d{8}T\d{12}Z)"
    r"_(?P<state>complete|incomplete)\.json"
)


class StoredPage(msgspec.Struct, frozen=True):
    """A page of a fetch: the SHA-256 and length of its JSON line, and the request it answers."""

    sha256: str
    bytes: int
    request: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch asked and got. `end` is not part of the window; `fetched_at` is UTC."""

    vendor: str
    endpoint: str
    start: date
    end: date
    fetched_at: datetime
    complete: bool
    origin: Origin = "api"
    amount_unit: AmountsIn = msgspec.field(default="cents", name="amounts_in")
    """Stored under its first name."""
    reason: str | None = None
    pages: list[StoredPage] = []
    days: dict[date, str] | None = None
    """A digest of what is said of each day that has events; None where it was not worked out."""


@dataclass(frozen=True)
class Fetch:
    """A fetch as its manifest's name tells it; `Archive.manifest` opens the rest."""

    vendor: str
    endpoint: str
    window: Window
    fetched_at: datetime
    complete: bool
    path: str

    def settled(self, day: date, finalization_lag: timedelta) -> bool:
        """Whether it was made after `day` had ended and settled: the vendor's last word on it."""
        return self.fetched_at >= Window.day(day).end_at + finalization_lag


def span_of(fetches: Iterable[Fetch]) -> Window | None:
    """From the first to the last day of the complete fetches; None without one."""
    complete = [fetch.window for fetch in fetches if fetch.complete]
    if not complete:
        return None
    return Window(min(w.start for w in complete), max(w.end for w in complete))


class Recorder:
    """Collects one fetch's pages; `Archive.recording` writes its manifest."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder
        self.pages: list[StoredPage] = []
        self.new_pages = 0
        self.bytes = 0
        self.days: dict[date, str] | None = None
        """For the manifest: a digest of what is said of each day."""
        self.fetch: Fetch | None = None
        """Set once the manifest is written."""

    def add(self, page: Page) -> bytes:
        """Store a page unless it is stored already; its line. Raises `ArchiveError`."""
        line = _one_line(page.body)
        sha = hashlib.sha256(line).hexdigest()
        if self._keep(line, sha):
            self.new_pages += 1
        self.pages.append(StoredPage(sha, len(line), page.request))
        self.bytes += len(line)
        return line

    def _keep(self, line: bytes, sha: str) -> bool:
        """Store a page's line unless a sound file of it is there; whether it was stored now.

        A damaged file stays as it is: the page gets another beside it.
        """
        for path in _page_paths(self._folder, sha):
            content = self._store.find(path)
            if content is None:
                packed = gzip.compress(line + b"\n", compresslevel=6, mtime=0)
                if self._store.create(path, packed):
                    return True
                # Somebody else was quicker.
                content = self._store.read(path)
            if _unpacked(content, sha) is not None:
                return False
        raise AssertionError("there is always another name")


class Archive:
    """The archive under `root`: a folder, or any URL that fsspec knows (`gs://bucket/path`).

    Nothing is ever overwritten. Every method raises `ArchiveError` where the disk, the folder or
    the bucket refuses, or where a file is damaged.
    """

    def __init__(
        self, root: str, *, key_file: Path | None = None, keeps_listings: bool = False
    ) -> None:
        """`key_file` is the account's for a bucket of Google's, else the machine's own is taken.

        With `keeps_listings` the fetches of an endpoint are those of the first time that they were
        asked for, and its own: for the length of a run.
        """
        self._store = Store(root, key_file)
        self._listing = Listing(self._store, keeps=keeps_listings)
        self._until: datetime | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The archive that the settings name."""
        return cls(settings.archive_root, key_file=settings.bigquery_credentials)

    def as_of(self, instant: datetime) -> Archive:
        """The same archive as it was known at that instant: later fetches are not seen."""
        earlier = copy(self)
        earlier._until = instant
        return earlier

    @property
    def root(self) -> str:
        """The folder or URL that everything lies under, without a slash at its end."""
        return self._store.root

    def __repr__(self) -> str:
        return f"Archive({self.root!r})"

    @contextmanager
    def recording(
        self,
        vendor: str,
        endpoint: str,
        window: Window,
        *,
        fetched_at: datetime,
        origin: Origin = "api",
        amount_unit: AmountsIn = "cents",
    ) -> Iterator[Recorder]:
        """Record one fetch: a complete manifest on a clean exit, an incomplete one on an error.

        The error goes on to the caller; the manifest keeps its message if it is one of ours (those
        hold no secret), else only its type.
        """
        recorder = Recorder(self._store, _folder(vendor, endpoint))

        def finish(reason: str | None) -> Fetch:
            return self._write_manifest(
                Manifest(
                    vendor=vendor,
                    endpoint=endpoint,
                    start=window.start,
                    end=window.end,
                    fetched_at=fetched_at.astimezone(UTC),
                    complete=reason is None,
                    origin=origin,
                    amount_unit=amount_unit,
                    reason=reason,
                    pages=recorder.pages,
                    days=recorder.days,
                )
            )

        try:
            yield recorder
        except BaseException as error:
            # Where the archive itself is the trouble, a manifest cannot be written either, and
            # its error must not hide the first one.
            if not isinstance(error, ArchiveError):
                known = isinstance(error, AiUsageError)
                finish(str(error) if known else f"stopped by {type(error).__name__}")
            raise
        recorder.fetch = finish(None)

    def fetches(self, vendor: str, endpoint: str, since: date | None = None) -> list[Fetch]:
        """The fetches of an endpoint, oldest first, from the manifests' names alone.

        All of them; or, which costs less, at least those made since a day.
        """
        found = []
        for path in self._listing.paths(_folder(vendor, endpoint), since):
            match = _MANIFEST_NAME.fullmatch(path.rpartition("/")[2])
            if match is None:
                continue
            window = Window(date.fromisoformat(match["start"]), date.fromisoformat(match["end"]))
            at = datetime.strptime(match["at"], _STAMP).replace(tzinfo=UTC)
            if self._until is not None and at > self._until:
                continue
            complete = match["state"] == "complete"
            found.append(Fetch(vendor, endpoint, window, at, complete, path))
        return sorted(found, key=lambda fetch: (fetch.fetched_at, fetch.path))

    def coverage(
        self, vendor: str, endpoint: str, window: Window
    ) -> list[tuple[Fetch, list[date]]]:
        """The newest complete fetch of every day: each with the days it serves, in order.

        A day that no complete fetch covers is absent.
        """
        wanted = set(window.days())
        serving: list[tuple[Fetch, list[date]]] = []
        # Nobody asks for a day before it has begun, wherever on Earth.
        since = window.start - timedelta(days=1)
        for fetch in reversed(self.fetches(vendor, endpoint, since)):
            if not wanted:
                break
            if not fetch.complete or not _overlap(fetch.window, window):
                continue
            days = [day for day in fetch.window.days() if day in wanted]
            if days:
                serving.append((fetch, days))
                wanted.difference_update(days)
        return sorted(serving, key=lambda pair: pair[1][0])

    def held(
        self, vendor: str, endpoint: str, window: Window, finalization_lag: timedelta
    ) -> set[date]:
        """Days that need not be asked again: their newest complete fetch came after they settled.

        (A later fetch is settled if an earlier one is, so the newest tells.)
        """
        return {
            day
            for fetch, days in self.coverage(vendor, endpoint, window)
            for day in days
            if fetch.settled(day, finalization_lag)
        }

    def manifest(self, fetch: Fetch) -> Manifest:
        """Open a fetch's manifest."""
        return self._manifest(fetch, self._store.read(fetch.path))

    def manifests(self, fetches: Iterable[Fetch]) -> Iterator[tuple[Fetch, Manifest]]:
        """Open many fetches' manifests, in their order; a bucket is asked for several at once."""
        waiting = iter(fetches)
        while some := list(islice(waiting, MANIFESTS_AT_ONCE)):
            contents = self._store.read_many([fetch.path for fetch in some])
            for fetch, content in zip(some, contents, strict=True):
                yield fetch, self._manifest(fetch, content)

    def _manifest(self, fetch: Fetch, content: bytes) -> Manifest:
        try:
            return msgspec.json.decode(content, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ArchiveError(
                f"{self._store.shown(fetch.path)} is damaged ({error}): delete it and fetch "
                f"{fetch.vendor} {fetch.endpoint} {fetch.window} again."
            ) from error

    def pages(self, fetch: Fetch) -> Iterator[bytes]:
        """The fetch's pages in order, one in memory at a time, each checked against its SHA-256."""
        for page in self.manifest(fetch).pages:
            yield self.page(fetch.vendor, fetch.endpoint, page.sha256)

    def endpoints(self, vendor: str = "") -> list[tuple[str, str]]:
        """Every vendor and endpoint that anything is kept of, in order; or one vendor's alone.

        Every file of them is listed: who asks for all, asks a whole bucket.
        """
        parts = (path.split("/") for path in self._store.list(vendor))
        return sorted({(part[0], part[1]) for part in parts if len(part) > 3})

    def page_files(self, vendor: str, endpoint: str) -> set[str]:
        """The SHA-256 of every page that an endpoint has a file of, sound or not, named or not."""
        files = self._store.list(f"{_folder(vendor, endpoint)}/pages")
        names = (path.rpartition("/")[2] for path in files)
        return {name.partition(".")[0] for name in names if not name.startswith(".")}

    def page(self, vendor: str, endpoint: str, sha256: str) -> bytes:
        """One page's line. Raises `ArchiveError` where it is missing or damaged."""
        paths = _page_paths(_folder(vendor, endpoint), sha256)
        first = next(paths)
        content = self._store.find(first)
        while True:
            line = None if content is None else _unpacked(content, sha256)
            if line is not None:
                return line
            # Stored again beside a damaged one, which somebody may have taken away since.
            other = self._store.find(next(paths))
            if other is None:
                break
            content = other
        if content is None:
            # Say what the store says of a file that is not there.
            self._store.read(first)
        raise ArchiveError(
            f"{self._store.shown(first)} is damaged: restore it from a backup, or fetch its days "
            "again (the same answer fixes it, a newer one takes its place)."
        )

    def _write_manifest(self, manifest: Manifest) -> Fetch:
        """Write under a free name: two fetches in one microsecond (a pretended clock) both stay."""
        window = Window(manifest.start, manifest.end)
        state = "complete" if manifest.complete else "incomplete"
        parent = _folder(manifest.vendor, manifest.endpoint)
        while True:
            at = manifest.fetched_at
            folder = f"{parent}/fetches/{at:%Y-%m}"
            path = f"{folder}/{window.start}_{window.end}_{at.strftime(_STAMP)}_{state}.json"
            content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            if self._store.create(path, content) or self._store.took(path, content):
                break
            later = at + timedelta(microseconds=1)
            manifest = msgspec.structs.replace(manifest, fetched_at=later)
        self._listing.note(parent, path)
        return Fetch(manifest.vendor, manifest.endpoint, window, at, manifest.complete, path)


def _folder(vendor: str, endpoint: str) -> str:
    return f"{vendor}/{endpoint}"


def page_path(vendor: str, endpoint: str, sha: str) -> str:
    """Where a page's file is, relative to the archive's root."""
    return _page_path(_folder(vendor, endpoint), sha)


def _page_path(folder: str, sha: str) -> str:
    return f"{folder}/pages/{sha[:2]}/{sha}.jsonl.gz"


def _page_paths(folder: str, sha: str) -> Iterator[str]:
    """Where a page may be: under its name, or beside files of it that were damaged."""
    path = _page_path(folder, sha)
    yield path
    for number in count(2):
        yield path.replace(".jsonl.gz", f".{number}.jsonl.gz")


def _overlap(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


def _one_line(body: bytes) -> bytes:
    """JSON on one line: a raw line break can only stand between tokens, where it means nothing."""
    return body.strip().replace(b"\r", b" ").replace(b"\n", b" ")


def _unpacked(content: bytes, sha: str) -> bytes | None:
    """A page's line; None unless it is what was stored."""
    try:
        line = gzip.decompress(content).removesuffix(b"\n")
    except (OSError, EOFError, zlib.error):
        return None
    return line if hashlib.sha256(line).hexdigest() == sha else None
