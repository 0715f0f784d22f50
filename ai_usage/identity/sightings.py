"""What snapshots say of accounts: which ids an address bears, and when it is live. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any, NamedTuple

from ai_usage.days.spans import FIRST_DAY, LAST_DAY, Span, day_before
from ai_usage.identity.aliases import Aliases
from ai_usage.identity.following import follow
from ai_usage.identity.snapshots import MEMBERS, Snapshot
from ai_usage.vendors.rows import Person

DIRECTORY_ID = "directory"
EMPLOYEE = "employee"
_WORDS = {DIRECTORY_ID: "directory id", EMPLOYEE: "employee number"}

_RENUMBERED = 3
"""A directory with so many accounts, none of which keeps its id, has numbered them anew."""


class Id(NamedTuple):
    """An id of a kind: the directory's, the employee number, or a vendor's by the vendor's name."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{_WORDS.get(self.kind, self.kind + ' id')} {self.value}"


class Account(NamedTuple):
    """An address on the days on which it is one person's."""

    email: str
    span: Span


class _Seen(NamedTuple):
    ids: tuple[Id, ...]
    is_live: bool


class Sightings:
    """Everything that the sources' snapshots say of addresses, in terms of ids.

    `snapshots` are of sources of people, strongest first, each by day.
    """

    def __init__(self, snapshots: Mapping[str, Sequence[Snapshot]], aliases: Aliases) -> None:
        self.vendors = sorted(s.removesuffix(MEMBERS) for s in snapshots if s.endswith(MEMBERS))
        self._sources = list(snapshots)
        self._borne: dict[str, dict[str, list[tuple[date, Id]]]] = {}
        self._live: dict[str, dict[str, list[Span]]] = {}
        self._first: dict[str, date] = {}
        self._begun: dict[Account, date] = {}
        self._same: dict[str, str] = {}
        self._together: dict[Id, set[str]] = defaultdict(set)
        self._latest: dict[str, dict[str, _Seen]] = {}
        self._mistaken: set[tuple[str, Id]] = set()
        for source, own in snapshots.items():
            self._follow(source, own, aliases)
        self._put_right()
        self._holders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for listed in self._borne.values():
            for email, borne in listed.items():
                for _day, (kind, value) in borne:
                    self._holders[kind][value].add(email)

    def _follow(self, source: str, snapshots: Sequence[Snapshot], aliases: Aliases) -> None:
        borne: dict[str, list[tuple[date, Id]]] = defaultdict(list)
        live: dict[str, list[Span]] = defaultdict(list)
        latest: dict[str, _Seen] = {}
        before: dict[str, _Seen] = {}
        alive: dict[Id, set[str]] = defaultdict(set)
        turns: dict[date, set[str]] = defaultdict(set)
        for day, people, moved in follow(snapshots, aliases.owner):
            due = [turn for turn in turns if turn <= day]
            told = dict.fromkeys([*moved, *(email for turn in due for email in turns.pop(turn))])
            for email in moved:
                for turn in _turns(people.get(email, ())):
                    if turn > day:
                        turns[turn].add(email)
            listed = self._renumbered(
                before, {e: _seen(source, people[e], day) if e in people else None for e in told}
            )
            for email, seen in listed.items():
                earlier = before.pop(email, None)
                if seen is not None:
                    before[email] = latest[email] = seen
                    if earlier != seen:
                        borne[email] += [(day, one) for one in seen.ids]
                was_live = bool(earlier and earlier.is_live)
                is_live = bool(seen and seen.is_live)
                if is_live and not was_live:
                    live[email].append(Span(day, LAST_DAY))
                elif was_live and not is_live:
                    live[email][-1] = Span(live[email][-1].first, day_before(day))
                for one in earlier.ids if earlier and was_live else ():
                    alive[one].discard(email)
            living = [(e, one) for e, s in listed.items() if s and s.is_live for one in s.ids]
            for email, one in living:
                alive[one].add(email)
            for _email, one in living:
                if len(alive[one]) > 1:
                    self._together[one] |= alive[one]
        self._borne[source], self._live[source] = dict(borne), dict(live)
        self._latest[source] = latest
        if snapshots:
            self._first[source] = snapshots[0].day

    def _put_right(self) -> None:
        """Who had another's id by mistake, and has it no more, never had it."""
        for one, emails in list(self._together.items()):
            kept = {email for email in emails if self.still_bear(one, email)}
            if len(kept) == 1:
                del self._together[one]
                self._mistaken |= {(email, one) for email in emails - kept}
        for listed in self._borne.values():
            for email, borne in listed.items():
                borne[:] = [pair for pair in borne if (email, pair[1]) not in self._mistaken]

    def _renumbered(
        self, before: Mapping[str, _Seen], told: Mapping[str, _Seen | None]
    ) -> dict[str, _Seen | None]:
        """A directory that moved gives everybody another id: new ids then stand for the old.

        `told` are those of whom something else is said than `before`; None are no longer listed.
        """
        if not any(_number(s) for email, s in before.items() if email not in told):
            was = {e: n for e in told if (s := before.get(e)) and (n := _number(s))}
            now = {e: self._same.get(n, n) for e, s in told.items() if s and (n := _number(s))}
            both = was.keys() & now.keys()
            if len(both) >= _RENUMBERED and not set(was.values()) & set(now.values()):
                self._same.update({now[email]: was[email] for email in sorted(both)})
        if not self._same:
            return dict(told)
        return {email: seen and self._as_numbered(seen) for email, seen in told.items()}

    def _as_numbered(self, seen: _Seen) -> _Seen:
        ids = (
            Id(one.kind, self._same.get(one.value, one.value)) if one.kind == DIRECTORY_ID else one
            for one in seen.ids
        )
        return _Seen(tuple(ids), seen.is_live)

    def worth(self, email: str, kind: str, values: Iterable[str]) -> set[str]:
        """An address's ids as they are compared, without those that tell nobody apart."""
        ids = {Id(kind, self._same.get(v, v) if kind == DIRECTORY_ID else v) for v in values}
        return {
            one.value
            for one in ids
            if not self.is_doubtful(one) and (email, one) not in self._mistaken
        }

    def is_doubtful(self, one: Id) -> bool:
        """True for an id that stood on two live accounts of one source at once.

        It is in doubt no more once all but one of them have another, or none.
        """
        return one in self._together

    def still_bear(self, one: Id, email: str) -> bool:
        """Whether some source gives the id to the address, or did when it last listed it."""
        return any(email in own and one in own[email].ids for own in self._latest.values())

    def holders(self, kind: str) -> Mapping[str, set[str]]:
        """Every id of the kind, with the addresses that ever bore it."""
        return self._holders[kind]

    def ids(self, account: Account, kind: str) -> list[str]:
        """The account's ids of a kind, in the order in which they were seen."""
        found = [pair for source in self._sources for pair in self._own(source, account)]
        found.sort(key=lambda pair: pair[0])
        return list(dict.fromkeys(one.value for _day, one in found if one.kind == kind))

    def begun(self, account: Account) -> date:
        """The first day on which any source listed the account; since ever if it did at once."""
        if account not in self._begun:
            days = [
                FIRST_DAY if day == self._first[source] else day
                for source in self._sources
                for day in self._days(source, account)
            ]
            self._begun[account] = min(days, default=account.span.first)
        return self._begun[account]

    def starts(self, accounts: Sequence[Account]) -> list[tuple[date, Account]]:
        """Since when which account was live, in order; in directories, else at vendors.

        What a source says first is no change: it may have been so since ever.
        """
        found: list[tuple[date, int, Account]] = []
        for is_vendor in (False, True):
            for rank, source in enumerate(self._sources):
                if (found and is_vendor) or source.endswith(MEMBERS) != is_vendor:
                    continue
                for account in accounts:
                    for span in self._spans(source, account):
                        is_first = span.first == self._first[source]
                        # Of several on one day the strongest source's counts, which comes last.
                        found.append((FIRST_DAY if is_first else span.first, -rank, account))
            if found:
                break
        found = found or [(FIRST_DAY, 0, accounts[-1])]
        ordered = sorted(found, key=lambda s: (s[0], s[1], self.begun(s[2]), s[2]))
        return [(day, account) for day, _rank, account in ordered]

    def contradiction(self, one: Account, other: Account) -> str | None:
        """Why a source holds that the two are not one person; None if none does."""
        for source in self._sources:
            name = source.removesuffix(MEMBERS)
            for a in self._spans(source, one):
                for b in self._spans(source, other):
                    if both := a & b:
                        return f"{name} lists both as active on {both.first}"
            if source.endswith(MEMBERS):
                # Who is invited anew has another id at a vendor.
                continue
            mine, theirs = (self._worthy(source, account) for account in (one, other))
            kinds = {i.kind for i in mine} & {i.kind for i in theirs}
            if kinds and not mine & theirs:
                told = [f"{a} and {b}" for k in sorted(kinds) for a, b in _pairs(k, mine, theirs)]
                return f"{name} gives them {' and '.join(told)}"
        return None

    def disagreement(self, one: Account, other: Account, by: Id) -> str | None:
        """Which sources give the id to which of the two, both live; None if one saw it move."""
        mine, theirs = (
            [s for s in self._sources if by in self._worthy(s, account)] for account in (one, other)
        )
        if set(mine) & set(theirs):
            return None
        for (s, a), (t, b) in product(self._runs(mine, one), self._runs(theirs, other)):
            if both := a & b:
                return (
                    f"is on {one.email} in {s} and on {other.email} in {t}, "
                    f"both active on {both.first}"
                )
        return None

    def _runs(self, sources: Iterable[str], account: Account) -> list[tuple[str, Span]]:
        return [(source, span) for source in sources for span in self._spans(source, account)]

    def _worthy(self, source: str, account: Account) -> set[Id]:
        own = self._own(source, account)
        return {one for _day, one in own if not self.is_doubtful(one)}

    def _own(self, source: str, account: Account) -> list[tuple[date, Id]]:
        borne = self._borne[source].get(account.email, ())
        return [(d, one) for d, one in borne if account.span.first <= d <= account.span.last]

    def _spans(self, source: str, account: Account) -> list[Span]:
        return [s for run in self._live[source].get(account.email, ()) if (s := run & account.span)]

    def _days(self, source: str, account: Account) -> list[date]:
        return [d for d, _ in self._own(source, account)] + [
            span.first for span in self._spans(source, account)
        ]


def _pairs(kind: str, mine: set[Id], theirs: set[Id]) -> list[tuple[Id, str]]:
    values = ", ".join(sorted(i.value for i in theirs if i.kind == kind))
    return [(one, values) for one in sorted(mine) if one.kind == kind][:1]


def _number(seen: _Seen) -> str | None:
    """The directory's id."""
    return next((one.value for one in seen.ids if one.kind == DIRECTORY_ID), None)


def _seen(source: str, rows: Sequence[Any], day: date) -> _Seen:
    """The ids in a person's rows of a snapshot, and whether they are live on that day."""
    if isinstance(rows[0], Person):
        vendor = source.removesuffix(MEMBERS)
        standing = [p for p in rows if not p.is_removed] or rows
        ids = sorted({Id(vendor, p.vendor_user_id) for p in standing if p.vendor_user_id})
        return _Seen(tuple(ids), any(not p.is_removed for p in rows))
    row = _in_force(rows, day)
    named = ((DIRECTORY_ID, row.get("user_id")), (EMPLOYEE, row.get("employee_id")))
    ended = row.get("end_date") and row["end_date"] < day
    is_live = row.get("is_active") is not False and not ended
    return _Seen(tuple(Id(k, v) for k, v in named if v), is_live)


def _turns(rows: Sequence[Any]) -> set[date]:
    """The days from which on unchanged rows say something else."""
    dated = [row for row in rows if not isinstance(row, Person)]
    begun = {row["effective_date"] for row in dated if row.get("effective_date")}
    ends = {row["end_date"] for row in dated if row.get("end_date")}
    return begun | {end + timedelta(days=1) for end in ends if end < LAST_DAY}


def _in_force(rows: Sequence[Any], day: date) -> Any:
    """The line that holds on the day; of undated ones the live one."""
    if len(rows) == 1:
        return rows[0]

    def begins(row: Any) -> date:
        first: date | None = row.get("effective_date")
        return first or FIRST_DAY

    ordered = sorted(rows, key=lambda r: (begins(r), r.get("is_active") is not False, repr(r)))
    begun = bisect_right(ordered, day, key=begins)
    return ordered[max(begun - 1, 0)]
