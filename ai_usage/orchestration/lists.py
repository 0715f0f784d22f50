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
from ai_usage.identity.claims import REGISTERS
from ai_usage.identity.snapshots import API_KEYS, MEMBERS
from ai_usage.normalised.following import Rows, Said, Shared
from ai_usage.normalised.lists import NO_LISTS, KeptLists, digest_of
from ai_usage.reference import VENDOR, ReferenceFile, States, reference_file
from ai_usage.reference.snapshots import row_type
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import read_fetch
from ai_usage.vendors.rows import ApiKey, LeftOut, Person, Row

_SOURCES: Mapping[type[Any], Callable[[str], str]] = {Person: members_of, ApiKey: api_keys_of}


@dataclass(frozen=True)
class Listed:
    """A list of people or keys that is asked, by the name of its resource.

    Each of its answers gives a snapshot of every one of `sources`.
    """

    name: str
    vendor: Vendor
    endpoint: Endpoint
    sources: tuple[str, ...]
    snapshots: Callable[[date, Iterable[Any]], Iterator[Snapshot]]


def lists(
    directories: Iterable[tuple[DirectorySource, Vendor, Endpoint]], vendors: Iterable[Vendor]
) -> Iterator[Listed]:
    """The directories, and the vendors' lists of people and keys."""
    for directory, vendor, endpoint in directories:
        yield Listed(directory.name, vendor, endpoint, directory.sources, directory.snapshots)
    for vendor in vendors:
        for endpoint in vendor.endpoints:
            if (source_of := _SOURCES.get(endpoint.yields)) is not None:
                source = source_of(vendor.name)
                yield Listed(vendor.name, vendor, endpoint, (source,), _as(source))


def _as(source: str) -> Callable[[date, Iterable[Any]], Iterator[Snapshot]]:
    return lambda day, rows: iter([Snapshot(day, source, list(rows))])


def states_of(
    file: ReferenceFile, archive: Archive, kept: KeptLists = NO_LISTS
) -> Iterator[Snapshot]:
    """Every day's newest accepted state of a file of people or keys."""
    states = States(file)

    def read(fetch: Fetch, before: Mapping[str, Rows]) -> Mapping[str, Rows]:
        return {file.name: states.read(archive.pages(fetch), before[file.name])}

    for day, _fetch, said in _said(archive, (VENDOR, file.stem), (file.name,), read, kept):
        yield Snapshot(day, file.name, said[file.name].rows, said=said[file.name])


def snapshots_of(
    listed: Listed, archive: Archive, kept: KeptLists = NO_LISTS
) -> Iterator[Snapshot]:
    """Every day's newest snapshot of a list.

    Where it leaves out what the day before did not, the earlier ones of its day come with it: they
    may be all that is known of that.
    """
    vendor, endpoint = listed.vendor, listed.endpoint
    shared: dict[str, Shared] = defaultdict(Shared)

    def read(fetch: Fetch, before: Mapping[str, Rows]) -> Mapping[str, Rows]:
        rows = read_fetch(vendor, endpoint, archive, fetch)
        return {
            own.source: shared[own.source].rows(own.rows, before[own.source])
            for own in listed.snapshots(fetch.window.start, rows)
        }

    known: set[Row] = set()
    for day, fetch, said in _said(
        archive, (vendor.name, endpoint.name), listed.sources, read, kept
    ):
        left = _left_out(said.values(), known)
        earlier: dict[str, list[Sequence[Any]]] = {}
        for answer in _earlier(listed, archive, fetch) if left - known else ():
            for before in listed.snapshots(day, answer):
                earlier.setdefault(before.source, []).append(before.rows)
        for source, own in said.items():
            yield Snapshot(day, source, own.rows, earlier.get(source, ()), own)
        known = left


_Read = Callable[[Fetch, Mapping[str, Rows]], Mapping[str, Rows]]
"""The rows of an answer by source. Rows that stood in the answer before, which are given, are the
same objects."""


def _said(
    archive: Archive,
    endpoint: tuple[str, str],
    sources: Sequence[str],
    read: _Read,
    kept: KeptLists,
) -> Iterator[tuple[date, Fetch, Mapping[str, Said]]]:
    """What every day's newest complete answer says, by source: from what is kept, else read."""
    lists = {source: kept.of(*endpoint, source, _row_type(source)) for source in sources}
    said: dict[str, Said] = dict.fromkeys(sources, Said())
    span = span_of(archive.fetches(*endpoint))
    serving = archive.coverage(*endpoint, span) if span else []
    was = ""
    for (fetch, days), (_, manifest) in zip(
        serving, archive.manifests(fetch for fetch, _ in serving), strict=True
    ):
        now, before = digest_of(manifest), {source: own.rows for source, own in said.items()}
        found = {source: lists[source].read(before[source], was, now) for source in sources}
        said = {source: own for source, own in found.items() if own is not None}
        if len(said) < len(sources):
            rows = read(fetch, before)
            said = {
                source: lists[source].keep(before[source], rows[source], was, now)
                for source in sources
            }
        was = now
        yield days[0], fetch, said
    for own in lists.values():
        own.tidy()


def _row_type(source: str) -> Any:
    if source.endswith(MEMBERS):
        return Person
    if source.endswith(API_KEYS):
        return ApiKey
    return row_type(reference_file("api_keys.csv" if source in REGISTERS else "users.csv"))


def _left_out(said: Iterable[Said], known: set[Row]) -> set[Row]:
    """The records that an answer leaves out; `known` are those of the answer before."""
    own = list(said)
    if not any(isinstance(row, LeftOut) for one in own for row in (*one.gone, *one.new)):
        return known
    return {row for one in own for row in one.rows if isinstance(row, LeftOut)}


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
