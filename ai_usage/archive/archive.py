"""The append-only archive of everything that vendors answered. It knows nothing about vendors.

    <root>/<vendor>/<endpoint>/pages/<sha[:2]>/<sha256>.jsonl.gz
    <root>/<vendor>/<endpoint>/fetches/<YYYY-MM>/<start>_<end>_<fetched_at>_<complete|incomplete>.json

A page file holds one JSON line, the body as it came (line breaks between tokens become spaces),
under the SHA-256 of that line: the same answer twice is one file. A fetch's manifest names its
pages and is written last, so that a crash leaves pages nobody names, never a fetch that looks
complete. Manifest names alone tell which days are held.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Literal

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.archive.store import Store
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError, ArchiveError

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
        path = _page_path(self._folder, sha)
        if not self._intact(path, sha):
            self._store.write(path, gzip.compress(line + b"\n", compresslevel=6, mtime=0))
            self.new_pages += 1
        self.pages.append(StoredPage(sha, len(line), page.request))
        self.bytes += len(line)
        return line

    def _intact(self, path: str, sha: str) -> bool:
        """Whether the page is there and sound; a damaged one is written again, which fixes it."""
        if not self._store.exists(path):
            return False
        try:
            _verified(self._store, path, sha)
        except ArchiveError:
            return False
        return True


class Archive:
    """The archive under `root`: a folder, or any URL that fsspec knows (`gs://bucket/path`).

    Nothing is ever overwritten. Every method raises `ArchiveError` where the disk, the folder or
    the bucket refuses, or where a file is damaged.
    """

    def __init__(self, root: str, until: datetime | None = None) -> None:
        """With `until` the archive as it was known at that instant: later fetches are not seen."""
        self._store = Store(root)
        self._until = until

    def as_of(self, instant: datetime) -> Archive:
        """The same archive as it was known at that instant."""
        return Archive(self.root, instant)

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

    def fetches(self, vendor: str, endpoint: str) -> list[Fetch]:
        """Every fetch of an endpoint, oldest first, from the manifests' names alone."""
        found = []
        for path in self._store.list(f"{_folder(vendor, endpoint)}/fetches"):
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
        for fetch in reversed(self.fetches(vendor, endpoint)):
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
        """The paths of an endpoint's page files, whether or not a fetch names them."""
        files = self._store.list(f"{_folder(vendor, endpoint)}/pages")
        return {path for path in files if not path.rpartition("/")[2].startswith(".")}

    def page(self, vendor: str, endpoint: str, sha256: str) -> bytes:
        """One page's line. Raises `ArchiveError` where it is missing or damaged."""
        return _verified(self._store, page_path(vendor, endpoint, sha256), sha256)

    def _write_manifest(self, manifest: Manifest) -> Fetch:
        """Write under a free name: two fetches in one microsecond (a pretended clock) both stay."""
        window = Window(manifest.start, manifest.end)
        state = "complete" if manifest.complete else "incomplete"
        while True:
            at = manifest.fetched_at
            folder = f"{_folder(manifest.vendor, manifest.endpoint)}/fetches/{at:%Y-%m}"
            stem = f"{folder}/{window.start}_{window.end}_{at.strftime(_STAMP)}"
            if not any(self._store.exists(f"{stem}_{s}.json") for s in ("complete", "incomplete")):
                break
            later = at + timedelta(microseconds=1)
            manifest = msgspec.structs.replace(manifest, fetched_at=later)
        path = f"{stem}_{state}.json"
        self._store.write(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        return Fetch(manifest.vendor, manifest.endpoint, window, at, manifest.complete, path)


def _folder(vendor: str, endpoint: str) -> str:
    return f"{vendor}/{endpoint}"


def page_path(vendor: str, endpoint: str, sha: str) -> str:
    """Where a page's file is, relative to the archive's root."""
    return _page_path(_folder(vendor, endpoint), sha)


def _page_path(folder: str, sha: str) -> str:
    return f"{folder}/pages/{sha[:2]}/{sha}.jsonl.gz"


def _overlap(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


def _one_line(body: bytes) -> bytes:
    """JSON on one line: a raw line break can only stand between tokens, where it means nothing."""
    return body.strip().replace(b"\r", b" ").replace(b"\n", b" ")


def _verified(store: Store, path: str, sha: str) -> bytes:
    """A page's line. Raises `ArchiveError` naming the file unless it is what was stored."""
    try:
        line = gzip.decompress(store.read(path)).removesuffix(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(store, path) from error
    if hashlib.sha256(line).hexdigest() != sha:
        raise _damaged(store, path)
    return line


def _damaged(store: Store, path: str) -> ArchiveError:
    return ArchiveError(
        f"{store.shown(path)} is damaged: restore it from a backup, or fetch its days again "
        "(the same answer fixes the file, a newer one takes its place)."
    )
