"""Stands between the client and BigQuery's API: keeps what was asked, and answers amiss on demand.

What a quota, a server in trouble or a lost race look like on the wire is Google's documented error
body; everything that no fault is planted for is passed on to the emulator.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from ai_usage_tests.support.loopback import served

_NOT_PASSED_ON = {"transfer-encoding", "connection", "content-length"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body of a request that has one in JSON; empty for any other."""
        try:
            return dict(json.loads(self.body))
        except ValueError:
            return {}


@dataclass
class Fault:
    """So many answers of an error, to requests of a method whose path holds a text.

    With a status of success the message is the answer's whole body.
    """

    method: str
    path: str
    status: int
    reason: str
    message: str
    times: int = 1
    holding: str = ""
    """A text that the request's body must hold."""
    landed: bool = False
    """Whether the request is passed on all the same: it did its work, its answer is lost."""

    def meets(self, asked: Asked) -> bool:
        """Whether the request is one to be answered amiss; counts it."""
        if self.times == 0 or asked.method != self.method or self.path not in asked.path:
            return False
        if self.holding.encode() not in asked.body:
            return False
        self.times -= 1
        return True

    def body(self) -> bytes:
        """The error as Google's API words it."""
        if self.status < 400:
            return self.message.encode()
        each = {"reason": self.reason, "message": self.message, "domain": "global"}
        error = {"code": self.status, "message": self.message, "errors": [each]}
        return json.dumps({"error": error}).encode()


@dataclass
class Meanwhile:
    """What happens elsewhere once, just before a request is passed on that holds a text."""

    holding: str
    happens: Callable[[], object]


@dataclass
class Proxy:
    """What was asked, the faults that wait to be answered, and what happens in between."""

    endpoint: str = ""
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    meanwhile: list[Meanwhile] = field(default_factory=list)

    def due(self, asked: Asked) -> Meanwhile | None:
        """What happens before this request; it happens once."""
        for each in self.meanwhile:
            if each.holding.encode() in asked.body:
                self.meanwhile.remove(each)
                return each
        return None


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """A proxy on loopback before the emulator at `upstream`."""
    proxy = Proxy()
    lock = threading.Lock()
    target = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            with lock:
                proxy.asked.append(asked)
                fault = next((f for f in proxy.faults if f.meets(asked)), None)
                due = proxy.due(asked)
            if due is not None:
                due.happens()
            if fault is not None and not fault.landed:
                self._answer(fault.status, {"Content-Type": "application/json"}, fault.body())
                return
            connection = http.client.HTTPConnection(target, timeout=300)
            try:
                # With the Host that was asked: an upload is answered with an address to go on at.
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if fault is not None:
                self._answer(fault.status, {"Content-Type": "application/json"}, fault.body())
                return
            self._answer(answer.status, dict(answer.getheaders()), content)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with served(Handler) as proxy.endpoint:
        yield proxy
