"""My usage: what is known of the viewer, and who else may see it. The same for every role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import activity, spend
from ai_usage.dashboard.viewers import Mode, Role, Viewer


def myself(viewer: Viewer) -> Viewer:
    """The viewer as one who sees themselves alone."""
    return replace(viewer, role=Role.SELF, cost_centers=frozenset())


def cost(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What the viewer cost, by month and platform over a year to the filters' last month."""
    return spend(published, myself(viewer), _year(filters), ["month", "platform"])


def done(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What the viewer did, by month over a year to the filters' last month."""
    return activity(published, myself(viewer), _year(filters), ["month"])


def days(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What the viewer cost, by day of the filters' months."""
    whole = Filters(filters.first, filters.last)
    return spend(published, myself(viewer), whole, ["date"])


def seats(published: Published, viewer: Viewer) -> pa.Table:
    """The viewer's seats today: the columns of `vw_idle_seats`."""
    return published.query(
        "SELECT * FROM seats WHERE user_email = $viewer ORDER BY seat_id",
        {"viewer": viewer.email},
    )


def budget(published: Published, viewer: Viewer, filters: Filters) -> dict[str, Any] | None:
    """The viewer's budget in the filters' last month: a row of `vw_budget_status`, or None."""
    found = published.rows(
        "SELECT * FROM budgets WHERE scope_type = 'person' AND scope_value = $viewer "
        "AND month = $month",
        {"viewer": viewer.email, "month": filters.last},
    )
    return found[0] if found else None


@dataclass(frozen=True)
class Onlooker:
    """Somebody who may see something of the viewer by name."""

    who: str
    role: Role
    money: bool
    behaviour: bool


def who_may_see_it(published: Published, viewer: Viewer) -> list[Onlooker]:
    """Who may see the viewer's dollars or behaviour by name: their leads today, then by role.

    A role is named once, `who` empty: `viewers.csv` says who has it.
    """
    leads = published.rows(
        """
WITH RECURSIVE chain AS (
  SELECT manager_email, 1 AS step FROM people
  WHERE user_email = $viewer AND is_current AND manager_email IS NOT NULL
  UNION
  SELECT p.manager_email, c.step + 1 FROM chain AS c
  JOIN people AS p ON p.user_email = c.manager_email AND p.is_current
  WHERE p.manager_email IS NOT NULL AND c.step < 30
)
SELECT manager_email, MIN(step) AS step FROM chain
WHERE manager_email != $viewer GROUP BY 1 ORDER BY 2
""",
        {"viewer": viewer.email},
    )
    is_open = viewer.mode is Mode.OPEN
    found = [Onlooker(row["manager_email"], Role.LEAD, True, is_open) for row in leads]
    found.append(Onlooker("", Role.ADMIN, True, is_open))
    # In team mode finance sees a person's dollars while they are over their budget.
    found.append(Onlooker("", Role.FINANCE, True, False))
    return found


def _year(filters: Filters) -> Filters:
    return Filters(Filters.of_month(filters.last).back(11).first, filters.last)
