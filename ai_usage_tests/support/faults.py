"""Watching what is asked of the simulated vendors; what goes wrong there is its own `FaultPlan`."""

from __future__ import annotations

from collections.abc import Callable

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.simulator.http import Guard


def watching(see: Callable[[Request], None]) -> Middleware:
    """Calls `see` at every request, which is then answered as ever."""

    def check(request: Request) -> Response | None:
        see(request)
        return None

    return Middleware(Guard, check=check)
