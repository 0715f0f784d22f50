"""A proposal for the next quarter's budgets, for who sees what each of them has cost."""

from __future__ import annotations

from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError, sees_people
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.finance.proposal import Proposal, propose, spent


def may_propose(viewer: Viewer) -> bool:
    """Whether the viewer sees all cost by person: a proposal has a line for each."""
    return sees_people(viewer) and viewer.rights.rows is Rows.ALL


def proposal(published: Published, viewer: Viewer) -> Proposal:
    """The proposal from the last final months of the copy; of own cost centres where limited.

    Raises `ForbiddenError` for who does not see all cost by person.
    """
    if not may_propose(viewer):
        raise ForbiddenError("a proposal has a line for each person: your role sees none.")
    where, own = "TRUE", sorted(viewer.cost_centers)
    if own:
        where = "scope_type = 'cost_center' AND list_contains($own, scope_value)"
    rows = published.rows(f"SELECT * FROM budgets WHERE {where}", {"own": own} if own else None)
    return propose(map(spent, rows), published.about.as_of)
