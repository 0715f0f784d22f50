"""One loop for every way of paging: it ends, nothing comes twice, nothing is missing.

An endpoint declares a `Listing`: what a page says of itself, in one vocabulary (`Says`), and how
the next page is named. A fetch and a saved answer are held to the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.errors import VendorError
from ai_usage.vendors.kit.evidence import Evidence
from ai_usage.vendors.kit.promises import Key, PagesShiftedError, Paging

Way = Literal["token", "after_id", "number", "start_index", "link"]
"""How the next page is named: a token that the page gives, the id of its last record, the page's
number, the number of the next record, or the URL in its `Link` header (RFC 8288)."""

_NAMED_BY_THE_PAGE: frozenset[Way] = frozenset({"token", "after_id", "link"})


class Says(NamedTuple):
    """What a page says of itself and its list; None where it does not say."""

    records: Sequence[msgspec.Raw]
    more: bool | None = None
    """Whether another page follows."""
    following: str | None = None
    """The token or id that names the next page; a `Link` header stands beside the page."""
    number: int | None = None
    """Which page it is, from 1."""
    pages: int | None = None
    """How many pages there are."""
    total: int | None = None
    """How many records there are on all pages."""


class Place(NamedTuple):
    """Where a page is: its number from 1, the records before it, and what the one before named."""

    number: int = 1
    before: int = 0
    following: str | None = None
    beyond: bool = False
    """Whether it lies beyond what was announced: that there is nothing is an answer then."""


NOTHING_THERE = frozenset({400, 404, 416})
"""How servers refuse a place beyond the end of a list; others answer an empty page."""


@dataclass(frozen=True)
class Listing:
    """How the pages of an endpoint's list name the next one, and what tells its records apart."""

    way: Way
    says: Callable[[Paging, Page, int], Says]
    """What a page says; it is given the page's number, and raises what the endpoint adds to the
    promises."""
    key: Key | None = None
    """The identity that the API gives a record."""
    kin: Key = bytes
    """Where it gives none: records of one kin may be alike by right."""
    place_in: str = "page"
    """The parameter of a GET request that takes the token or id of the next page."""
    proves_itself: bool = True
    """False for a list without identities, totals or numbers: a record on two pages is two records,
    or one that was pushed onto the next page when another came in front. A list that moves does not
    read the same twice, so it is read once more then."""
    size: int | None = None
    """Records that a page is asked for, of a list whose total is no proof: its last page is one
    that is not full. It needs `key`."""
    may_leave_out: bool = False
    """Whether the total counts records that no page holds; then the pages read the same twice."""
    nobody: str | None = None
    """For a list of people, which never is empty: the setting of the key that may not read them."""

    def watch(self, paging: Paging, page: Page, number: int) -> Place | None:
        """Hold a page to the promises: the next page's place, or None after the last."""
        says = self.says(paging, page, number)
        if self.size is not None and paging.evidence is None:
            may_give_fewer = self.way == "start_index"
            paging.evidence = Evidence(self.size, may_give_fewer=may_give_fewer)
        evidence, total = paging.evidence, says.total
        if evidence is not None and self.key is not None:
            keys = [self.key(record) for record in says.records]
            if evidence.ends(keys, paging.keys, repeated=paging.repeats(says.records)):
                self._whole(paging)
                return None
            total = evidence.total(total, len(keys), number)
        if total is not None:
            paging.same_total(total)
        if self.nobody and number == 1 and not (says.records or says.total):
            raise paging.nobody(self.nobody)
        records = says.records
        if self.may_leave_out and self.key is not None:
            records = paging.seam(records, self.key)
        paging.records(page, records, key=self.key, kin=self.kin)
        if not self.proves_itself:
            paging.alike(says.records)
        paging.numbered(number, says.number)
        following = None
        if self.way in _NAMED_BY_THE_PAGE:
            named = page.next_url if self.way == "link" else says.following
            following = paging.next_token(says.more, named)
            more = following is not None
        elif evidence is not None and says.more is None:
            pages_left = says.pages is not None and number < says.pages
            announced = paging.count + 1 if pages_left else paging.announced
            more = evidence.more(len(says.records), paging.count, announced)
        else:
            more = _more(says, number, paging.count)
        if more:
            beyond = evidence is not None and evidence.beyond
            return Place(number + 1, paging.count, following, beyond)
        if says.total is not None:
            self._whole(paging)
        return None

    def _whole(self, paging: Paging) -> None:
        """At the list's end: all that was announced came, unless the pages have disproved it."""
        evidence = paging.evidence
        if evidence is None:
            paging.all_there(paging.count)
        elif not evidence.exceeded:
            paging.all_there(paging.count - evidence.repeated)


def _more(says: Says, number: int, count: int) -> bool:
    if says.more is not None:
        return says.more
    if says.pages is not None:
        return number < says.pages
    return bool(says.records) and count < (says.total or 0)


def paginate(
    listing: Listing,
    ask: Callable[[Place, str], Page],
    *,
    vendor: str,
    endpoint: str,
    where: str,
    at_end: Callable[[Paging], None] = lambda paging: None,
) -> Iterator[Page]:
    """Every page of a list, from the first to the last.

    `ask` gets the page at a place; its second argument is what errors call it. `where` names the
    list in errors. `at_end` raises where the whole list lacks something. Raises `VendorError`;
    `PagesShiftedError` where reading again may help.
    """
    paging = Paging(vendor, endpoint, where)
    yield from _followed(listing, ask, paging, where)
    if paging.doubt is not None:
        again = Paging(vendor, endpoint, where)
        if not _reads_the_same(listing, ask, paging, again, where):
            raise paging.shifted(paging.doubt)
    at_end(paging)


def _reads_the_same(
    listing: Listing, ask: Callable[[Place, str], Page], paging: Paging, again: Paging, where: str
) -> bool:
    try:
        for _ in _followed(listing, ask, again, where):
            pass
    except PagesShiftedError:
        return False
    return (again.digest, again.announced) == (paging.digest, paging.announced)


def _followed(
    listing: Listing, ask: Callable[[Place, str], Page], paging: Paging, where: str
) -> Iterator[Page]:
    place: Place | None = Place()
    while place is not None:
        try:
            page = ask(place, f"{where} page {place.number}")
        except VendorError as error:
            if place.beyond and error.status in NOTHING_THERE:
                listing._whole(paging)
                return
            raise
        # Looked through before it is given: what is refused must not be archived.
        following = listing.watch(paging, page, place.number)
        yield page
        place = following
