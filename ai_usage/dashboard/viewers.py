"""Who looks, and what their role lets them see: the table of roles as data.

A role comes from `viewers.csv`; who leads whom from the tree of people in the copy, as it was on
each day that is shown. Who is in neither sees what is known of themselves alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SMALLEST_GROUP = 5
"""Below so many people that are active in a cell, it is merged with others."""


class Role(StrEnum):
    """What a viewer is to the company's costs."""

    SELF = "self"
    LEAD = "lead"
    FINANCE = "finance"
    EXECUTIVE = "executive"
    ADMIN = "admin"


class Mode(StrEnum):
    """How open the company is with what single people spend and do."""

    OPEN = "open"
    TEAM = "team"


class Persons(StrEnum):
    """Of which people a viewer may see single figures. Their own they always see."""

    ALL = "all"
    PEOPLE = "people"
    OVER_BUDGET = "over_budget"
    NONE = "none"


class Rows(StrEnum):
    """Which rows a viewer's sums are made of."""

    ALL = "all"
    PEOPLE = "people"
    SELF = "self"


@dataclass(frozen=True)
class Rights:
    """What a role sees: the rows, and of which people dollars and behaviour one by one."""

    rows: Rows
    money: Persons
    behaviour: Persons


_SELF = Rights(Rows.SELF, Persons.NONE, Persons.NONE)
_EXECUTIVE = Rights(Rows.ALL, Persons.NONE, Persons.NONE)

RIGHTS: Mapping[tuple[Role, Mode], Rights] = {
    (Role.SELF, Mode.OPEN): _SELF,
    (Role.SELF, Mode.TEAM): _SELF,
    (Role.LEAD, Mode.OPEN): Rights(Rows.PEOPLE, Persons.PEOPLE, Persons.PEOPLE),
    (Role.LEAD, Mode.TEAM): Rights(Rows.PEOPLE, Persons.PEOPLE, Persons.NONE),
    (Role.FINANCE, Mode.OPEN): Rights(Rows.ALL, Persons.ALL, Persons.NONE),
    (Role.FINANCE, Mode.TEAM): Rights(Rows.ALL, Persons.OVER_BUDGET, Persons.NONE),
    (Role.EXECUTIVE, Mode.OPEN): _EXECUTIVE,
    (Role.EXECUTIVE, Mode.TEAM): _EXECUTIVE,
    (Role.ADMIN, Mode.OPEN): Rights(Rows.ALL, Persons.ALL, Persons.ALL),
    (Role.ADMIN, Mode.TEAM): Rights(Rows.ALL, Persons.ALL, Persons.NONE),
}
"""Role and mode -> what is seen. What is exported is what is seen."""


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks at the pages.

    `email` is empty for a machine's owner without a name. `cost_centers` limit the rows of finance
    and executives; empty: all. `smallest_group` is never below 5.
    """

    email: str
    role: Role
    mode: Mode
    cost_centers: frozenset[str] = frozenset()
    smallest_group: int = SMALLEST_GROUP

    @property
    def rights(self) -> Rights:
        """What the viewer may see."""
        return RIGHTS[self.role, self.mode]

    @property
    def sees_people(self) -> bool:
        """Whether every row of the viewer's money may be shown by person."""
        return self.rights.money in (Persons.ALL, Persons.PEOPLE)

    @property
    def sees_every_dollar(self) -> bool:
        """Whether the viewer sees the dollars of every person in all cost centres."""
        return (
            self.rights.money is Persons.ALL
            and self.rights.rows is Rows.ALL
            and not self.cost_centers
        )

    @property
    def sees_behaviour(self) -> bool:
        """Whether every row of the viewer's usage may be shown by person."""
        return self.rights.behaviour in (Persons.ALL, Persons.PEOPLE)

    @property
    def rows_scope(self) -> tuple[object, ...]:
        """What distinguishes this viewer's rows, and what of them hides whom, from others'."""
        whose = "" if self.rights.rows is Rows.ALL else self.email
        return self.rights.rows, whose, self.cost_centers, self.smallest_group

    @property
    def cache_scope(self) -> tuple[object, ...]:
        """What distinguishes this viewer's answers from others': part of every cache's key."""
        return self.role, self.mode, *self.rows_scope
