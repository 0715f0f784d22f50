"""What closed months refer to stays known, though the history of people was written anew since.

Facts of a closed month are locked and name versions of people by their keys. Where a corrected
history has no such version any more, its row is kept as it was reported, on a day before all
history: found by its key alone, never by a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from ai_usage.days.spans import LAST_DAY
from ai_usage.dimensions.surrogate_keys import surrogate_key
from ai_usage.identity.history import NO_DAY, People

DATA_SOURCE = "closed months"
"""`data_source` of versions that only closed months know."""

NOBODY = "Unassigned"
"""What reports say where a person has no department, team or cost centre."""


class Reported(NamedTuple):
    """A version of a person and the cost centre that bore its cost, as a closed month has them."""

    user_sk: int
    user_email: str
    full_name: str | None
    department: str
    team: str
    cost_center: str
    month: date | None = None
    """The closed month, by its first day: whose the address was in it."""


def with_reported_users(
    rows: Sequence[dict[str, Any]],
    reported: Iterable[Reported],
    now: datetime,
    people: People | None = None,
) -> list[dict[str, Any]]:
    """Rows of `dim_users`, and those that only closed months know: of whoever `people` says."""
    known = {row["user_sk"] for row in rows}
    names = {row["person_id"]: row["person"] for row in rows}
    lost = {one.user_sk: one for one in reported if one.user_sk not in known}
    return [
        *rows,
        *(
            {
                "user_sk": one.user_sk,
                "user_email": one.user_email,
                "person_id": (person := _person_id(one, people)),
                "person": names.get(person, one.user_email),
                "full_name": one.full_name,
                "department": None if one.department == NOBODY else one.department,
                "team": None if one.team == NOBODY else one.team,
                "approved_platforms": [],
                "identity_doubts": [],
                "is_active": False,
                "effective_date": NO_DAY.first,
                "expiration_date": NO_DAY.last,
                "is_current": False,
                "created_timestamp": now,
                "updated_timestamp": now,
                "data_source": DATA_SOURCE,
            }
            for _, one in sorted(lost.items())
        ),
    ]


def _person_id(one: Reported, people: People | None) -> str:
    if people is None:
        return one.user_email
    day = one.month or LAST_DAY
    # What was an address of its own may be an alias by now.
    own = people.aliases.resolve(one.user_email)
    version = people.on(one.user_email, day) or people.on(own, day)
    return version.person_id if version else one.user_email


def with_reported_cost_centers(
    rows: Sequence[dict[str, Any]], reported: Iterable[Reported], now: datetime
) -> list[dict[str, Any]]:
    """Rows of `dim_cost_centers`, and those that only closed months know."""
    known = {row["cost_center"] for row in rows}
    lost = {one.cost_center for one in reported} - known - {NOBODY}
    return [
        *rows,
        *(
            {
                "cost_center_sk": surrogate_key(name),
                "cost_center": name,
                "departments": [],
                "is_active": False,
                "created_timestamp": now,
                "updated_timestamp": now,
            }
            for name in sorted(lost)
        ),
    ]
