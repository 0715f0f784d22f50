"""What each source of people says of a person, as a timeline. Merging sources is in `history`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from ai_usage.days.spans import FIRST_DAY, LAST_DAY, day_before
from ai_usage.identity.aliases import Aliases
from ai_usage.identity.following import follow
from ai_usage.identity.snapshots import Snapshot
from ai_usage.vendors.rows import Person

LIFECYCLE = ("is_active", "start_date", "end_date")
"""Taken together from one source: another source's end_date must not end a rehire."""

ATTRIBUTES = (
    *("user_id", "employee_id", "first_name", "last_name", "full_name", "display_name"),
    *("preferred_name", "department", "department_code", "team", "sub_team", "manager_email"),
    *("director_email", "cost_center", "job_title", "seniority_level", "employment_type"),
    *("location", "timezone", "ai_budget_monthly_usd", "approved_platforms"),
    "usage_restrictions",
)
"""What sources fill one by one: for each the strongest source that knows it counts."""

_TOLD = (*ATTRIBUTES, *LIFECYCLE)
_UNKNOWN = (None, "", ())

State = dict[str, Any]
"""A person as one source sees them: the attributes that it knows, and whether they are active."""
Point = tuple[date, State]
"""From this day on the state holds, until the next point."""
Rows = tuple[Any, ...]


def timelines(snapshots: Sequence[Snapshot], aliases: Aliases) -> dict[str, list[Point]]:
    """One source's view of every person it ever listed, by the person's own address.

    A timeline begins at `FIRST_DAY` with what was seen first: to learn something is no change.
    """
    changes = _changes(snapshots, aliases)
    return {email: _timeline(own, aliases) for email, own in changes.items()}


def _changes(
    snapshots: Sequence[Snapshot], aliases: Aliases
) -> dict[str, list[tuple[date, Rows | None]]]:
    """Per person the days on which their rows changed; None where they were gone."""
    changes: dict[str, list[tuple[date, Rows | None]]] = {}
    listed: dict[str, Rows] = {}
    for day, people, moved in follow(snapshots, aliases.owner):
        for email in moved:
            own = people.get(email)
            rows = None if own is None else _one_person(email, own)
            if listed.get(email) != rows:
                changes.setdefault(email, []).append((day, rows))
            if rows is None:
                listed.pop(email, None)
            else:
                listed[email] = rows
    return changes


def _one_person(email: str, rows: Sequence[Any]) -> Rows:
    """The rows of one person, in an order that does not depend on the snapshot's.

    Where one of them stands under the person's own address, those under an alias say no more.
    """
    if len(rows) == 1:
        return (rows[0],)
    if isinstance(rows[0], Person):
        return tuple(sorted(rows, key=repr))
    own = [row for row in rows if row["user_email"] == email]
    return tuple(sorted(own or rows, key=repr))


def _timeline(changes: list[tuple[date, Rows | None]], aliases: Aliases) -> list[Point]:
    newest = max(n for n, (_day, rows) in enumerate(changes) if rows is not None)
    if _is_dated(changes[newest][1]):
        # Dated lines are the person's history: what earlier snapshots said is superseded.
        changes = [(FIRST_DAY, changes[newest][1]), *changes[newest + 1 :]]
    points: list[Point] = []
    for n, (day, rows) in enumerate(changes):
        first = FIRST_DAY if n == 0 else day
        last = day_before(changes[n + 1][0]) if n + 1 < len(changes) else LAST_DAY
        if rows is None:
            points.append((first, {**points[-1][1], "is_active": False}))
        else:
            points += _clip(_points(rows, aliases), first, last)
    return points


def _is_dated(rows: Rows | None) -> bool:
    return any(
        not isinstance(row, Person) and row.get("effective_date") is not None for row in rows or ()
    )


def _clip(points: list[Point], first: date, last: date) -> list[Point]:
    """The points as seen from `first` to `last`: the state at `first`, then those that follow."""
    before = [state for day, state in points if day <= first]
    return [(first, before[-1]), *((d, s) for d, s in points if first < d <= last)]


def _points(rows: Rows, aliases: Aliases) -> list[Point]:
    """The timeline that one snapshot's rows of a person tell, from `FIRST_DAY` on."""
    if isinstance(rows[0], Person):
        return [(FIRST_DAY, _member_state(rows))]
    ordered = sorted(rows, key=lambda row: row.get("effective_date") or FIRST_DAY)
    points = [(row.get("effective_date") or FIRST_DAY, _row_state(row, aliases)) for row in ordered]
    return [(FIRST_DAY, points[0][1]), *points[1:]]


def _member_state(rows: Sequence[Person]) -> State:
    """A vendor knows a name and whether the account stands; its ids are not the company's."""
    names = [person.full_name for person in rows if person.full_name]
    active = any(not person.is_removed for person in rows)
    return {**({"full_name": min(names)} if names else {}), "is_active": active}


def _row_state(row: Any, aliases: Aliases) -> State:
    state = {name: value for name in _TOLD if (value := row.get(name)) not in _UNKNOWN}
    # Who is listed as inactive with an end_date was active until then: the date says more.
    state["is_active"] = state.get("is_active") is not False or "end_date" in state
    for column in ("manager_email", "director_email"):
        if column in state:
            state[column] = aliases.resolve(state[column])
    if "full_name" not in state:
        names = [state[name] for name in ("first_name", "last_name") if name in state]
        if names:
            state["full_name"] = " ".join(names)
    return state
