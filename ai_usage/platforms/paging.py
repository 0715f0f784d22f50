"""What a complete answer promises, however it is paged: it ends, nothing comes twice or lacks."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from ai_usage.errors import VendorError
from ai_usage.platforms.base import Page

T = TypeVar("T")

MOST_PAGES = 100_000
"""A bound for a vendor that never ends; a year of a large company's events has a tenth of it."""


class PagesShiftedError(VendorError):
    """What is being paged changed meanwhile: the pages do not fit together, start over."""


class Paging:
    """Watches one answer's pages; every violation is a `VendorError` that names the place."""

    def __init__(self, vendor: str, endpoint: str, where: str) -> None:
        self._where = f"{vendor} {endpoint} {where}"
        self._tokens: set[str] = set()
        self._digests: set[bytes] = set()
        self._total: int | None = None
        self._pages = 0

    def decode(self, page: Page, decoder: msgspec.json.Decoder[T]) -> T:
        """The page's envelope. A missing list or a wrong type is a failure, not an empty answer."""
        try:
            return decoder.decode(page.body)
        except msgspec.ValidationError as error:
            raise self.failure(f"the answer has another shape than documented ({error})") from None

    def records(self, records: list[msgspec.Raw], *, unique: bool = True) -> None:
        """Refuse a page with a record that came on an earlier one.

        The list has shifted meanwhile, or the server ignores the page asked for. Not `unique` are
        lists in which two records may be the same to the last byte: there only a whole page tells.
        """
        self._pages += 1
        if self._pages > MOST_PAGES:
            raise self.failure(f"more than {MOST_PAGES} pages, it does not seem to end")
        if unique:
            came = {_digest([record]) for record in records}
        else:
            came = {_digest(records)} if records else set()
        if not came.isdisjoint(self._digests):
            what = "a record of an earlier page" if unique else "an earlier page"
            raise self.shifted(f"page {self._pages} repeats {what}")
        self._digests |= came

    def next_token(self, has_more: bool | None, token: str | None) -> str | None:
        """The next page's token, or None at the end.

        `has_more=false` ends whatever the token says; where `has_more` is absent the token decides.
        """
        if has_more is False or (has_more is None and not token):
            return None
        if not token:
            raise self.failure("it says that there is more, but not where")
        if token in self._tokens:
            raise self.failure("it names the same next page again")
        self._tokens.add(token)
        return token

    def same_total(self, total: int) -> None:
        """The total that every page repeats must hold; raises `PagesShiftedError` if it moves."""
        if self._total is not None and total != self._total:
            raise self.shifted(f"the total went from {self._total} to {total} while paging")
        self._total = total

    def all_there(self, count: int) -> None:
        """As many records as the vendor announced; raises `PagesShiftedError` if not."""
        if self._total is not None and count != self._total:
            raise self.shifted(f"{count} records came of {self._total} announced")

    def shifted(self, what: str) -> PagesShiftedError:
        """An error at this place that reading again from the start may mend."""
        return PagesShiftedError(f"{self._where}: {what}. Try again later.")

    def failure(self, what: str) -> VendorError:
        """An error at this place."""
        return VendorError(f"{self._where}: {what}. Nothing of it is used; try again later.")


def _digest(records: list[msgspec.Raw]) -> bytes:
    """What tells a page or a record apart, in few bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for record in records:
        digest.update(record)
        digest.update(b"\n")
    return digest.digest()
