"""The vendors' own lists of API keys, followed through their snapshots. Pure.

Whose key it is comes from who created it; the creator may be gone from today's member list, so
every older list is asked too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from ai_usage.days.spans import FIRST_DAY, LAST_DAY, Span
from ai_usage.identity.aliases import id_with_address
from ai_usage.identity.following import newest
from ai_usage.identity.register import Change, changes
from ai_usage.identity.snapshots import API_KEYS, Snapshot, members_of
from ai_usage.vendors.rows import ApiKey

ACTIVE = "active"
_FOLLOWED = ("api_key_name", "status", "workspace_id", "created_by_id", "expires_at")


@dataclass
class DirectoryKey:
    """One key as the vendor's lists tell it.

    `names` are the names it bore and when: a rename counts from the day it was seen, the day of
    the change holds both. `off_since` is the first day on which it was seen switched off or gone.
    """

    platform: str
    key: ApiKey
    first_seen: date
    last_seen: date
    names: list[tuple[Span, str]] = field(default_factory=list)
    off_since: date | None = None
    owner: str | None = None
    history: list[Change] = field(default_factory=list)

    @property
    def made(self) -> date:
        """The day on which the key was made; where the list does not say, was first listed."""
        return _day(self.key.created_at) or self.first_seen

    @property
    def born(self) -> tuple[date, str]:
        """What keys are put in order by: the day and, where it is known, the time."""
        created = self.key.created_at
        return self.made, created.isoformat() if created else ""

    @property
    def valid(self) -> Span:
        """The days for which it was made. That it was switched off before they end ends nothing."""
        first, expires = self.life.first, _day(self.key.expires_at)
        return Span(first, max(expires, first) if expires else LAST_DAY)

    @property
    def life(self) -> Span:
        """The days on which the key could have been used, as far as the lists tell."""
        key = self.key
        ends = [_day(key.expires_at), self.off_since]
        last = min((day for day in ends if day), default=LAST_DAY)
        return Span(_day(key.created_at) or FIRST_DAY, last)


def read_directories(
    snapshots: Mapping[str, list[Snapshot]],
) -> dict[tuple[str, str], DirectoryKey]:
    """Every key that a vendor ever listed, by (platform, key id), with its owner's address."""
    found: dict[tuple[str, str], DirectoryKey] = {}
    for source, own in snapshots.items():
        if source.endswith(API_KEYS):
            vendor = source.removesuffix(API_KEYS)
            owners = _addresses(snapshots.get(members_of(vendor), []))
            for key in _follow(vendor, own).values():
                key.owner = owners.get(key.key.created_by_id or "")
                found[vendor, key.key.api_key_id] = key
    return found


def _addresses(snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """Vendor's user id -> the address last seen under it, removed members included."""
    # An id listed twice is a page read twice, or a seat given again: the account that stands.
    return {
        user_id: min((person.is_removed, person.user_email) for person in listed)[1]
        for user_id, (_day, listed) in newest(snapshots, id_with_address).items()
    }


def _follow(platform: str, snapshots: Sequence[Snapshot]) -> dict[str, DirectoryKey]:
    keys: dict[str, DirectoryKey] = {}
    for snapshot in snapshots:
        present: dict[str, ApiKey] = {}
        for key in snapshot.rows:
            other = present.setdefault(key.api_key_id, key)
            if other != key:
                present[key.api_key_id] = max(other, key, key=repr)
        for key_id, new in present.items():
            known = keys.get(key_id)
            if known is None:
                known = keys[key_id] = DirectoryKey(platform, new, snapshot.day, snapshot.day)
            _see(known, new, snapshot.day)
        for key_id in keys.keys() - present.keys():
            keys[key_id].off_since = keys[key_id].off_since or snapshot.day
    return keys


def _see(known: DirectoryKey, new: ApiKey, day: date) -> None:
    if new != known.key:
        old, now = ({f: getattr(k, f) for f in _FOLLOWED} for k in (known.key, new))
        known.history += changes(day, old, now)
        known.key = new
    known.last_seen = day
    known.off_since = None if is_on(new) else known.off_since or day
    if new.api_key_name and (not known.names or known.names[-1][1] != new.api_key_name):
        first = FIRST_DAY if not known.names else day
        if known.names:
            span, name = known.names[-1]
            known.names[-1] = (Span(span.first, day), name)
        known.names.append((Span(first, LAST_DAY), new.api_key_name))


def is_on(key: ApiKey) -> bool:
    """True while the vendor would accept the key; a vendor that reports no status is believed."""
    return key.status in (None, ACTIVE)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
