"""What has moved in the archive since it was last read: answers that say something else.

Asking a vendor again adds an answer, and mostly one that says the same. What the warehouse is built
from has moved only where the newest answer of a day says another thing than the one it took the
place of. Answers that nothing was added to are not opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import msgspec

from ai_usage.archive.archive import Archive, Fetch, Manifest
from ai_usage.archive.old_tables import LEGACY, LOG, old_tables
from ai_usage.focus.shelf import BILLS
from ai_usage.focus.shelf import VENDOR as BILLS_OF
from ai_usage.ledger.closing import RECORDS
from ai_usage.reference import VENDOR as FILES
from ai_usage.reference import reference_files
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.rows import (
    ApiKey,
    DirectoryRow,
    GroupSpend,
    MemberSpend,
    Person,
    RawEvent,
    Row,
    Workspace,
)

Compared = Literal["days", "pages", "state", "never"]
Feeds = Literal["events", "lists", "spend", "anything"]


@dataclass(frozen=True)
class Input:
    """An endpoint of the archive that tables are built from, and when two answers say the same.

    `days`: where the digests of a day are equal, and it is as final; of a report of events.
    `pages`: where all pages are equal; of a list, each day's snapshot. `state`: the same, on
    whatever day, of a file whose last state holds. `never`: each answer is news.

    `feeds` is what follows from it: the events of the days that it tells of, who is who (lists),
    what vendors say was spent (which no statement reads), or anything.
    """

    vendor: str
    endpoint: str
    compared: Compared = "never"
    finalization_lag: timedelta = timedelta()
    feeds: Feeds = "anything"

    @property
    def name(self) -> str:
        """What no other input is called."""
        return f"{self.vendor}/{self.endpoint}"


class Mark(msgspec.Struct, frozen=True):
    """How far an input was read: the number of its complete answers, and the path of the last."""

    answers: int
    last: str | None


Marks = Mapping[str, Mark]
"""By the name of each input."""


@dataclass(frozen=True)
class Moved:
    """An input that says something else than it did: of these days; none where it is not known."""

    name: str
    feeds: Feeds = "anything"
    days: frozenset[date] = frozenset()

    def __str__(self) -> str:
        """A line for a person, with the first day."""
        return f"{self.name}: {min(self.days)}" if self.days else self.name


def inputs(
    archive: Archive, vendors: Iterable[Vendor], directories: Iterable[tuple[Vendor, Endpoint]]
) -> list[Input]:
    """All that tables, views and what is made of them are built from."""
    asked = [(vendor, e) for vendor in vendors for e in vendor.every_endpoint]
    return [
        *(_of_vendor(vendor, endpoint) for vendor, endpoint in [*asked, *directories]),
        *(Input(FILES, file.stem, "state") for file in reference_files()),
        *(Input(*record) for record in RECORDS),
        Input(BILLS_OF, BILLS),
        Input(LEGACY, LOG),
        *(Input(LEGACY, table) for table in old_tables(archive)),
    ]


def _of_vendor(vendor: Vendor, endpoint: Endpoint) -> Input:
    compared: Compared = "days" if endpoint.yields is RawEvent else "pages"
    feeds = _FEEDS.get(endpoint.yields, "anything")
    return Input(vendor.name, endpoint.name, compared, endpoint.finalization_lag, feeds)


_FEEDS: Mapping[type[Row], Feeds] = {
    RawEvent: "events",
    Person: "lists",
    ApiKey: "lists",
    DirectoryRow: "lists",
    Workspace: "lists",
    MemberSpend: "spend",
    GroupSpend: "spend",
}


class Answers:
    """The complete answers of all inputs as the archive has them now, each input listed once."""

    def __init__(self, archive: Archive, of: Sequence[Input]) -> None:
        self._archive = archive
        self._inputs = of
        self._held = {
            one: [f for f in archive.fetches(one.vendor, one.endpoint) if f.complete] for one in of
        }

    @property
    def marks(self) -> dict[str, Mark]:
        """How far all inputs are read by who reads them now."""
        return {
            one.name: Mark(len(held), held[-1].path if held else None)
            for one, held in self._held.items()
        }

    def moved(self, since: Marks) -> list[Moved]:
        """The inputs that say something else than when they were read so far.

        Of whatever day: what a vendor restates of a closed month is told, though not built. An
        input that has not been read, and answers that are no more or came in between, are news too.
        """
        found = []
        for one in self._inputs:
            mark, held = since.get(one.name), self._held[one]
            if mark is None or not _goes_on(mark, held):
                found.append(Moved(one.name))
            elif days := self._moved_days(one, held, mark.answers):
                found.append(Moved(one.name, one.feeds, frozenset(days)))
        if since.keys() - {one.name for one in self._inputs}:
            found.append(Moved("an endpoint that is no more"))
        return found

    def _repeats(self, held: Sequence[Fetch], known_answers: int) -> bool:
        """Whether each answer since says, page by page, what the last one said that was read."""
        if len(held) == known_answers:
            return True
        if known_answers == 0:
            return False
        (_, known), *others = self._archive.manifests(held[known_answers - 1 :])
        return all(same_pages(known, other) for _, other in others)

    def _moved_days(self, one: Input, held: Sequence[Fetch], known: int) -> set[date]:
        before, new = held[:known], held[known:]
        days = {day for fetch in new for day in fetch.window.days()}
        if one.compared == "never":
            return days
        if one.compared == "state":
            return set() if self._repeats(held, known) else days
        opened: dict[str, Manifest] = {}
        moved = set()
        for day in days:
            old, newest = _newest(before, day), _newest(held, day)
            if (
                old is None
                or newest is None
                or not self._say_the_same(one, old, newest, day, opened)
            ):
                moved.add(day)
        return moved

    def _say_the_same(
        self, one: Input, old: Fetch, new: Fetch, day: date, opened: dict[str, Manifest]
    ) -> bool:
        for fetch in (old, new):
            if fetch.path not in opened:
                opened[fetch.path] = self._archive.manifest(fetch)
        as_final = old.settled(day, one.finalization_lag) == new.settled(day, one.finalization_lag)
        manifests = opened[old.path], opened[new.path]
        if one.compared == "pages":
            return same_pages(*manifests)
        return as_final and same_of_day(*manifests, day)


def same_pages(one: Manifest, other: Manifest) -> bool:
    """Whether two answers are the same, page by page."""
    return one.amount_unit == other.amount_unit and [p.sha256 for p in one.pages] == [
        p.sha256 for p in other.pages
    ]


def same_of_day(one: Manifest, other: Manifest, day: date) -> bool:
    """Whether two answers say the same of a day, by their digests; no where one has none."""
    if one.days is None or other.days is None:
        return False
    return one.amount_unit == other.amount_unit and one.days.get(day) == other.days.get(day)


def _goes_on(mark: Mark, held: Sequence[Fetch]) -> bool:
    """Whether the answers that were read are the first of those that are held."""
    if len(held) < mark.answers:
        return False
    return mark.answers == 0 or held[mark.answers - 1].path == mark.last


def _newest(fetches: Sequence[Fetch], day: date) -> Fetch | None:
    covering = (f for f in reversed(fetches) if f.window.start <= day < f.window.end)
    return next(covering, None)
