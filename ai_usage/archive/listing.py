"""Which manifests an endpoint has: listed once by who keeps a `Listing`, older months by an index.

A bucket gives a thousand names a request, an endpoint that is asked each hour has as many in six
weeks, and every reader wants to know them. So in a bucket the names of a month that is over stand
in one object beside it, `fetches/<YYYY-MM>.<version>.json`, written by whoever lists the month
first. A month is over when there are two later ones: no fetch is under way so long. What is
recorded in such a month all the same (saved answers, a pretended clock) makes the next version of
its index. A folder of this machine is listed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import msgspec

from ai_usage.archive.store import Store

_MONTH = re.compile(r"\d{4}-\d\d")
_INDEX = re.compile(r"(?P<month>\d{4}-\d\d)\.(?P<version>\d+)\.json")
_STILL_WRITTEN = 2
"""So many months, the newest of those that have manifests, are listed, not indexed."""


class Listing:
    """The paths of manifests, as they were when each endpoint's month was first asked for.

    With `keeps` nothing is listed twice: what its owner writes itself is added by `note`, what
    others write meanwhile is seen by the next one. Without, every question is asked anew.
    """

    def __init__(self, store: Store, *, keeps: bool = False) -> None:
        self._store = store
        self._keeps = keeps
        self._months: dict[str, dict[str, int]] = {}
        self._paths: dict[tuple[str, str], list[str]] = {}

    def paths(self, folder: str, since: date | None = None) -> list[str]:
        """Every manifest of an endpoint's folder that was written since that day's month began."""
        if self._store.is_folder and not self._keeps:
            return list(self._store.list(f"{folder}/fetches"))
        first = "" if since is None else f"{since:%Y-%m}"
        months = self._months_of(folder)
        newest = sorted(months)[-_STILL_WRITTEN:]
        return [
            path
            for month in sorted(months)
            if month >= first
            for path in self._paths_of(folder, month, months[month], is_over=month not in newest)
        ]

    def note(self, folder: str, path: str) -> None:
        """Know a manifest that was written just now."""
        month = path.removeprefix(f"{folder}/fetches/").partition("/")[0]
        if self._keeps and folder in self._months:
            self._months[folder].setdefault(month, 0)
            if (folder, month) in self._paths:
                self._paths[folder, month].append(path)
        if not self._store.is_folder:
            months = _months(self._store.below(f"{folder}/fetches"))
            if months.get(month):
                self._write_index(folder, month, months[month])

    def _months_of(self, folder: str) -> dict[str, int]:
        """The months that have manifests, each with the newest version of its index, or 0."""
        known = self._months.get(folder)
        if known is None:
            known = _months(self._store.below(f"{folder}/fetches"))
            if self._keeps:
                self._months[folder] = known
        return known

    def _paths_of(self, folder: str, month: str, version: int, *, is_over: bool) -> list[str]:
        """A month's manifests; `version` is its newest index's, or 0."""
        known = self._paths.get((folder, month))
        if known is None:
            if version:
                content = self._store.read(_index_path(folder, month, version))
                known = [
                    f"{folder}/fetches/{month}/{name}"
                    for name in msgspec.json.decode(content, type=list[str])
                ]
            elif is_over and not self._store.is_folder:
                known = self._write_index(folder, month, 0)
            else:
                known = self._listed(folder, month)
            if self._keeps:
                self._paths[folder, month] = known
        return known

    def _listed(self, folder: str, month: str) -> list[str]:
        return sorted(self._store.list(f"{folder}/fetches/{month}"))

    def _write_index(self, folder: str, month: str, version: int) -> list[str]:
        """The month's manifests, after they were written into the version after that one.

        Listed once more afterwards: who wrote a manifest before the index was there has not
        looked for it.
        """
        paths = self._listed(folder, month)
        while True:
            version += 1
            names = sorted(path.rpartition("/")[2] for path in paths)
            content = msgspec.json.format(msgspec.json.encode(names), indent=1)
            self._store.create(_index_path(folder, month, version), content)
            now = self._listed(folder, month)
            if now == paths:
                return paths
            paths = now


def _months(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        if _MONTH.fullmatch(name):
            found.setdefault(name, 0)
        elif index := _INDEX.fullmatch(name):
            month = index["month"]
            found[month] = max(found.get(month, 0), int(index["version"]))
    return found


def _index_path(folder: str, month: str, version: int) -> str:
    return f"{folder}/fetches/{month}.{version}.json"
