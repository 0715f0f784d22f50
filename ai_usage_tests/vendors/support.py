"""Fixtures, a scripted vendor on loopback, and a client without long waits."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors import anthropic, cursor, openai
from ai_usage.vendors.base import ReadContext, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import RawEvent

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = date(2026, 11, 3)
WINDOW = Window.day(DAY)
SECRET = "sk-ant-admin01-VERY-secret-key"

CURSOR, ANTHROPIC, OPENAI = cursor.VENDOR, anthropic.VENDOR, openai.VENDOR


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def read(
    vendor: Vendor, endpoint: str, body: bytes, window: Window = WINDOW, **context: Any
) -> Any:
    """The rows of one page."""
    return list(vendor.endpoint(endpoint).read([body], ReadContext(window, **context)))


def filled(event: RawEvent) -> dict[str, Any]:
    """What an event says, without what it is made of and without the empty columns."""
    hidden = {"identity", "record", "raw_response", "event_id"}
    return {
        name: value
        for name in event.__struct_fields__
        if name not in hidden and (value := getattr(event, name)) not in (None, [])
    }


def without_place(row: Any) -> Any:
    """A row without where its record was: how pages were cut, and in which order, is no meaning."""
    if not isinstance(row, RawEvent):
        return row
    return msgspec.structs.replace(row, record=None, archive_page=None)


@dataclass
class Asked:
    """A request that reached the scripted vendor."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any
    at: float

    def first(self, name: str) -> str | None:
        return next((value for key, value in self.query if key == name), None)


class ScriptedVendor:
    """Answers each request by `script(asked)`; keeps what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.script: Callable[[Asked], Response] = lambda asked: Response(status_code=500)

    def answers(self, *bodies: Any) -> None:
        """Script: these bodies (JSON values or responses) one after another, the last for ever."""
        self.asked.clear()
        left = list(bodies)

        def script(asked: Asked) -> Response:
            body = left.pop(0) if len(left) > 1 else left[0]
            return body if isinstance(body, Response) else as_json(body)

        self.script = script


def _body(raw: bytes) -> Any:
    """JSON as its value, a form as its text."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode()


def as_json(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


@contextmanager
def scripted_vendor() -> Iterator[ScriptedVendor]:
    """A real server on loopback whose answers a test writes."""
    vendor = ScriptedVendor()

    async def answer(request: Request) -> Response:
        raw = await request.body()
        asked = Asked(
            request.method,
            request.url.path,
            list(request.query_params.multi_items()),
            dict(request.headers),
            _body(raw),
            time.monotonic(),
        )
        vendor.asked.append(asked)
        return vendor.script(asked)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    # Listening from here on: who asks before the thread serves must wait, not be refused.
    listener = socket.create_server(("127.0.0.1", 0))
    vendor.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", lifespan="off", date_header=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


def client(vendor: Vendor, url: str, **options: Any) -> VendorClient:
    """A client that waits hundredths of a second where a real one waits seconds."""
    defaults: dict[str, Any] = {"wait_initial": 0.01, "wait_max": 0.05, "attempts": 4}
    return VendorClient(vendor, SecretStr(SECRET), base_url=url, **{**defaults, **options})


def fetch(
    vendor: Vendor, endpoint: str, url: str, window: Window = WINDOW, now: datetime = NOW
) -> list[Page]:
    """Every page of a window, straight from the vendor module."""
    with client(vendor, url) as asking:
        return list(vendor.endpoint(endpoint).fetch(asking, window, now))
