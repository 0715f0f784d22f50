"""A month's chargeback: the command's own lines, from the copy, for who sees all of its dollars."""

from __future__ import annotations

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Viewer
from ai_usage.finance.chargeback import Line, charge_rows


def may_charge(viewer: Viewer) -> bool:
    """Whether the viewer sees each person's dollars, and all cost centres.

    A cost centre of few people is a line like any other, and lines are rounded over all of them:
    there is no chargeback of a part, and none with groups merged.
    """
    return viewer.sees_every_dollar


def chargeback(published: Published, viewer: Viewer, filters: Filters) -> list[Line]:
    """The lines of the filters' last month, in cents that sum to its facts; none without cost.

    Raises `ForbiddenError` for who does not see every person's dollars in all cost centres.
    """
    if not may_charge(viewer):
        raise ForbiddenError(
            "a chargeback has a line for each cost centre, of however few people: it is for who "
            "sees every person's dollars."
        )
    return charge_rows(
        published.rows("SELECT * FROM charges WHERE month = $month", {"month": filters.last})
    )
