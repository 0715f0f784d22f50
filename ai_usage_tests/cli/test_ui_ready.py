"""`ai-usage dev` says once that the UI is ready, or why the graph cannot be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from ai_usage.cli import ui_ready
from ai_usage.cli.ui_ready import tell_when_ready
from ai_usage_tests.support.loopback import served

LOADING: dict[str, Any] = {"locationOrLoadError": None}
LOADED = {"locationOrLoadError": {"__typename": "RepositoryLocation"}}
BROKEN = {"locationOrLoadError": {"__typename": "PythonError", "message": "no module x\n at y"}}


@contextmanager
def ui(*states: list[dict[str, Any]]) -> Iterator[str]:
    """A server that answers each question with the next state, the last one for ever."""
    ahead = list(states)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            entries = ahead.pop(0) if len(ahead) > 1 else ahead[0]
            self.send_response(200)
            self.end_headers()
            answer = {"data": {"workspaceOrError": {"locationEntries": entries}}}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with served(Handler) as url:
        yield url


def told(url: str) -> list[str]:
    lines: list[str] = []
    tell_when_ready(url, lines.append).join(timeout=20)
    return lines


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_ready, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(ui_ready, "PATIENCE_SECONDS", 5.0)


def test_it_is_ready_when_the_graph_is_loaded_and_not_before() -> None:
    with ui([], [LOADING], [LOADED]) as url:
        assert told(url) == [f"Ready after 0 s: open {url}. Stop with Ctrl-C."]


def test_a_graph_that_cannot_be_loaded_is_said_in_a_line() -> None:
    with ui([LOADING], [BROKEN]) as url:
        assert told(url) == [f"The UI is on {url}, but the graph cannot be loaded: no module x"]


def test_one_that_never_answers_is_said_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_ready, "PATIENCE_SECONDS", 0.1)
    assert told("http://127.0.0.1:9") == [
        "The UI on http://127.0.0.1:9 does not answer yet after 0 s."
    ]
