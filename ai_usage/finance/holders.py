"""Who is entitled to a seat when: `seat_assignments.csv`, else the vendors' member lists.

Which seat they sit on, and whether one is left, is in `seating`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from ai_usage.days.spans import EVER, LAST_DAY, Span, day_before, span_of
from ai_usage.identity.history import People
from ai_usage.identity.last_good import last_good
from ai_usage.identity.snapshots import MEMBERS, Snapshot, by_source
from ai_usage.reference.column import Row
from ai_usage.vendors.rows import Person

FILE = "seat_assignments.csv"
VENDOR_MEMBERS = "the vendor's members"
NONE = "none"
"""`assignment_source` of dim_seats."""


class Holding(NamedTuple):
    """One person's claim to a seat: of a contract, or (None) of any of the platform's."""

    platform: str
    contract_id: str | None
    user_email: str
    span: Span
    source: str


class Left(NamedTuple):
    """Days on which a source gives somebody a seat who has left: the seat counts as free."""

    platform: str
    contract_id: str | None
    user_email: str
    span: Span
    source: str


class Told(NamedTuple):
    """Days of which a source says who holds a contract's seats, or (None) any of the platform's."""

    platform: str
    contract_id: str | None
    span: Span


@dataclass(frozen=True)
class Holders:
    """Every claim, without the days after somebody left; what was cut off is in `left`.

    `told` are the days that any source speaks of; of all others nobody is known to hold a seat.
    """

    holdings: tuple[Holding, ...] = ()
    left: tuple[Left, ...] = ()
    told: tuple[Told, ...] = ()


def read_holders(
    assignments: Iterable[Row], members: Iterable[Snapshot], people: People | None = None
) -> Holders:
    """Claims of seat_assignments.csv and of member lists (`Snapshot`s, source `<vendor> members`).

    Give only the lists whose members hold seats (`Vendor.members_consume_seats`). From the
    first to the last day on which the file has lines of a contract, the file alone says who
    holds its seats; so do its lines without a contract for all contracts of the platform
    without lines of their own. Before its first snapshot a list says nothing: seats of days
    that no line of the file speaks of are nobody's then.
    """
    people = people or People()
    listed = [_assigned(row, people) for row in assignments]
    pooled = _extents(h for h in listed if h.contract_id is None)
    claims = list(listed)
    told = [Told(*key, span) for key, span in _extents(listed).items()]
    lists = by_source(s for s in members if s.source.endswith(MEMBERS))
    for source, snapshots in last_good(lists).snapshots.items():
        platform = source.removesuffix(MEMBERS)
        silenced = [pooled[platform, None]] if (platform, None) in pooled else []
        told.append(Told(platform, None, Span(snapshots[0].day, LAST_DAY)))
        for holding in _members(platform, snapshots, people):
            claims += [holding._replace(span=span) for span in holding.span.minus(silenced)]
    return replace(_without_leavers(_merged(claims), people), told=tuple(told))


def extents(holdings: Iterable[Holding | Left]) -> dict[tuple[str, str | None], Span]:
    """Per platform and contract the days from the first to the last that the file speaks of."""
    return _extents(h for h in holdings if h.source == FILE and h.contract_id is not None)


def _extents(holdings: Iterable[Holding | Left]) -> dict[tuple[str, str | None], Span]:
    found: dict[tuple[str, str | None], Span] = {}
    for holding in holdings:
        key = (holding.platform, holding.contract_id)
        known = found.get(key, holding.span)
        found[key] = Span(min(known.first, holding.span.first), max(known.last, holding.span.last))
    return found


def _assigned(row: Row, people: People) -> Holding:
    return Holding(
        platform=row["platform"],
        contract_id=row["contract_id"],
        user_email=people.aliases.resolve(row["user_email"]),
        span=span_of(row["valid_from"], row["valid_to"]),
        source=FILE,
    )


def _members(platform: str, snapshots: Sequence[Snapshot], people: People) -> Iterable[Holding]:
    """Each member's stretches of days, as the lists tell one after the other."""
    since: dict[str, date] = {}
    for snapshot in snapshots:
        present = _present(snapshot.rows, people, platform)
        for email in sorted(since.keys() - present):
            span = Span(since.pop(email), day_before(snapshot.day))
            yield Holding(platform, None, email, span, VENDOR_MEMBERS)
        for email in sorted(present - since.keys()):
            since[email] = snapshot.day
    for email, first in sorted(since.items()):
        yield Holding(platform, None, email, Span(first, LAST_DAY), VENDOR_MEMBERS)


def _present(rows: Iterable[Person], people: People, platform: str) -> set[str]:
    """Who holds a seat, by address; whom the vendor names by a login that is nobody's is nobody."""
    found = (people.address(person, platform) for person in rows if not person.is_removed)
    return {address for address in found if address}


def _merged(holdings: Iterable[Holding]) -> list[Holding]:
    """Stretches of one claim that touch or overlap become one."""
    groups: dict[tuple[str, str, str, str], list[Holding]] = defaultdict(list)
    for holding in holdings:
        key = (holding.platform, holding.contract_id or "", holding.user_email, holding.source)
        groups[key].append(holding)
    merged: list[Holding] = []
    for _key, own in sorted(groups.items()):
        own.sort(key=lambda holding: holding.span)
        for holding in own:
            last = merged[-1] if merged else None
            if (
                last
                and last[:3] == holding[:3]
                and last.source == holding.source
                and (
                    last.span.last == LAST_DAY
                    or holding.span.first.toordinal() <= last.span.last.toordinal() + 1
                )
            ):
                reach = max(last.span.last, holding.span.last)
                merged[-1] = last._replace(span=Span(last.span.first, reach))
            else:
                merged.append(holding)
    return merged


def _without_leavers(holdings: Iterable[Holding], people: People) -> Holders:
    kept: list[Holding] = []
    left: list[Left] = []
    gone = {email: _gone(email, people) for email in people.versions}
    for holding in holdings:
        days = gone.get(holding.user_email, [])
        kept += [holding._replace(span=span) for span in holding.span.minus(days)]
        cut = [holding.span & span for span in days]
        left += [Left(*holding._replace(span=span)) for span in cut if span]
    return Holders(tuple(kept), tuple(left))


def _gone(email: str, people: People) -> list[Span]:
    """The days on which the person's history says that they are not with the company."""
    return [v.span & EVER for v in people.versions[email] if not v["is_active"]]
