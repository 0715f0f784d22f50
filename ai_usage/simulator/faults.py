"""Faults that the simulated vendors can be told to show: which, where, at which requests.

One plan serves tests and `ai-usage simulate --fault`. It stands between the network and the
vendors: nothing of a vendor's own belongs here, and nothing of the pipeline's.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import reduce
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.simulator.amendments import late, restated
from ai_usage.simulator.company import Company
from ai_usage.simulator.http import VIEW, answer
from ai_usage.simulator.pages import (
    Change,
    add_unknown_enum,
    add_unknown_field,
    add_wrong_types,
    count_one_less,
    decoded,
    drop_first,
    encoded,
    is_later_page,
    last_record,
    push_down,
    stray_token,
)

KINDS: Final[dict[str, str]] = {
    "timeout": "the answer comes after VALUE seconds (default 90)",
    "cut": "the connection breaks in the middle of the answer",
    "truncated": "half of the JSON, as if it were the whole",
    "html": "a sign-in page instead of JSON",
    "empty": "200 without a body",
    "repeated-page": "the page before once more",
    "shifting-page": "a new record pushes the last one of the page before onto this page",
    "stray-token": "the end is reached, and yet a next page is named",
    "wrong-type": "a record whose values are of another type",
    "unknown-enum": "a record with a value that nobody has heard of",
    "unknown-field": "the answer and its records with a field that nobody has heard of",
    "late": "the last VALUE days (default 2) are not reported yet",
    "restated": "the last VALUE days (default 2) are reported with other amounts",
    "vanished": "the first record is gone",
    "clock": "the vendor's clock is VALUE seconds ahead (default 3600)",
    "revoked": "the key is no longer accepted",
    "limit": "429 above VALUE requests a minute (default 20)",
}
"""Every fault but the statuses: 400 to 599 refuse, and VALUE is their `Retry-After` in seconds."""

EXAMPLES: Final = ("503#1-2", "429:30@filtered-usage-events", "revoked@anthropic#5-")

_TEXT: Final = re.compile(
    r"(?P<kind>[a-z]+(?:-[a-z]+)?|\d{3})(?::(?P<value>-?\d+(?:\.\d+)?))?(?:@(?P<where>[^#@]+))?"
    r"(?:#(?P<first>\d+)(?P<range>-(?P<last>\d+)?)?)?"
)
_SAYS: Final = {
    401: "The API key was revoked",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
_FELT: Final = ("timeout", "cut", "late", "restated", "clock")
"""What strikes without a body that differs from the vendor's."""
MINUTE: Final = 60.0

Refusal = Callable[[int, str], Response]
"""A vendor's own form of an error: status and message."""


@dataclass(frozen=True)
class Fault:
    """One fault. `kind` is one of `KINDS` or a status; `where` a part of the request's path.

    It strikes the `first` to the `last` (None: every later one) of the requests that it can
    strike, counted from 1; what concerns paging strikes the pages after the first. `value` is
    what `KINDS` says. Raises ValueError.
    """

    kind: str
    where: str = ""
    first: int = 1
    last: int | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        status = self.kind.isdecimal() and 400 <= int(self.kind) <= 599
        if not status and self.kind not in KINDS:
            raise ValueError(
                f"{self.kind!r} is no fault: write a status from 400 to 599, or one of "
                f"{', '.join(KINDS)}"
            )
        if self.first < 1 or (self.last is not None and self.last < self.first):
            raise ValueError("requests are counted from 1, the earlier one first: #2, #2-4, #2-")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `KIND[:VALUE][@WHERE][#FIRST[-[LAST]]]`; `#2` is the second request alone."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"{text!r} is no fault: write KIND[:VALUE][@PATH][#REQUESTS], like "
                f"{', '.join(EXAMPLES)}"
            )
        first = int(found["first"] or 1)
        last = int(found["last"]) if found["last"] else None
        if found["first"] and not found["range"]:
            last = first
        value = None if found["value"] is None else float(found["value"])
        return cls(found["kind"], found["where"] or "", first, last, value)

    def number(self, default: float) -> float:
        """The fault's value, or what it is by default."""
        return default if self.value is None else self.value

    def view(self, company: Company) -> Company:
        """The company as a vendor with this fault reports it; the company itself with most."""
        change = {"late": late, "restated": restated}.get(self.kind)
        if change is None:
            return company
        return company.amended(*change(company, int(self.number(2))))

    def can_strike(self, path: str, later_page: bool) -> bool:
        """Whether it concerns the request at all, whichever number it has."""
        if self.where not in path:
            return False
        return later_page or self.kind not in ("repeated-page", "shifting-page")

    def strikes(self, number: int) -> bool:
        """Whether it strikes the request of that number."""
        return self.first <= number and (self.last is None or number <= self.last)


@dataclass
class _Page:
    """What a path last answered: the body, and its last record."""

    body: bytes
    last: Any = None


@dataclass
class FaultPlan:
    """The faults of a running server; `set` changes them, also while it runs.

    `struck` counts the requests that a fault has struck: a test whose fault never struck shows
    nothing. `clock` measures the minutes of `limit`.
    """

    faults: tuple[Fault, ...] = ()
    clock: Callable[[], float] = time.monotonic
    struck: int = 0
    _seen: dict[int, int] = field(default_factory=dict)
    _pages: dict[str, _Page] = field(default_factory=dict)
    _granted: dict[Fault, deque[float]] = field(default_factory=dict)
    _views: dict[tuple[Fault, int], tuple[Company, Company]] = field(default_factory=dict)

    def set(self, *faults: Fault | str) -> None:
        """Show these faults from now on, and count anew."""
        self.faults = tuple(Fault.parse(f) if isinstance(f, str) else f for f in faults)
        self.struck = 0
        self._seen.clear()
        self._pages.clear()
        self._granted.clear()

    def striking(self, path: str, later_page: bool) -> list[Fault]:
        """The faults that strike this request; it is counted."""
        found = []
        for at, fault in enumerate(self.faults):
            if fault.can_strike(path, later_page):
                self._seen[at] = self._seen.get(at, 0) + 1
                if fault.strikes(self._seen[at]):
                    found.append(fault)
        return found

    def seen_company(self, company: Company, fault: Fault) -> Company:
        """The fault's view of the company, made once."""
        # The company is kept beside its view, so that its id is not given to another one.
        kept = self._views.get((fault, id(company)))
        if kept is None:
            kept = self._views[fault, id(company)] = company, fault.view(company)
        return kept[1]

    def seconds_until_allowed(self, fault: Fault) -> float:
        """0 where `limit` lets the request pass, else the seconds until it would.

        All requests that the fault concerns count together.
        """
        now = self.clock()
        granted = self._granted.setdefault(fault, deque())
        while granted and granted[0] + MINUTE <= now:
            granted.popleft()
        if len(granted) < fault.number(20):
            granted.append(now)
            return 0.0
        return granted[0] + MINUTE - now

    def changed(self, fault: Fault, path: str, body: bytes, kind: str, later_page: bool) -> bytes:
        """The body of a good answer of that content type as the fault leaves it."""
        if fault.kind == "truncated":
            return body[: len(body) // 2]
        before = self._pages.get(path)
        if fault.kind == "repeated-page":
            return body if before is None else before.body
        changes: dict[str, Change] = {
            "stray-token": stray_token,
            "wrong-type": add_wrong_types,
            "unknown-enum": add_unknown_enum,
            "unknown-field": add_unknown_field,
            "vanished": count_one_less if later_page else drop_first,
        }
        if before is not None:
            changes["shifting-page"] = push_down(before.last)
        change = changes.get(fault.kind)
        value = None if change is None else decoded(body, kind)
        if change is None or value is None:
            return body
        as_it_was = encoded(value, kind)
        change(value)
        now = encoded(value, kind)
        return body if now == as_it_was else now

    def remember(self, path: str, body: bytes, kind: str) -> None:
        """Keep what the path has answered truly, for the faults of the page after it."""
        if any(fault.kind in ("repeated-page", "shifting-page") for fault in self.faults):
            self._pages[path] = _Page(body, last_record(decoded(body, kind)))


class Faults:
    """ASGI middleware that shows a plan's faults, and tells the vendor's clock in `Date`.

    `refusals` give each vendor's own form of an error by the prefix of its paths.
    """

    def __init__(self, app: ASGIApp, plan: FaultPlan, refusals: Mapping[str, Refusal]) -> None:
        self._app = app
        self._plan = plan
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, struck by what the plan says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        plan, path = self._plan, scope["path"]
        if not plan.faults or path == "/health":
            await self._app(scope, receive, _dated(send, 0))
            return
        asked = await _body(receive)
        later = is_later_page(scope["query_string"], asked)
        striking = plan.striking(path, later)
        skew = sum(fault.number(3600) for fault in striking if fault.kind == "clock")
        send = _dated(send, skew)
        plan.struck += any(fault.kind in _FELT for fault in striking)
        for fault in striking:
            if (refusal := self._refused(fault, path)) is not None:
                plan.struck += 1
                await refusal(scope, receive, send)
                return
            if fault.kind == "timeout":
                await asyncio.sleep(fault.number(90))
        await self._answer(scope, asked, striking, later, send)

    def _refused(self, fault: Fault, path: str) -> Response | None:
        """The answer in the vendor's place, if the fault is one."""
        if fault.kind == "html":
            return Response("<!doctype html><title>Sign in</title>", 200, media_type="text/html")
        if fault.kind == "empty":
            return Response(b"", 200, media_type="application/json")
        wait: float | None = None
        status = 401 if fault.kind == "revoked" else 429
        if fault.kind == "limit":
            wait = self._plan.seconds_until_allowed(fault)
            if wait == 0:
                return None
        elif fault.kind.isdecimal():
            status, wait = int(fault.kind), fault.value
        elif fault.kind != "revoked":
            return None
        makes = (self._refusals[prefix] for prefix in self._refusals if path.startswith(prefix))
        refusal = next(makes, _refusal)(status, _SAYS.get(status, "Refused"))
        if wait is not None:
            refusal.headers["retry-after"] = f"{wait:g}"
        return refusal

    async def _answer(
        self, scope: Scope, asked: bytes, striking: list[Fault], later_page: bool, send: Send
    ) -> None:
        """Let the vendor answer, and change what it says."""
        views = [fault for fault in striking if fault.kind in ("late", "restated")]
        if views:
            scope = {**scope, VIEW: self._view(views)}
        status, headers, truth = await _collected(self._app, scope, asked)
        body, kind = truth, headers.get("content-type", "")
        if status == 200:
            for fault in sorted(striking, key=lambda fault: fault.kind == "truncated"):
                body = self._plan.changed(fault, scope["path"], body, kind, later_page)
            self._plan.remember(scope["path"], truth, kind)
        self._plan.struck += body != truth
        answered = Response(body, status, headers)
        if any(fault.kind == "cut" for fault in striking):
            # An unfinished answer: the server closes the connection over it.
            await send(
                {"type": "http.response.start", "status": status, "headers": answered.raw_headers}
            )
            half = body[: len(body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            return
        await answered(scope, _replayed(asked), send)

    def _view(self, faults: list[Fault]) -> Callable[[Company], Company]:
        return lambda company: reduce(self._plan.seen_company, faults, company)


def _refusal(status: int, message: str) -> Response:
    return answer({"error": message, "message": message}, status)


def _dated(send: Send, skew: float) -> Send:
    """`send` with the vendor's clock in the `Date` header."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            date = formatdate(time.time() + skew, usegmt=True).encode()
            message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
        await send(message)

    return dated


async def _body(receive: Receive) -> bytes:
    """The request's whole body."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replayed(body: bytes) -> Receive:
    """A `receive` that gives a body that was read before."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _collected(app: ASGIApp, scope: Scope, asked: bytes) -> tuple[int, dict[str, str], bytes]:
    """What the application answers, whole; headers without the length, which may change."""
    status, headers, parts = 500, {}, []

    async def collect(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            pairs = ((k.decode(), v.decode()) for k, v in message.get("headers", ()))
            headers = {name: value for name, value in pairs if name != "content-length"}
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, _replayed(asked), collect)
    return status, headers, b"".join(parts)
