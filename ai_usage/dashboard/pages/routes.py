"""Every address of the dashboard and its handler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ai_usage.dashboard.pages import (
    adoption,
    approval,
    assets,
    budgets,
    chargeback,
    close,
    evidence,
    me,
    overview,
    proposal,
    seats,
    spend,
    team,
    trust,
)
from ai_usage.dashboard.pages.context import State
from ai_usage.dashboard.pages.exports import csv_route
from ai_usage.dashboard.pages.frame import copy_name
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Role


def routes() -> Sequence[BaseRoute]:
    """The routes, in the order in which they are tried."""
    company = [
        Route("/", overview.page),
        Route("/spend", spend.page),
        Route("/spend/groups.csv", csv_route(spend.table)),
        Route("/budgets", budgets.page),
        Route("/budgets/budgets.csv", csv_route(budgets.table, one_month=True)),
        Route("/budgets/proposal.csv", proposal.export),
        Route("/close", close.page),
        Route("/close/cycles.csv", csv_route(close.table, one_month=True)),
        Route(chargeback.PATH, chargeback.export),
        Route("/seats", seats.page),
        Route("/seats/wasted.csv", csv_route(seats.table)),
        Route("/seats/waste.csv", csv_route(seats.waste_table)),
        Route("/team", team.page),
        Route("/team/teams.csv", csv_route(team.table, one_month=True)),
        Route("/team/people.csv", csv_route(team.people_table, one_month=True)),
        Route("/adoption", adoption.page),
        Route("/adoption/groups.csv", csv_route(adoption.table, one_month=True)),
        Route("/trust", trust.page),
        Route("/trust/freshness.csv", csv_route(trust.fresh_table, one_month=True)),
        Route("/trust/gaps.csv", csv_route(trust.gaps_table, one_month=True)),
        Route("/trust/checks.csv", csv_route(trust.checks_table, one_month=True)),
        Route("/trust/restatements.csv", csv_route(trust.later_table, one_month=True)),
    ]
    own = [
        Route("/me", me.page),
        Route("/me/months.csv", csv_route(me.table, one_month=True)),
        Route("/evidence", evidence.page),
        Route("/evidence.csv", evidence.export),
        Route("/copy", copy),
        Route(approval.PATH, approval.keep, methods=["POST"]),
        Route(assets.PATH, assets.serve),
    ]
    return [*(Route(route.path, _with_role(route.endpoint)) for route in company), *own]


def _with_role(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The handler for who has a role. Who has none sees what is known of themselves alone."""

    def only(request: Request) -> Response:
        state: State = request.app.state.dashboard
        viewer = state.viewer_of(request.scope["viewer_email"])
        if viewer.role is not Role.SELF:
            return handler(request)
        if request.url.path == "/":
            return RedirectResponse("/me")
        raise ForbiddenError("you have no role here: what is known of you is on My usage.")

    return only


def copy(request: Request) -> Response:
    """`/copy`: which copy is there now, by which open pages notice a newer one."""
    state: State = request.app.state.dashboard
    return JSONResponse({"copy": copy_name(state.published)})
