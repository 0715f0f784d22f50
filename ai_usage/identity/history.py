"""`dim_users`: the sources' timelines merged into versions (slowly changing dimension type 2).

The result depends on the set of snapshots alone: folding them in another order, or twice, gives
the same rows (design, "Partitions" and "Identity").
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ai_usage.days.spans import EVER, FIRST_DAY, LAST_DAY, Span, day_after, day_before
from ai_usage.dimensions.surrogate_keys import SHARED_SK, UNKNOWN_SK, surrogate_key
from ai_usage.identity.aliases import (
    Aliases,
    Login,
    newest_lines,
    read_aliases,
    read_logins,
    read_members,
)
from ai_usage.identity.people import ATTRIBUTES, LIFECYCLE, Point, State, timelines
from ai_usage.identity.persons import Borne, Change, Holder, find_holders, label, newest_holders
from ai_usage.identity.sightings import DIRECTORY_ID, EMPLOYEE, Sightings
from ai_usage.identity.snapshots import MEMBERS, Snapshot, by_source
from ai_usage.vendors.rows import Person

PEOPLE_SOURCES = ("users.csv", "scim")
"""Directories of the company, strongest first; vendors' member lists come after, by name."""

NO_DAY = Span(day_before(FIRST_DAY), day_before(FIRST_DAY))
"""The span of versions that only facts name: a day before all history, so that a version is found
by its key alone, never by a day."""

UNKNOWN_EMAIL = "unattributed"
SHARED_EMAIL = "shared"
"""`user_email` of the members 0 and -1: not in the form of an address, so no person can have it."""

_LISTS = ("approved_platforms",)

_NOTHING: State = dict.fromkeys((*ATTRIBUTES, *LIFECYCLE))
"""Of whom nothing is known."""


class Version(msgspec.Struct, frozen=True):
    """A person under an address, as they were from `span.first` to `span.last`."""

    user_sk: int
    user_email: str
    span: Span
    state: State
    sources: str
    person_id: str = ""

    def __getitem__(self, column: str) -> Any:
        return self.state[column]


@dataclass(frozen=True)
class Someone:
    """A person: their versions in order, which never overlap, and what they are called."""

    person_id: str
    person: str
    """As reports show them: the newest address."""
    versions: Sequence[Version]
    outlived: Sequence[Version] = ()
    """Versions of theirs that have no day any more. Facts may name them still: see `NO_DAY`."""
    history: Sequence[Change] = ()
    doubts: Sequence[str] = ()


@dataclass(frozen=True)
class People:
    """Everyone whom any source ever listed.

    `versions` are what an address means, in order: those of the person who has it on the day,
    under whichever address they are. `aliases` are the declared ones, and former addresses;
    `logins` the person's own address by platform and login, `members` by platform and the id that
    its member list gives beside an address.
    """

    versions: Mapping[str, Sequence[Version]] = field(default_factory=dict)
    aliases: Aliases = field(default_factory=Aliases)
    everyone: Sequence[Someone] = ()
    logins: Mapping[Login, str] = field(default_factory=dict)
    members: Mapping[Login, str] = field(default_factory=dict)

    def address(self, person: Person, platform: str) -> str | None:
        """A member's own address, by the address or the login that the vendor gives; or None."""
        if person.user_email:
            return self.aliases.resolve(person.user_email)
        return self.logins.get((platform, person.vendor_user_id))

    def on(self, email: str, day: date) -> Version | None:
        """The version that the address means on that day, or None where it is nobody's."""
        for version in self.versions.get(email, ()):
            if version.span.first <= day <= version.span.last:
                return version
        return None


def fold_people(snapshots: Iterable[Snapshot]) -> People:
    """Fold directory snapshots, in any order and number, into every person's versions."""
    sources = {s: own for s, own in by_source(snapshots).items() if _lists_people(s)}
    lines = newest_lines(sources)
    declared = read_aliases(lines)
    ranked = {source: sources[source] for source in sorted(sources, key=_strength)}
    views = {source: timelines(own, declared) for source, own in ranked.items()}
    emails = sorted({email for view in views.values() for email in view})
    listed: dict[str, list[Version]] = {}
    borne: dict[str, list[tuple[date, Borne]]] = {}
    for email in emails:
        own = {source: view[email] for source, view in views.items() if email in view}
        listed[email], borne[email] = _versions(email, own)
    holders = find_holders(borne, Sightings(ranked, declared))
    newest = newest_holders(holders)
    used: set[int] = set()
    versions = [list(_of_holder(holder, listed, used)) for holder in holders]
    everyone = [
        Someone(
            holder.person_id,
            label(holder, newest),
            own,
            list(_outlived(holder, listed, used)),
            holder.history,
            holder.doubts,
        )
        for holder, own in zip(holders, versions, strict=True)
    ]
    aliases = _with_former(declared, holders)
    logins = read_logins(lines, aliases)
    members = read_members(sources, aliases)
    return People(_meanings(holders, everyone), aliases, everyone, logins, members)


def _ids(states: Iterable[State]) -> Borne:
    """Every directory's, not the strongest one's: one that is told beside another is no change."""
    kinds = ((DIRECTORY_ID, "user_id"), (EMPLOYEE, "employee_id"))
    return {kind: {s[column] for s in states if column in s} for kind, column in kinds}


def _of_holder(
    holder: Holder, listed: Mapping[str, Sequence[Version]], used: set[int]
) -> Iterator[Version]:
    """A version keeps its key however few of its days are left, so that facts find it again."""
    for turn, account in holder.turns:
        for version in listed[account.email]:
            if days := version.span & turn:
                key = version.user_sk
                if key in used:
                    key = surrogate_key(account.email, days.first.isoformat())
                used.add(key)
                yield replace(version, user_sk=key, span=days, person_id=holder.person_id)


def _outlived(
    holder: Holder, listed: Mapping[str, Sequence[Version]], used: Collection[int]
) -> Iterator[Version]:
    """What another account of theirs, learned since, has taken every day of."""
    for account in holder.accounts:
        for version in listed[account.email]:
            begins_here = account.span.first <= version.span.first <= account.span.last
            if begins_here and version.user_sk not in used:
                yield replace(version, span=NO_DAY, person_id=holder.person_id)


def _meanings(holders: Sequence[Holder], everyone: Sequence[Someone]) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for holder, someone in zip(holders, everyone, strict=True):
        for account in holder.accounts:
            own = found.setdefault(account.email, [])
            for version in someone.versions:
                if days := version.span & account.span:
                    is_whole = days == version.span
                    own.append(version if is_whole else replace(version, span=days))
    return {email: sorted(own, key=lambda v: v.span) for email, own in sorted(found.items())}


def _with_former(declared: Aliases, holders: Sequence[Holder]) -> Aliases:
    """A former address stands for the newest, unless either has ever been somebody else's."""
    times: dict[str, int] = {}
    for holder in holders:
        for account in holder.accounts:
            times[account.email] = times.get(account.email, 0) + 1
    former = {}
    for holder in holders:
        newest = holder.turns[-1][1].email
        for account in holder.accounts:
            if account.email != newest and times[account.email] == times[newest] == 1:
                former[account.email] = newest
    own = {alias: former.get(email, email) for alias, email in declared.own.items()}
    return Aliases({**former, **own})


def dim_users(
    people: People, now: datetime, last_activity: Mapping[str, date] | None = None
) -> list[dict[str, Any]]:
    """Rows of `dim_users`: one a version, and the members Unknown (0) and Shared (-1).

    `last_activity` is each person's last day with an attributed event, by person_id; `now` fills
    the timestamps.
    """
    seen = last_activity or {}
    members = (
        Someone(email, email, [Version(sk, email, EVER, {**_NOTHING, **state}, "built-in", email)])
        for sk, email, name in (
            (UNKNOWN_SK, UNKNOWN_EMAIL, "Unattributed"),
            (SHARED_SK, SHARED_EMAIL, "Shared"),
        )
        for state in [{"full_name": name, "display_name": name, "is_active": True}]
    )
    rows = [
        _row(
            version,
            someone,
            people.aliases,
            current=version is someone.versions[-1],
            last_activity=seen.get(someone.person_id),
            now=now,
        )
        for someone in (*people.everyone, *members)
        for version in (*someone.versions, *someone.outlived)
    ]
    return sorted(rows, key=lambda row: (row["user_email"], row["effective_date"]))


def _lists_people(source: str) -> bool:
    return source in PEOPLE_SOURCES or source.endswith(MEMBERS)


def _strength(source: str) -> tuple[int, str]:
    rank = PEOPLE_SOURCES.index(source) if source in PEOPLE_SOURCES else len(PEOPLE_SOURCES)
    return rank, source


def _versions(
    email: str, views: Mapping[str, list[Point]]
) -> tuple[list[Version], list[tuple[date, Borne]]]:
    """Cut history where the merged state changes; equal neighbours are one version.

    With them the ids, from which version on they are borne.
    """
    days = {day for points in views.values() for day, _state in points}
    days |= {
        day_after(state["end_date"])
        for points in views.values()
        for _day, state in points
        if state.get("end_date") and state["end_date"] > FIRST_DAY
    }
    starts: list[tuple[date, State]] = []
    borne: list[tuple[date, Borne]] = []
    for day in sorted(days):
        states = {source: _at(points, day) for source, points in views.items()}
        state = _merged(states, day)
        if not starts or starts[-1][1] != state:
            starts.append((day, state))
            ids = _ids(states.values())
            if not borne or borne[-1][1] != ids:
                borne.append((day, ids))
    ends = [day_before(day) for day, _state in starts[1:]] + [LAST_DAY]
    sources = ", ".join(views)
    versions = [
        Version(surrogate_key(email, first.isoformat()), email, Span(first, last), state, sources)
        for (first, state), last in zip(starts, ends, strict=True)
    ]
    return versions, borne


def _merged(states: Mapping[str, State], day: date) -> State:
    """The person on a day: attribute by attribute the strongest source that knows it."""
    merged: State = dict(_NOTHING)
    for state in reversed(list(states.values())):
        merged.update(state)
    merged.update(_lifecycle(states, day))
    return merged


def _lifecycle(told: Mapping[str, State], day: date) -> State:
    """A company directory decides; vendors' lists only where none knows the person.

    Who loses a seat at one vendor has not left, so among vendors one account is enough.
    """
    strongest = next(iter(told))
    states = [
        state
        for source, state in told.items()
        if source == strongest or strongest not in PEOPLE_SOURCES
    ]
    first = states[0]
    end = first.get("end_date")
    active = any(state["is_active"] for state in states) and not (end and day > end)
    return {"is_active": active, "start_date": first.get("start_date"), "end_date": end}


def _at(points: list[Point], day: date) -> State:
    return points[bisect_right(points, day, key=lambda point: point[0]) - 1][1]


def _row(
    version: Version,
    someone: Someone,
    aliases: Aliases,
    *,
    current: bool,
    last_activity: date | None,
    now: datetime,
) -> dict[str, Any]:
    lists = {name: list(version[name] or ()) for name in _LISTS}
    bosses = {
        name: aliases.resolve(version[name]) if version[name] else None
        for name in ("manager_email", "director_email")
    }
    return {
        "user_sk": version.user_sk,
        "user_email": version.user_email,
        "person_id": someone.person_id,
        "person": someone.person,
        **version.state,
        **lists,
        **bosses,
        "last_activity_date": last_activity,
        "effective_date": version.span.first,
        "expiration_date": version.span.last,
        "is_current": current,
        "created_timestamp": now,
        "updated_timestamp": now,
        "data_source": version.sources,
        "identity_doubts": list(someone.doubts),
        "change_history": msgspec.json.encode(list(someone.history)).decode(),
    }
