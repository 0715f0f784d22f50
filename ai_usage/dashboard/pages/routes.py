"""Every address of the dashboard and its handler."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from ai_usage.dashboard.pages import overview


def routes() -> Sequence[BaseRoute]:
    """The routes, in the order in which they are tried."""
    return [Route("/", overview.page)]
