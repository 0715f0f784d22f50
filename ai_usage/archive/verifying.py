"""Finding what the archive has lost or what was damaged, page by page. What fixes it is not known.

A page is found by its SHA-256, so reading it proves it. A manifest that is gone leaves no trace but
pages that no fetch names; a stopped fetch leaves the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from ai_usage.archive.archive import Archive, Fetch, Manifest, page_path, span_of
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError

Kind = Literal["lost", "damaged", "manifest"]
"""A page that is not there; one that is another than was stored; a manifest that is unreadable."""


@dataclass(frozen=True)
class Fault:
    """A file that is lost or damaged: `path` as a person finds it, and the fetches that need it.

    `days` are those that are read from it and from nothing else: the days that its fetches serve.
    """

    kind: Kind
    path: str
    vendor: str
    endpoint: str
    fetches: tuple[Fetch, ...]
    days: tuple[date, ...] = ()
    is_import: bool = False


@dataclass
class Verified:
    """What was looked at: counts of fetches and pages; `unnamed` pages belong to no fetch."""

    fetches: int = 0
    pages: int = 0
    bytes: int = 0
    unnamed: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify(archive: Archive, told: Callable[[str, int, int], None]) -> Verified:
    """Read every manifest, and every page that one names, once.

    `told` is given the endpoint, and how many of its pages are done and there are. Raises
    `ArchiveError` where the archive cannot be listed.
    """
    found = Verified()
    for vendor, endpoint in archive.endpoints():
        _verify_endpoint(archive, vendor, endpoint, found, told)
    return found


def _verify_endpoint(
    archive: Archive,
    vendor: str,
    endpoint: str,
    found: Verified,
    told: Callable[[str, int, int], None],
) -> None:
    fetches = archive.fetches(vendor, endpoint)
    serving = _days_by_fetch(archive, vendor, endpoint, fetches)
    manifests: dict[str, Manifest] = {}
    needing: dict[str, list[Fetch]] = {}
    for fetch in fetches:
        try:
            manifest = archive.manifest(fetch)
        except ArchiveError:
            found.faults.append(_fault("manifest", fetch.path, archive, [fetch], serving))
            continue
        manifests[fetch.path] = manifest
        for page in manifest.pages:
            of_page = needing.setdefault(page.sha256, [])
            if fetch not in of_page:
                of_page.append(fetch)
    there = archive.page_files(vendor, endpoint)
    found.fetches += len(fetches)
    found.pages += len(needing)
    found.unnamed += len(there - needing.keys())
    for done, (sha, own) in enumerate(sorted(needing.items()), 1):
        path = page_path(vendor, endpoint, sha)
        is_import = any(manifests[fetch.path].origin == "import" for fetch in own)
        if sha not in there:
            found.faults.append(_fault("lost", path, archive, own, serving, is_import=is_import))
        else:
            try:
                found.bytes += len(archive.page(vendor, endpoint, sha))
            except ArchiveError:
                found.faults.append(
                    _fault("damaged", path, archive, own, serving, is_import=is_import)
                )
        told(f"{vendor} {endpoint}", done, len(needing))


def _days_by_fetch(
    archive: Archive, vendor: str, endpoint: str, fetches: list[Fetch]
) -> dict[str, list[date]]:
    ever = span_of(fetches)
    served = archive.coverage(vendor, endpoint, ever) if ever else ()
    return {fetch.path: days for fetch, days in served}


def _fault(
    kind: Kind,
    path: str,
    archive: Archive,
    fetches: list[Fetch],
    serving: dict[str, list[date]],
    *,
    is_import: bool = False,
) -> Fault:
    days = {day for fetch in fetches for day in serving.get(fetch.path, ())}
    return Fault(
        kind,
        f"{archive.root}/{path}",
        fetches[0].vendor,
        fetches[0].endpoint,
        tuple(fetches),
        tuple(sorted(days)),
        is_import,
    )


def unanswered(
    archive: Archive, loaded: Iterator[tuple[str, str, date]]
) -> dict[tuple[str, str], list[date]]:
    """Of the days that were loaded, by vendor and endpoint, those that no answer is there of."""
    by_endpoint: dict[tuple[str, str], set[date]] = {}
    for vendor, endpoint, day in loaded:
        by_endpoint.setdefault((vendor, endpoint), set()).add(day)
    gone: dict[tuple[str, str], list[date]] = {}
    for (vendor, endpoint), days in sorted(by_endpoint.items()):
        window = Window(min(days), Window.day(max(days)).end)
        held = {d for _, served in archive.coverage(vendor, endpoint, window) for d in served}
        if days - held:
            gone[vendor, endpoint] = sorted(days - held)
    return gone
