"""Faults between the pipeline and the simulated vendors, as middleware for `simulator.serve`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.simulator.http import Guard

Fault = Literal["500", "html", "cut"]


def watching(see: Callable[[Request], None]) -> Middleware:
    """Calls `see` at every request, which is then answered as ever."""

    def check(request: Request) -> Response | None:
        see(request)
        return None

    return Middleware(Guard, check=check)


def failing(path: str, fault: Fault, *, from_request: int = 1) -> Middleware:
    """Requests for a path that contains `path` fail, from the given one on (counted from 1)."""
    if fault == "cut":
        return Middleware(_Cut, path=path, from_request=from_request)
    seen = 0

    def check(request: Request) -> Response | None:
        nonlocal seen
        if path not in request.url.path:
            return None
        seen += 1
        if seen < from_request:
            return None
        if fault == "500":
            return Response('{"error": "out of order"}', 500, media_type="application/json")
        return Response("<!doctype html><title>Sign in</title>", 200, media_type="text/html")

    return Middleware(Guard, check=check)


class _Cut:
    """Sends the first half of the answer as if it were the whole."""

    def __init__(self, app: ASGIApp, path: str, from_request: int) -> None:
        self._app = app
        self._path = path
        self._left = from_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._path not in scope["path"]:
            await self._app(scope, receive, send)
            return
        self._left -= 1
        if self._left > 0:
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, collect)
        body = b"".join(parts)
        half = Response(body[: len(body) // 2], 200, media_type="application/json")
        await half(scope, receive, send)
