"""What the pages themselves show of a list's length, where the announced total may be wrong.

A total may be the page's own count, or a server's limit: a full page means that more may follow,
whatever the total says, so the place behind it is asked too. And a server may leave a record out
of a page that it counts in the total (the caller may not see it): the places are walked all the
same, and what comes twice at the seam is the record that took the missing one's place.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


class Evidence:
    """Of one list that is read page by page, each of `size` records at most.

    Where the server `may_give_fewer`, what a full page is shows only in the list.
    """

    def __init__(self, size: int, *, may_give_fewer: bool) -> None:
        self._size = size
        self._may_give_fewer = may_give_fewer
        self._most = 0
        self._own_totals = True
        self._short = False
        self.beyond = False
        """Whether the next page lies beyond what was announced."""
        self.exceeded = False
        """Whether records came from beyond what was announced: then the total proves nothing."""
        self.repeated = 0
        """Records that came again at the seam of two pages."""

    def ends(
        self, keys: Sequence[Hashable | None], known: set[Hashable], *, repeated: bool
    ) -> bool:
        """Whether a page from beyond the total has nothing new: none, or what came already.

        `repeated` where the page as a whole came already: of records without a key too.
        """
        known_all = all(key is not None and key in known for key in keys)
        return self.beyond and (repeated or known_all)

    def total(self, total: int | None, records: int, number: int) -> int | None:
        """The total as far as it can be one of the whole list; None for a page's own count."""
        self._own_totals = self._own_totals and total == records
        return None if total is None or (self._own_totals and number > 1) else total

    def seam(self, keys: Sequence[Hashable | None], known: set[Hashable]) -> int:
        """How many records at the page's start came before, where an earlier page was short."""
        count = 0
        while self._short and count < len(keys) and keys[count] in known:
            count += 1
        self.repeated += count
        return count

    def more(self, records: int, count: int, announced: int | None) -> bool:
        """Whether to ask for another page: `count` places are walked, `announced` there are."""
        if self.beyond and records:
            self.exceeded = True
        self._most = max(self._most, records)
        self._short = self._short or records < self._size
        met = announced is None or count >= announced or self.exceeded
        self.beyond = met
        if not records or not met:
            return bool(records)
        if records >= self._size or not self._may_give_fewer:
            return records >= self._size
        if self._own_totals:
            return True
        # Of a list that goes on beyond its total, only a short page is the last one.
        return count > records >= self._most

    def left_out(self, count: int, total: int) -> int:
        """How many of the announced records no page holds.

        0 where more are missing than a page holds, or more came than there are places: then it is
        no page that left some out.
        """
        missing = total - (count - self.repeated)
        return missing if count <= total and 0 < missing < self._most else 0
