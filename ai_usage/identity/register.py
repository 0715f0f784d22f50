"""Key registers (a file, a sheet, an SSO system) followed through their snapshots. Pure.

The newest snapshot says who owns a key on which days; what changed between snapshots is kept as
the entry's history, and an entry that vanished ends on the day before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ai_usage.days.spans import FIRST_DAY, day_before
from ai_usage.identity.snapshots import Snapshot

KeyRow = Mapping[str, Any]
Change = dict[str, Any]
"""The day, the field, the old and the new value."""


@dataclass
class Tracked:
    """One entry of a register: its newest row and how it came to be so."""

    row: KeyRow
    first_seen: date
    last_seen: date
    last_changed: date
    removed_on: date | None = None
    history: list[Change] = field(default_factory=list)


def track(snapshots: Sequence[Snapshot]) -> list[Tracked]:
    """Every entry that the register ever held. `snapshots` are of one source, by day."""
    tracks: dict[tuple[str, ...], list[Tracked]] = defaultdict(list)
    listed: dict[tuple[str, ...], list[KeyRow]] = {}
    previous: Sequence[KeyRow] | None = None
    for snapshot in snapshots:
        if snapshot.rows == previous:
            continue
        previous = snapshot.rows
        present = _by_key(snapshot.rows)
        for key in listed.keys() | present.keys():
            if listed.get(key) != present.get(key):
                _follow(tracks[key], present.get(key, []), snapshot.day)
        listed = present
    for own in tracks.values():
        for entry in own:
            gone = entry.removed_on
            entry.last_seen = day_before(gone) if gone else snapshots[-1].day
    return [entry for key in sorted(tracks) for entry in tracks[key]]


def changes(day: date, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs, field by field in order of name."""
    names = sorted(old.keys() | new.keys())
    return [
        {"day": day, "field": name, "old": old.get(name), "new": new.get(name)}
        for name in names
        if old.get(name) != new.get(name)
    ]


def _by_key(rows: Sequence[KeyRow]) -> dict[tuple[str, ...], list[KeyRow]]:
    keys: dict[tuple[str, ...], list[KeyRow]] = defaultdict(list)
    for row in rows:
        by_name = ("", row.get("api_key_name") or "", row.get("workspace_id") or "")
        of_id = row.get("api_key_id")
        keys[(row["platform"], *((of_id,) if of_id else by_name))].append(row)
    for own in keys.values():
        if len(own) > 1:
            own.sort(key=lambda row: (_created(row), repr(sorted(row.items(), key=repr))))
    return keys


def _created(row: KeyRow) -> date:
    created: date | None = row.get("created_date")
    return created or FIRST_DAY


def _follow(tracks: list[Tracked], rows: Sequence[KeyRow], day: date) -> None:
    """Match a key's rows to its entries: by the day they begin, else as the one that is left."""
    left = [entry for entry in tracks if entry.removed_on is None]
    unmatched = []
    for row in rows:
        match = next((e for e in left if _created(e.row) == _created(row)), None)
        if match:
            left.remove(match)
            _edit(match, row, day)
        else:
            unmatched.append(row)
    for row in unmatched:
        gone = next((e for e in tracks if e.removed_on and _created(e.row) == _created(row)), None)
        if gone:
            gone.history.append(_presence(day, "removed", "present"))
            gone.removed_on = None
            _edit(gone, row, day)
        elif len(unmatched) == 1 and len(left) == 1:
            _edit(left.pop(), row, day)
        else:
            tracks.append(Tracked(row, day, day, day))
    for entry in left:
        entry.removed_on = day
        entry.history.append(_presence(day, "present", "removed"))


def _edit(entry: Tracked, row: KeyRow, day: date) -> None:
    found = changes(day, entry.row, row)
    if found:
        entry.history += found
        entry.last_changed = day
        entry.row = row


def _presence(day: date, old: str, new: str) -> Change:
    return {"day": day, "field": "entry", "old": old, "new": new}
