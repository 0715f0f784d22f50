"""`/budgets/proposal.csv`: the next quarter's budgets as lines of `budgets.csv`, to edit."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ai_usage.dashboard.pages.context import asked
from ai_usage.dashboard.pages.exports import file_response
from ai_usage.dashboard.queries.proposal import proposal
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.finance.proposal import proposal_csv


def export(request: Request) -> Response:
    """The proposal of the copy's last final months."""
    what = asked(request)
    try:
        found = proposal(what.published, what.viewer)
    except ForbiddenError as error:
        return PlainTextResponse(f"Not for your role: {error}\n", 403)
    return file_response(proposal_csv(found), f"ai-usage-budgets-proposal-{found.first:%Y-%m}")
