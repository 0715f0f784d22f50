"""The lists of people and keys that are asked, and what they said day by day, from the archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ai_usage.archive.archive import Archive, Fetch, StoredPage, span_of
from ai_usage.directories import DirectorySource
from ai_usage.identity import Snapshot, api_keys_of, members_of
from ai_usage.identity.snapshots import Shared
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import read_fetch, read_rows
from ai_usage.vendors.rows import ApiKey, LeftOut, Person, Row

_SOURCES: Mapping[type[Any], Callable[[str], str]] = {Person: members_of, ApiKey: api_keys_of}


@dataclass(frozen=True)
class Listed:
    """A list of people or keys that is asked, by the name of its resource."""

    name: str
    vendor: Vendor
    endpoint: Endpoint
    snapshots: Callable[[date, Iterable[Any]], Iterator[Snapshot]]


def lists(
    directories: Iterable[tuple[DirectorySource, Vendor, Endpoint]], vendors: Iterable[Vendor]
) -> Iterator[Listed]:
    """The directories, and the vendors' lists of people and keys."""
    for directory, vendor, endpoint in directories:
        yield Listed(directory.name, vendor, endpoint, directory.snapshots)
    for vendor in vendors:
        for endpoint in vendor.endpoints:
            if (source_of := _SOURCES.get(endpoint.yields)) is not None:
                yield Listed(vendor.name, vendor, endpoint, _as(source_of(vendor.name)))


def _as(source: str) -> Callable[[date, Iterable[Any]], Iterator[Snapshot]]:
    return lambda day, rows: iter([Snapshot(day, source, list(rows))])


def snapshots_of(listed: Listed, archive: Archive) -> Iterator[Snapshot]:
    """Every day's newest snapshot of a list.

    Where it leaves out what the day before did not, the earlier ones of its day come with it: they
    may be all that is known of that.
    """
    vendor, endpoint = listed.vendor, listed.endpoint
    span = span_of(archive.fetches(vendor.name, endpoint.name))
    known: set[Row] = set()
    shared: dict[str, Shared] = defaultdict(Shared)
    for reading in read_rows(vendor, endpoint, span, archive) if span else ():
        day, rows = reading.days[0], list(reading.rows)
        left: set[Row] = {row for row in rows if isinstance(row, LeftOut)}
        earlier: dict[str, list[Sequence[Any]]] = {}
        for answer in _earlier(listed, archive, reading.fetch) if left - known else ():
            for before in listed.snapshots(day, answer):
                earlier.setdefault(before.source, []).append(before.rows)
        for snapshot in listed.snapshots(day, rows):
            own = shared[snapshot.source].rows(snapshot.rows)
            yield snapshot._replace(rows=own, earlier=earlier.get(snapshot.source, ()))
        known = left


def _earlier(listed: Listed, archive: Archive, newest: Fetch) -> Iterator[list[Row]]:
    """The day's complete answers before the newest, oldest first; one that comes again once."""
    vendor, endpoint = listed.vendor, listed.endpoint
    fetches = [
        fetch
        for fetch in archive.fetches(vendor.name, endpoint.name)
        if fetch.complete and fetch.window == newest.window and fetch.fetched_at < newest.fetched_at
    ]
    pages: list[StoredPage] = []
    for fetch, manifest in archive.manifests(fetches):
        if manifest.pages != pages:
            yield list(read_fetch(vendor, endpoint, archive, fetch))
        pages = manifest.pages
