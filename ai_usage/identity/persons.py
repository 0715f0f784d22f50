"""Which accounts are one person: addresses joined by the ids that sources give them. Pure.

An account is an address as long as one person has it. Ids join accounts, strongest first: the
directory's id, the employee number, a vendor's id. What contradicts a join keeps both apart:
two accounts that one source lists as live at once, and a directory that gives them other ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, pairwise, product
from typing import Any

from ai_usage.days.spans import FIRST_DAY, LAST_DAY, Span, day_before
from ai_usage.identity.sightings import DIRECTORY_ID, EMPLOYEE, Account, Id, Sightings
from ai_usage.text.words import few

_KINDS = (DIRECTORY_ID, EMPLOYEE)
"""Ids of the company's own directories, strongest first; vendors' come after them."""

_NAMED = 3
"""Of accounts that bear one id, so many are named."""

Borne = Mapping[str, Collection[str]]
"""By kind the ids that the company's directories give to an address."""

Change = dict[str, Any]
"""The day, the field, the old and the new value, and what says so."""


@dataclass
class Holder:
    """One person: their accounts, oldest first, under which of them they are on which days."""

    person_id: str
    accounts: list[Account]
    turns: list[tuple[Span, Account]]
    history: list[Change] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    """What keeps an account of theirs apart from another, in words that name both."""


def find_holders(
    borne: Mapping[str, Sequence[tuple[date, Borne]]], seen: Sightings
) -> list[Holder]:
    """Everybody, by their first account. `borne` are each address's ids, since when, in order."""
    accounts = [
        Account(email, span)
        for email, own in sorted(borne.items())
        for span in _spells(email, own, seen)
    ]
    groups = _Groups(accounts, seen)
    for kind in (*_KINDS, *seen.vendors):
        groups.join(kind)
    taken: set[str] = set()
    found = []
    for own in sorted(groups.members(), key=lambda g: (g[0].span.first, seen.begun(g[0]), g[0])):
        turns = _turns(own, seen)
        person_id = _person_id(own, seen, taken)
        taken.add(person_id)
        history = sorted(groups.history(own), key=lambda c: (c["day"], str(c["new"])))
        found.append(Holder(person_id, own, turns, history, groups.doubts(own)))
    return _with_given_addresses(found)


def _spells(email: str, borne: Sequence[tuple[date, Borne]], seen: Sightings) -> Iterator[Span]:
    """The ranges over which the address is one person's: an id that is another ends one.

    An id that is learned, or of which one source says nothing any more, is no other id.
    """
    known: dict[str, set[str]] = {}
    first = borne[0][0]
    for day, ids in borne:
        now = {k: worth for k in _KINDS if (worth := seen.worth(email, k, ids.get(k, ())))}
        if _is_other(known, now):
            yield Span(first, day_before(day))
            first, known = day, {}
        known.update(now)
    yield Span(first, LAST_DAY)


def _is_other(known: Mapping[str, set[str]], now: Mapping[str, set[str]]) -> bool:
    """An account made anew under the same employee number is the same person's."""
    both = [kind for kind in _KINDS if kind in known and kind in now]
    return bool(both) and not any(known[kind] & now[kind] for kind in both)


class _Groups:
    """Accounts, joined step by step."""

    def __init__(self, accounts: Sequence[Account], seen: Sightings) -> None:
        self._seen = seen
        self._of = {account: [account] for account in accounts}
        self._accounts: dict[str, list[Account]] = defaultdict(list)
        for account in accounts:
            self._accounts[account.email].append(account)
        self._history: dict[Account, list[Change]] = defaultdict(list)
        self._doubts: dict[Account, list[tuple[Sequence[Account], str]]] = defaultdict(list)

    def members(self) -> list[list[Account]]:
        """Each person's accounts, oldest first."""
        own = {id(group): group for group in self._of.values()}
        return [sorted(group, key=lambda a: (self._seen.begun(a), a)) for group in own.values()]

    def history(self, own: Sequence[Account]) -> list[Change]:
        return [change for account in own for change in self._history[account]]

    def doubts(self, own: Sequence[Account]) -> list[str]:
        """What keeps others apart from them; not what another id has settled since."""
        told = [doubt for account in own for doubt in self._doubts[account]]
        return sorted({why for accounts, why in told if not set(accounts) <= set(own)})

    def join(self, kind: str) -> None:
        """Join accounts that have an id of the kind in common, unless something contradicts."""
        for value, emails in sorted(self._seen.holders(kind).items()):
            accounts = [own for email in sorted(emails) for own in self._accounts[email]]
            if len(accounts) < 2:
                continue
            found = [own for own in accounts if value in self._seen.ids(own, kind)]
            one_id = Id(kind, value)
            if self._seen.is_doubtful(one_id):
                bearing = [a for a in found if self._seen.still_bear(one_id, a.email)]
                if (bearers := len({a.email for a in bearing})) > 1:
                    each = "both" if bearers == 2 else "all"
                    why = f"{one_id} is on {each}, which have been active at once"
                    self._doubt(bearing, why)
                continue
            found.sort(key=lambda account: (self._seen.begun(account), account))
            for former, latter in pairwise(found):
                self._join(former, latter, one_id)

    def _join(self, one: Account, other: Account, by: Id) -> None:
        mine, theirs = self._of[one], self._of[other]
        if mine is theirs:
            return
        if why := self._seen.disagreement(one, other, by):
            self._doubt((one, other), f"{by} {why}")
            return
        for a, b in product(mine, theirs):
            if a.email == b.email:
                continue
            if why := self._seen.contradiction(a, b):
                self._doubt((one, other), f"{by} joins them, but {why}")
                return
        mine += theirs
        for account in theirs:
            self._of[account] = mine
        self._history[other].append(
            {
                "day": self._seen.begun(other),
                "field": "user_email",
                "old": one.email,
                "new": other.email,
                "evidence": str(by),
            }
        )

    def _doubt(self, accounts: Sequence[Account], why: str) -> None:
        """A number that stands for none may be on hundreds: some are named, each is told."""
        emails = list(dict.fromkeys(account.email for account in accounts))
        who = " and ".join(emails) if len(emails) == 2 else few(emails, _NAMED)
        for account in accounts:
            self._doubts[account].append((accounts, f"{who}: {why}"))


def _person_id(own: Sequence[Account], seen: Sightings, taken: set[str]) -> str:
    """The strongest id that any account has, of several the first seen; it is nobody else's."""
    ids = (
        f"{kind}:{value}"
        for kind in (*_KINDS, *seen.vendors)
        for account in own
        for value in seen.ids(account, kind)
        if not seen.is_doubtful(Id(kind, value))
    )
    addresses = (own[0].email, f"{own[0].email} since {own[0].span.first}")
    return next(one for one in chain(ids, addresses) if one not in taken)


def _turns(own: Sequence[Account], seen: Sightings) -> list[tuple[Span, Account]]:
    """Under which account the person is on which days: the one that was listed as live last.

    On days on which none of theirs was, any that is theirs then: no day of an account is nobody's.
    """
    if len(own) == 1:
        return [(own[0].span, own[0])]
    starts: list[tuple[date, Account]] = []
    for day, account in seen.starts(own):
        if starts and starts[-1][1] == account:
            continue
        if starts and starts[-1][0] == day:
            starts.pop()
        if not starts or starts[-1][1] != account:
            starts.append((day, account))
    turns: list[tuple[Span, Account]] = []
    for n, (day, account) in enumerate(starts):
        first = FIRST_DAY if n == 0 else day
        last = day_before(starts[n + 1][0]) if n + 1 < len(starts) else LAST_DAY
        if turn := Span(first, last) & account.span:
            turns.append((turn, account))
    for account in own:
        turns += [(piece, account) for piece in account.span.minus(span for span, _ in turns)]
    return sorted(turns)


def _with_given_addresses(holders: list[Holder]) -> list[Holder]:
    """An address that is given to somebody else is in the history of who has it now."""
    by_email: dict[str, list[tuple[Account, Holder]]] = defaultdict(list)
    for holder in holders:
        for account in holder.accounts:
            by_email[account.email].append((account, holder))
    for own in by_email.values():
        own.sort(key=lambda pair: pair[0].span)
        for (_, former), (account, holder) in pairwise(own):
            if former is not holder:
                change = {"day": account.span.first, "field": "person_id"}
                change |= {"old": former.person_id, "new": holder.person_id}
                evidence = f"{account.email} bears other ids from then on"
                holder.history.append({**change, "evidence": evidence})
    return holders


def label(holder: Holder, newest: Mapping[str, Holder]) -> str:
    """The person as reports show them: the newest address, which names nobody else.

    Where somebody else has the address by now, the last day on which it was theirs stands with it.
    """
    account = holder.turns[-1][1]
    if newest[account.email] is holder:
        return account.email
    return f"{account.email} (until {account.span.last})"


def newest_holders(holders: Iterable[Holder]) -> dict[str, Holder]:
    """Whose an address is by now."""
    return {
        account.email: holder
        for holder in holders
        for account in holder.accounts
        if account.span.last == LAST_DAY
    }
