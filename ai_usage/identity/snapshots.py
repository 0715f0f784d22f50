"""What a source said on a day. A directory's snapshot belongs to the day it was fetched on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from ai_usage.normalised.following import Said

MEMBERS = " members"
API_KEYS = " api_keys"


class Snapshot(NamedTuple):
    """All rows that one source answered on one day; a day without an answer has no snapshot.

    `source` is `users.csv`, `scim`, `api_keys.csv`, `sso`, `google_sheets`, `<vendor> members` or
    `<vendor> api_keys`; rows of vendors are `Person` and `ApiKey`, the others mappings with the
    columns of the reference file. An empty list of rows says that there is nobody; where a file
    is absent, give no snapshot. A `LeftOut` among the rows is a record that was left out, which
    `last_good` replaces by what was said of it before.
    """

    day: date
    source: str
    rows: Sequence[Any]
    earlier: Sequence[Sequence[Any]] = ()
    """Rows of earlier answers of the day, oldest first, where `rows` leaves out what they may have.
    """
    said: Said | None = None
    """How `rows` follow those of an earlier snapshot, where it is known."""


def members_of(vendor: str) -> str:
    """The source name of a vendor's member list."""
    return f"{vendor}{MEMBERS}"


def api_keys_of(vendor: str) -> str:
    """The source name of a vendor's list of API keys."""
    return f"{vendor}{API_KEYS}"


def by_source(snapshots: Iterable[Snapshot]) -> dict[str, list[Snapshot]]:
    """Each source's snapshots by day, one a day, whatever the order and number they came in.

    Of several on one day the caller should give the newest fetch only; if several come, which one
    counts depends on their content alone, so that the result stays the same.
    """
    days: dict[str, dict[date, Snapshot]] = {}
    for snapshot in map(Snapshot._make, snapshots):
        own = days.setdefault(snapshot.source, {})
        other = own.setdefault(snapshot.day, snapshot)
        if other is not snapshot and other.rows != snapshot.rows:
            own[snapshot.day] = max(other, snapshot, key=_content)
    return {source: [own[day] for day in sorted(own)] for source, own in sorted(days.items())}


def _content(snapshot: Snapshot) -> list[str]:
    return sorted(map(repr, snapshot.rows))
