"""What the vendors' endpoints share: answers, refusals, and the company behind a request.

No vendor's shape belongs here; each vendor module says how its refusals look.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ai_usage.simulator.company import Company

CompanySource = Callable[[], Company]
VIEW = "ai_usage.view"
"""Key of a request's scope: how a fault lets the request see the company."""
Endpoint = Callable[[Request], Awaitable[Response]]
_encoder = msgspec.json.Encoder()


class RefusedError(Exception):
    """A request the vendor refuses; `kind` is the vendor's own word for the error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(_encoder.encode(body), status, media_type="application/json")


def _refusing(
    refusal: Callable[[int, str], Response],
) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """The handlers by which an app answers refusals, unknown paths and methods too.

    `refusal` gives the vendor's own form of a status and a message.
    """

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, RefusedError):
            return refusal(error.status, error.message)
        if isinstance(error, HTTPException):
            return refusal(error.status_code, error.detail)
        raise error

    return {RefusedError: refused, HTTPException: refused}


def encode(value: Any) -> msgspec.Raw:
    """JSON made once and put into answers as it is."""
    return msgspec.Raw(_encoder.encode(value))


def company_of(request: Request) -> Company:
    """The company that answers this request."""
    source: CompanySource = request.app.state.company
    company = source()
    view: Callable[[Company], Company] | None = request.scope.get(VIEW)
    return company if view is None else view(company)


class Guard:
    """ASGI middleware that lets a request pass or answers in its place."""

    def __init__(self, app: ASGIApp, check: Callable[[Request], Response | None]) -> None:
        self._app = app
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the check about HTTP requests; everything else passes."""
        if scope["type"] == "http":
            refusal = self._check(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def vendor_app(
    company: CompanySource,
    routes: Sequence[BaseRoute],
    refusal: Callable[[int, str], Response],
    check: Callable[[Request], Response | None],
) -> Starlette:
    """A vendor's API, with its own form of a refusal; `check` refuses whom it does not know."""
    app = Starlette(
        routes=routes,
        exception_handlers=_refusing(refusal),
        middleware=[Middleware(Guard, check=check)],
    )
    app.state.company = company
    return app


def page_token(query: str, offset: int) -> str:
    """An opaque token for the page at `offset` of exactly this query."""
    digest = hashlib.blake2b(query.encode(), digest_size=6).hexdigest()
    return "page_" + base64.urlsafe_b64encode(f"{digest}:{offset}".encode()).decode().rstrip("=")


def page_offset(query: str, token: str) -> int | None:
    """The offset in a token, or None where it is unreadable or made for another query."""
    text = token.removeprefix("page_")
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except ValueError:  # no base64, or not ours
        return None
    offset = decoded.rpartition(":")[2]
    if not offset.isdecimal() or page_token(query, int(offset)) != token:
        return None
    return int(offset)
