"""The server: one gate before everything, and headers by which the browser asks nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.dashboard.feedback import Feedback
from ai_usage.dashboard.page_cache import PageCache
from ai_usage.dashboard.pages.context import State
from ai_usage.dashboard.pages.frame import menu
from ai_usage.dashboard.pages.parts import Link
from ai_usage.dashboard.pages.rendering import message_html
from ai_usage.dashboard.pages.routes import routes
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.dashboard.viewers import Viewer
from ai_usage.errors import WarehouseError
from ai_usage.warehouse.base import Warehouse

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

SECURITY_HEADERS: dict[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' "
    "'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer. A page's figures are nobody else's: no cache keeps them; static files say so."""


@dataclass(frozen=True)
class SignIn:
    """How people are told apart. `header` is None without sign-in: everybody is the owner.

    `peers` are the addresses of the proxies whose header is believed; `hosts` the names under which
    the pages are asked for, and from which their own forms and scripts come.
    """

    header: str | None = None
    peers: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset(LOOPBACK)


class Gate:
    """Refuse whoever is not signed in, before anything else: plain ASGI, so websockets too."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self.app = app
        self.sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request of a known person under a known name, refuse any other."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        who = self._who(scope)
        # No page of ours uses a websocket: there is none to guard, and none to leave open.
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if who is None:
            refused = PlainTextResponse("Sign in at the proxy.", 403, SECURITY_HEADERS)
            await refused(scope, receive, send)
            return
        scope["viewer_email"] = who
        await self.app(scope, receive, _with_headers(send))

    def _who(self, scope: Scope) -> str | None:
        """The address of who asks, empty for the owner; None to refuse."""
        headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]]
        host = [value for name, value in headers if name == "host"]
        # A name that is not ours is another site's that points here (DNS rebinding).
        if len(host) != 1 or _name_of(host[0]) not in self.sign_in.hosts:
            return None
        origin = {value for name, value in headers if name == "origin"}
        if any(_origin_host(value) not in self.sign_in.hosts for value in origin):
            return None
        if self.sign_in.header is None:
            return ""
        client = scope.get("client")
        if client is None or client[0] not in self.sign_in.peers:
            return None
        trusted = self.sign_in.header.lower()
        said: list[str] = [value.strip() for name, value in headers if name == trusted]
        if len(said) != 1 or not said[0] or "," in said[0]:
            return None
        return said[0].lower()


def _name_of(host: str) -> str:
    """A Host header without its port."""
    return (host.rsplit(":", 1)[0] if ":" in host.rsplit("]", 1)[-1] else host).lower()


def _origin_host(origin: str) -> str:
    return _name_of(urlsplit(origin).netloc)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _value in message.setdefault("headers", [])}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in SECURITY_HEADERS.items()
                    if name.encode() not in given
                ),
            ]
        await send(message)

    return sending


def build_app(
    published: Published,
    viewer_of: Callable[[str], Viewer],
    sign_in: SignIn = SignIn(),
    *,
    warehouse: Callable[[], Warehouse] | None = None,
    ui_url: str = "",
    feedback: Feedback | None = None,
) -> Starlette:
    """The pages over a copy. `viewer_of` says who an address is, asked anew at every request.

    `warehouse`, `ui_url` and `feedback` are those of `State`.
    """
    app = Starlette(
        routes=list(routes()),
        middleware=[
            Middleware(Gate, sign_in=sign_in),
            Middleware(PageCache, published=published, viewer_of=viewer_of),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={
            WarehouseError: _nothing_published,
            ForbiddenError: _forbidden,
            HTTPException: _refused,
            Exception: _failed,
        },
    )
    app.state.dashboard = State(published, viewer_of, warehouse, ui_url, feedback)
    return app


def _nothing_published(_request: Request, error: Exception) -> Response:
    text = message_html("There is nothing to show yet", str(error), Link("Try again", "/"))
    return HTMLResponse(text, 503)


def _forbidden(request: Request, error: Exception) -> Response:
    state: State = request.app.state.dashboard
    text = str(error)
    shown = message_html(
        "Not for your role",
        text[0].upper() + text[1:],
        Link("My usage", "/me"),
        menu=menu(state.viewer_of(request.scope["viewer_email"])),
    )
    return HTMLResponse(shown, 403)


def _refused(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        text = message_html("There is no such page", "The address leads nowhere.", _HOME)
    else:
        text = message_html("That did not work", f"The server answers {status}.", _HOME)
    return HTMLResponse(text, status)


def _failed(_request: Request, _error: Exception) -> Response:
    """What went wrong stands in the server's log: a page must not tell of it."""
    text = message_html(
        "Something went wrong",
        "The log of the server says what. No figure is affected.",
        _HOME,
    )
    # This answer is made outside of the gate, which adds the headers to all others.
    return HTMLResponse(text, 500, SECURITY_HEADERS)


_HOME = Link("To the overview", "/")
