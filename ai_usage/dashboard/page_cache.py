"""Pages that are asked for again within a minute, as they were sent, compressed and all.

Plain ASGI, behind the gate and before everything else. The key holds the copy's identity and all
that the viewer may see, looked up anew at every request: a role that is taken away takes effect at
once. What a minute changes on a page - how old its figures are - may be a minute late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.dashboard.published import Published
from ai_usage.dashboard.recent import Recent
from ai_usage.dashboard.viewers import Viewer
from ai_usage.errors import WarehouseError

KEPT_SECONDS = 60.0
MOST_BYTES = 1_000_000
_HTML = b"text/html"


class PageCache:
    """Answers a GET of a page from memory where the same was sent to the same viewer just now."""

    def __init__(
        self, app: ASGIApp, published: Published, viewer_of: Callable[[str], Viewer]
    ) -> None:
        self.app = app
        self._published = published
        self._viewer_of = viewer_of
        self._pages = Recent(200)
        self._round = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is kept, else let it be made, and keep it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            # What somebody sends may change what a page shows.
            self._round += 1
            await self.app(scope, receive, send)
            return
        key = self._key(scope)
        kept = None if key is None else self._pages.get(key)
        if kept is not None and kept[0] > time.monotonic():
            for message in kept[1]:
                await send(dict(message))
            return
        sent: list[Message] = []

        async def keeping(message: Message) -> None:
            sent.append(dict(message))
            await send(message)

        await self.app(scope, receive, keeping if key is not None else send)
        if key is not None and _is_a_page(sent):
            self._pages.put(key, (time.monotonic() + KEPT_SECONDS, sent))

    def _key(self, scope: Scope) -> tuple[Any, ...] | None:
        try:
            copy = self._published.key
            viewer = self._viewer_of(scope["viewer_email"])
        except WarehouseError:
            return None
        headers = {name: value for name, value in scope["headers"] if name in _TOLD_APART}
        return (
            self._round,
            copy,
            viewer,
            scope["path"],
            scope["query_string"],
            tuple(sorted(headers.items())),
        )


_TOLD_APART = (b"accept-encoding", b"accept", b"cookie")


def _is_a_page(sent: list[Message]) -> bool:
    if not sent or sent[0]["type"] != "http.response.start" or sent[0]["status"] != 200:
        return False
    headers = dict(sent[0].get("headers", []))
    size = sum(len(message.get("body", b"")) for message in sent)
    return headers.get(b"content-type", b"").startswith(_HTML) and size <= MOST_BYTES
