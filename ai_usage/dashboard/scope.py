"""What a viewer may see of a sum: which rows, by whom, and what is too small to be told apart.

Every sum of every page, export and report comes from `spend` or `activity`. They limit rows to the
viewer's, and give who may not see people one by one only what `released` lets out. No query of a
page repeats or goes around this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.cells import (
    BEHAVIOUR_FAMILIES,
    MONEY_FAMILIES,
    days_of_everybody,
    released_sums,
)
from ai_usage.dashboard.cohorts import COVERED, cohort_rows, counted_people, hidden_people
from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.measures import ACTIVITY, DOLLARS, sql_of
from ai_usage.dashboard.notes import noted, notes_of
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.recent import Recent
from ai_usage.dashboard.rows import USAGE_DIMENSIONS, Source, cost_source, usage_source
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.errors import AiUsageError

__all__ = [
    "ForbiddenError",
    "activity",
    "noted",
    "notes_of",
    "sees_behaviour",
    "sees_people",
    "spend",
]


class ForbiddenError(AiUsageError):
    """The viewer's role does not see what was asked for."""


def spend(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension] = ()
) -> pa.Table:
    """Dollars by the dimensions, over the filters' months and selections.

    One row a group, ordered by the dimensions: these, then the measures of `measures.DOLLARS`
    (Decimal, US dollars, exact), `people` (who bear any of it) and `is_merged` (the row stands for
    several groups of few people). Whatever the dimensions, `total` adds up to the same: what the
    viewer's rows cost. To who may not see people, only `total` and `people` are told by group; its
    parts are NULL. `notes_of` says what was left out of the selections, and why.

    Raises `ForbiddenError` where the viewer may not see anything by one of the dimensions.
    """
    return _once(_spend, published, viewer, filters, by)


def _spend(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension]
) -> pa.Table:
    if sees_people(viewer):
        return _grouped(published, cost_source(viewer, filters, by), by, DOLLARS)
    kept, notes = _without_people(filters)
    if "date" in by:
        return days_of_everybody(published, viewer, kept, by)
    families = MONEY_FAMILIES
    kept, more = _coverable(kept, by, families)
    return released_sums(published, viewer, kept, by, "money", [*notes, *more])


def activity(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension] = ()
) -> pa.Table:
    """What was done with the tools, by the dimensions: the measures of `measures.ACTIVITY`.

    As `spend`, over usage: cost centres, projects, models, keys and kinds of cost are left out of
    the selections, for usage has none. NULL is what no tool reports, or fewer people than may be
    told apart did.
    """
    return _once(_activity, published, viewer, filters, by)


def _activity(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension]
) -> pa.Table:
    kept, notes = _of_usage(filters)
    if any(name not in USAGE_DIMENSIONS for name in by):
        raise ForbiddenError(f"usage is not known by {', '.join(by)}")
    if sees_behaviour(viewer):
        table = _grouped(published, usage_source(viewer, kept), by, ACTIVITY)
        return noted(table, notes)
    kept, more = _without_people(kept)
    kept, left = _coverable(kept, by, BEHAVIOUR_FAMILIES)
    return released_sums(published, viewer, kept, by, "behaviour", [*notes, *more, *left])


_answers = Recent(500)


def _once(
    ask: Callable[[Published, Viewer, Filters, Sequence[Dimension]], pa.Table],
    published: Published,
    viewer: Viewer,
    filters: Filters,
    by: Sequence[Dimension],
) -> pa.Table:
    """The answer, kept for who sees the same rows of the same copy in the same way."""
    asked = filters.having(by="", sort="")
    key = (ask, published.path, published.key, viewer.cache_scope, asked, tuple(by))
    found: pa.Table | None = _answers.get(key)
    if found is None:
        found = ask(published, viewer, asked, by)
        _answers.put(key, found)
    return found


def sees_people(viewer: Viewer) -> bool:
    """Whether the viewer's money may be shown by person: of all rows, or they are all their own."""
    return viewer.sees_people or viewer.rights.rows is Rows.SELF


def sees_behaviour(viewer: Viewer) -> bool:
    """Whether the viewer's rows of usage may be shown by person."""
    return viewer.sees_behaviour or viewer.rights.rows is Rows.SELF


def _grouped(
    published: Published, source: Source, by: Sequence[Dimension], measures: dict[str, str]
) -> pa.Table:
    keys = "".join(f"{source.columns[name]} AS {name}, " for name in by)
    groups = ", ".join(source.columns[name] for name in by)
    sql = f"{source.ctes} SELECT {keys}{sql_of(measures)}, FALSE AS is_merged FROM {source.rows}"
    if by:
        sql += f" GROUP BY {groups} ORDER BY {', '.join(str(i + 1) for i in range(len(by)))}"
    return published.query(sql, source.values)


def _without_people(filters: Filters) -> tuple[Filters, list[str]]:
    """The filters as a role that sees no people has them."""
    notes: list[str] = []
    changes: dict[str, Any] = {}
    for name in ("person", "key"):
        if getattr(filters, name):
            changes[name] = ()
            notes.append(f"Your role sees no single people: the selection by {name} is left out.")
    if filters.org == "now":
        changes["org"] = "then"
        notes.append(
            "Your role sees the organisation as it was: beside today's, one mover could be told."
        )
    return (filters.having(**changes, page=filters.page) if changes else filters), notes


def _of_usage(filters: Filters) -> tuple[Filters, list[str]]:
    left = [name for name in filters.selected if name not in USAGE_DIMENSIONS]
    if not left:
        return filters, []
    words = ", ".join(name.replace("_", " ") for name in left)
    without = filters.having(page=filters.page, **dict.fromkeys(left, ()))
    return without, [f"Usage has no {words}: that selection is left out of it."]


def _coverable(
    filters: Filters, by: Sequence[Dimension], families: Collection[tuple[str, ...]]
) -> tuple[Filters, list[str]]:
    """Leave selections out until one family of cells covers what is selected and grouped by."""
    grouped = {name for name in by if name != "month"}
    if not any(grouped <= set(family) for family in families):
        raise ForbiddenError(
            f"your role sees nothing by {' and '.join(by)}: fewer people than "
            "may be told apart stand behind it."
        )
    kept = dict(filters.selected)
    left: list[str] = []
    while not any(grouped | set(kept) <= set(family) for family in families):
        name = list(kept)[-1]
        del kept[name]
        left.append(name)
    if not left:
        return filters, []
    words = ", ".join(name.replace("_", " ") for name in left)
    changes: dict[str, Any] = dict.fromkeys(left, ())
    return filters.having(page=filters.page, **changes), [
        f"The selection by {words} is left out: beside the others it would tell of fewer people "
        "than may be told apart."
    ]


def cohorts(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension] = ()
) -> pa.Table:
    """People by month, the dimensions (team or department) and how much they use the tools.

    To who may not see behaviour by person, groups of too few people are merged: the sums over a
    month stay the same.
    """
    return _once(_cohorts, published, viewer, filters, by)


def _cohorts(
    published: Published, viewer: Viewer, filters: Filters, by: Sequence[Dimension]
) -> pa.Table:
    kept, notes = _of_usage(filters)
    if sees_behaviour(viewer):
        return noted(counted_people(published.query(*cohort_rows(viewer, kept)), by), notes)
    kept, more = _without_people(kept)
    kept, left = _coverable(kept, by, COVERED)
    everybody = kept.having(team=(), department=())
    selected = {name: of for name, of in kept.selected.items() if name not in everybody.selected}
    rows = published.query(*cohort_rows(viewer, everybody))
    return noted(hidden_people(rows, by, selected, viewer.smallest_group), [*notes, *more, *left])
