"""The gate: nobody who is not signed in gets anything, by http or by websocket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from ai_usage.dashboard.server import LOOPBACK, SECURITY_HEADERS, Gate, SignIn

HEADER = "X-Auth-Request-Email"
BEHIND_A_PROXY = SignIn(HEADER, frozenset({"10.0.0.7"}), frozenset({"dash.example.com", *LOOPBACK}))


async def _who(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"you are {request.scope['viewer_email'] or 'the owner'}")


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("secrets")


def client(sign_in: SignIn, peer: str = "10.0.0.7", host: str = "dash.example.com") -> TestClient:
    app = Starlette(
        routes=[Route("/{path:path}", _who), WebSocketRoute("/live", _talk)],
        middleware=[Middleware(Gate, sign_in=sign_in)],
    )
    return TestClient(app, base_url=f"https://{host}", client=(peer, 50000))


def test_a_proxys_header_names_the_viewer_in_lower_case() -> None:
    answer = client(BEHIND_A_PROXY).get("/", headers={HEADER: " Ada@Example.com "})
    assert (answer.status_code, answer.text) == (200, "you are ada@example.com")


@pytest.mark.parametrize(
    ("headers", "peer", "host"),
    [
        ({}, "10.0.0.7", "dash.example.com"),
        ({HEADER: ""}, "10.0.0.7", "dash.example.com"),
        ({HEADER: "ada@example.com, eve@example.com"}, "10.0.0.7", "dash.example.com"),
        ({HEADER: "ada@example.com"}, "10.0.0.8", "dash.example.com"),
        ({HEADER: "ada@example.com", "X-Forwarded-For": "10.0.0.7"}, "10.0.0.8",
         "dash.example.com"),
        ({HEADER: "ada@example.com"}, "10.0.0.7", "evil.example.net"),
        ({HEADER: "ada@example.com", "Origin": "https://evil.example.net"}, "10.0.0.7",
         "dash.example.com"),
        ({HEADER: "ada@example.com", "Origin": "null"}, "10.0.0.7", "dash.example.com"),
    ],
    ids=["no header", "an empty one", "two people", "not the proxy", "a forged forward",
         "another host", "another origin", "an opaque origin"],
)  # fmt: skip
def test_whoever_is_not_signed_in_is_refused_whatever_they_ask_for(
    headers: dict[str, str], peer: str, host: str
) -> None:
    outside = client(BEHIND_A_PROXY, peer, host)
    for path in ("/", "/spend.csv", "/static/page.css", "/nothing"):
        answer = outside.get(path, headers=headers)
        assert answer.status_code == 403
        assert "you are" not in answer.text


def test_a_header_given_twice_is_refused() -> None:
    twice = [(HEADER, "ada@example.com"), (HEADER, "eve@example.com")]
    assert client(BEHIND_A_PROXY).get("/", headers=twice).status_code == 403


@pytest.mark.parametrize("headers", [{}, {HEADER: "ada@example.com"}])
def test_no_websocket_is_opened_for_anybody(headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client(BEHIND_A_PROXY).websocket_connect("/live", headers=headers) as opened,
    ):
        opened.receive_text()


@pytest.mark.parametrize("host", ["127.0.0.1:3100", "localhost:3100", "[::1]:3100"])
def test_without_sign_in_the_machines_own_names_are_the_owners(host: str) -> None:
    answer = client(SignIn(), "127.0.0.1", host).get("/")
    assert answer.text == "you are the owner"


def test_another_name_that_points_to_this_machine_is_refused() -> None:
    """DNS rebinding: a page of another site asks under its own name."""
    assert client(SignIn(), "127.0.0.1", "evil.example.net").get("/").status_code == 403


def test_every_answer_tells_the_browser_to_ask_nobody_else_and_to_keep_nothing() -> None:
    for answer in (
        client(SignIn(), "127.0.0.1", "localhost").get("/"),
        client(BEHIND_A_PROXY).get("/"),
    ):
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
    policy = SECURITY_HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


@contextmanager
def _served(sign_in: SignIn) -> Iterator[str]:
    """The gate on a real server, as the command runs it."""
    app = Starlette(
        routes=[Route("/", _who)],
        middleware=[Middleware(Gate, sign_in=sign_in)],
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config = uvicorn.Config(app, proxy_headers=False, server_header=False, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/"
        server.should_exit = True
        thread.join(10)


def test_a_forged_forwarded_address_is_not_believed_by_the_real_server() -> None:
    forged = {HEADER: "ada@example.com", "X-Forwarded-For": "10.0.0.7", "Forwarded": "for=10.0.0.7"}
    with _served(BEHIND_A_PROXY) as url:
        answer = httpx.get(url, headers=forged, trust_env=False)
    assert answer.status_code == 403
    assert "server" not in answer.headers
