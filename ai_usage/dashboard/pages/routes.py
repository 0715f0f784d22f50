"""Every address of the dashboard and its handler."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from ai_usage.dashboard.pages import budgets, close, overview, seats, spend, team
from ai_usage.dashboard.pages.assets import PATH, serve


def routes() -> Sequence[BaseRoute]:
    """The routes, in the order in which they are tried."""
    return [
        Route("/", overview.page),
        Route("/spend", spend.page),
        Route("/budgets", budgets.page),
        Route("/close", close.page),
        Route("/seats", seats.page),
        Route("/team", team.page),
        Route(PATH, serve),
    ]
