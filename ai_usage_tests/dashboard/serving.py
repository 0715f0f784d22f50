"""The dashboard on a free port of this machine, over a copy, as a viewer sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from ai_usage.dashboard.published import Published
from ai_usage.dashboard.server import build_app
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage_tests.support.pipeline import Loaded

PAGES = {
    "overview": "/",
    "spend": "/spend",
    "budgets": "/budgets",
    "close": "/close",
    "seats": "/seats",
    "team": "/team",
    "adoption": "/adoption",
    "trust": "/trust",
    "me": "/me",
}
"""The pages of the menu."""


def viewer(role: Role, email: str = "", mode: Mode = Mode.OPEN) -> Callable[[str], Viewer]:
    """Everybody is this one."""
    return lambda _email: Viewer(email, role, mode)


@contextmanager
def served(loaded: Loaded, viewer_of: Callable[[str], Viewer]) -> Iterator[str]:
    """The address of the server over the copy that the company's run published."""
    warehouse = warehouse_resource(loaded.settings).warehouse
    app = build_app(Published(loaded.settings.published_path), viewer_of, warehouse=warehouse)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", proxy_headers=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
