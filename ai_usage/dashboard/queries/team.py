"""A team: what it makes with the tools and what that costs, beside the others and its past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import (
    ForbiddenError,
    activity,
    notes_of,
    sees_behaviour,
    spend,
)
from ai_usage.dashboard.viewers import Persons, Viewer

NOBODY = frozenset({"Unattributed", "Shared"})
"""What is for no person is no team's."""


def teams(
    published: Published, viewer: Viewer, filters: Filters
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row a month and team that the viewer sees, over a year to the filters' last month.

    `month`, `team`, the measures of `scope.activity`, `total` (dollars) and what follows from
    both: `acceptance`, `cost_per_line`, `days_per_person`, `lines_per_person`, `cost_per_person`.
    And the sentences that must be read beside them.
    """
    whole = filters.having(first=filters.having(first=filters.last).back(11).first, team=())
    done = activity(published, viewer, whole, ["month", "team"])
    cost = spend(published, viewer, whole, ["month", "team"])
    dollars = {(row["month"], row["team"]): row["total"] for row in cost.to_pylist()}
    rows = [
        {**row, **_rates(row, dollars.get((row["month"], row["team"])))}
        for row in done.to_pylist()
        if row["team"] not in NOBODY
    ]
    return rows, [*notes_of(done), *notes_of(cost)]


def _rates(row: Mapping[str, Any], total: Decimal | None) -> dict[str, Any]:
    def over(upper: Any, lower: Any) -> Decimal | None:
        return Decimal(upper) / Decimal(lower) if upper is not None and lower else None

    return {
        "total": total,
        "acceptance": over(row["acceptance_lines_accepted"], row["acceptance_lines_added"]),
        "cost_per_line": over(total, row["lines_accepted"]),
        "days_per_person": over(row["active_days"], row["people"]),
        "lines_per_person": over(row["lines_accepted"], row["people"]),
        "cost_per_person": over(total, row["people"]),
    }


def median(values: list[Decimal]) -> Decimal | None:
    """The middle of the values, or the mean of the two in the middle."""
    found = sorted(values)
    if not found:
        return None
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2


def by_month(rows: list[dict[str, Any]], team: str) -> dict[date, dict[str, Any]]:
    """One team's rows by month."""
    return {row["month"]: row for row in rows if row["team"] == team}


def medians(rows: list[dict[str, Any]], month: date, names: list[str]) -> dict[str, Decimal | None]:
    """Of each measure the median over the month's teams that have it."""
    held: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        if row["month"] == month:
            for name in names:
                if row[name] is not None:
                    held[name].append(Decimal(row[name]))
    return {name: median(held[name]) for name in names}


def people(published: Published, viewer: Viewer, filters: Filters, team: str) -> pa.Table:
    """A team's people in the filters' last month: the columns of `vw_team_productivity`.

    Ranks and tiers are for who may see people's behaviour one by one: `ForbiddenError` else.
    """
    if not sees_behaviour(viewer) or viewer.rights.behaviour not in (Persons.ALL, Persons.PEOPLE):
        raise ForbiddenError("people are shown one by one to their lead alone, where it is open.")
    seen = activity(published, viewer, filters.having(first=filters.last, team=()), ["person"])
    names = [row["person"] for row in seen.to_pylist()]
    return published.query(
        """
SELECT * FROM productivity
WHERE month = $month AND team = $team AND list_contains($names, user_email)
ORDER BY productivity_rank, user_email
""",
        {"month": filters.last, "team": team, "names": names},
    )
