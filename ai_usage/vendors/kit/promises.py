"""What a complete answer promises, however it is paged: it ends, nothing comes twice or lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.errors import AiUsageError, VendorError
from ai_usage.vendors.decoding import decodable
from ai_usage.vendors.kit.evidence import Evidence

T = TypeVar("T")

MOST_PAGES = 100_000
"""A bound for a vendor that never ends; a year of a large company's events has a tenth of it."""

Key = Callable[[msgspec.Raw], Hashable | None]
"""What an API tells a record apart by; None for a record without it."""


class PagesShiftedError(VendorError):
    """What is being paged changed meanwhile: the pages do not fit together, start over."""


class Paging:
    """Watches one answer's pages; every violation is an error that names the place.

    That two records are the same to the last byte proves nothing: many lists give no identity, and
    there two may be alike by right. What proves that pages do not fit together is a page that comes
    again, an identity that comes on two pages, an announced total that moves or is not met, and,
    where an API gives none of these, a list that reads otherwise when it is read again (`alike`).
    """

    announces = True
    """Whether the answer must announce what its vendor documents; what a person saved may not."""

    def __init__(self, vendor: str, endpoint: str, where: str) -> None:
        self._where = f"{vendor} {endpoint} {where}"
        self._tokens: set[str] = set()
        self.keys: set[Hashable] = set()
        """The identities of the records so far."""
        self._pages_seen: set[bytes] = set()
        self._records_seen: set[bytes] = set()
        self._total: int | None = None
        self._pages = 0
        self.count = 0
        """Records so far."""
        self.digest = 0
        """Of the records that `alike` was told, in any order."""
        self.doubt: str | None = None
        """What may be wrong with the list, unless it reads the same twice."""
        self.evidence: Evidence | None = None
        """For a list whose pages are asked for in a known size."""

    def decode(self, page: Page, decoder: msgspec.json.Decoder[T]) -> T:
        """The page's envelope. A missing list or a wrong type is a failure, not an empty answer."""
        try:
            return decoder.decode(text_of(page))
        except msgspec.ValidationError as error:
            raise self.unreadable(error) from None

    def records(
        self,
        page: Page,
        records: Sequence[msgspec.Raw],
        *,
        key: Key | None = None,
        kin: Key = bytes,
    ) -> None:
        """Refuse a page that came before, or that holds a record which came on an earlier one.

        The list has shifted meanwhile, or the server ignores the page asked for. `key` tells the
        identity that the API gives a record. Where it gives none, a page whose records are those
        of an earlier one is that page again, unless they are all of one `kin`: then they may be
        alike by right.
        """
        self._pages += 1
        self.count += len(records)
        if self._pages > MOST_PAGES:
            raise self.failure(f"more than {MOST_PAGES} pages, it does not seem to end")
        if not records:
            return
        # The same bytes name the same next page, unless its name stands beside them.
        whole = _digest(records)
        body = _digest([page.body, (page.next_url or "").encode()])
        again = whole in self._pages_seen and len({kin(record) for record in records}) > 1
        if again or body in self._pages_seen:
            raise self.shifted(f"page {self._pages} repeats an earlier page")
        self._pages_seen |= {whole, body}
        if key is not None:
            came = {found for record in records if (found := key(record)) is not None}
            if not came.isdisjoint(self.keys):
                raise self.shifted(f"page {self._pages} repeats a record of an earlier page")
            self.keys |= came

    def repeats(self, records: Sequence[msgspec.Raw]) -> bool:
        """Whether a page with these records, all of them, came before."""
        return _digest(records) in self._pages_seen

    def alike(self, records: Iterable[msgspec.Raw]) -> None:
        """Take note of a page's records, of a list that has nothing else to prove itself by."""
        came = [_digest([record]) for record in records]
        if not self._records_seen.isdisjoint(came):
            self.doubt = "a record stands on two pages, and read again they differ"
        self._records_seen.update(came)
        self._add(came)

    def _add(self, digests: Iterable[bytes]) -> None:
        self.digest = (self.digest + sum(int.from_bytes(one, "big") for one in digests)) % 2**128

    def seam(self, records: Sequence[msgspec.Raw], key: Key) -> Sequence[msgspec.Raw]:
        """The page's records without those at its start that came on an earlier, short page.

        A server that leaves a record out of a page counts its place: whoever goes on by the number
        of records asks for the last ones again. That is a doubt until the list reads the same
        twice.
        """
        self._add(_digest([record]) for record in records)
        if self.evidence is None:
            return records
        again = self.evidence.seam([key(record) for record in records], self.keys)
        if again:
            self.doubt = self.doubt or f"page {self._pages + 1} repeats a record of an earlier page"
            self.count += again
        return records[again:]

    def numbered(self, asked: int, says: int | None) -> None:
        """The page must be the one that was asked for, where it says which it is."""
        if says is not None and says != asked:
            raise self.shifted(f"page {asked} says that it is page {says}")

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

    @property
    def announced(self) -> int | None:
        """How many records there are, as far as a page has said it."""
        return self._total

    def all_there(self, count: int) -> None:
        """As many records as the vendor announced; raises `PagesShiftedError` if not.

        Where pages may leave records out, a few that are missing are a doubt.
        """
        if self._total is None or count == self._total:
            return
        what = f"{count} records came of {self._total} announced"
        evidence = self.evidence
        if evidence is None or not evidence.left_out(self.count, self._total):
            raise self.shifted(self.doubt or what)
        self.doubt = self.doubt or what

    def shifted(self, what: str) -> AiUsageError:
        """An error at this place that reading again from the start may fix."""
        return PagesShiftedError(f"{self._where}: {what}. Try again later.")

    def failure(self, what: str, remedy: str = "try again later") -> AiUsageError:
        """An error at this place: what is wrong, and the fix where waiting is none."""
        return VendorError(
            f"{self._where}: {what}. Nothing of it is used, what was held stays; {remedy}."
        )

    def unreadable(self, error: Exception) -> AiUsageError:
        """An error at an answer whose form is not the documented one."""
        return self.failure(
            f"the answer has another shape than documented ({error})",
            "try again later, and with a newer version of ai-usage if the vendor has changed it",
        )

    def nobody(self, setting: str) -> AiUsageError:
        """An error at a list of people that is empty: nobody would be left who could ask for it."""
        return self.failure(
            "it lists nobody: everybody would count as having left",
            f"check what {setting} may read, then run it again",
        )


def text_of(page: Page) -> bytes:
    """The page as a decoder takes it, whatever of its text cannot be decoded."""
    return decodable(page.body) if page.text is None else page.text


def _digest(parts: Iterable[bytes | msgspec.Raw]) -> bytes:
    """Few bytes for many."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
        digest.update(b"\n")
    return digest.digest()
