"""The simulated vendors as one web application on loopback.

Mounting, readiness and running belong here. Another vendor is one more declaration in `vendors`,
another directory one more `Mount`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from ai_usage.simulator.company import Company
from ai_usage.simulator.faults import FaultPlan, Faults
from ai_usage.simulator.http import CompanySource, answer
from ai_usage.simulator.scim_api import create_scim_app
from ai_usage.simulator.sheets_api import create_sheets_app
from ai_usage.simulator.vendors import ANTHROPIC_KEY, CURSOR_KEY, VENDORS

SCIM_TOKEN: Final = "scim-simulated"  # noqa: S105 (opens the simulator only)
_START_SECONDS: Final = 10.0


def create_app(
    company: Company | Callable[[], Company],
    *,
    cursor_key: str = CURSOR_KEY,
    anthropic_key: str = ANTHROPIC_KEY,
    faults: FaultPlan | None = None,
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """The vendors below their names, the directories below `/scim` and `/sheets`, and `/health`.

    `company` may be a function: it is asked at every request, so that a test or a long run can
    put another view of the company (a later day, a restatement) behind a running server.
    `faults` says which requests go wrong; `middleware` wraps every request, to watch or count.
    """
    source = _source(company)
    keys = {"cursor": cursor_key, "anthropic": anthropic_key}
    shown = Middleware(
        Faults,
        plan=faults or FaultPlan(),
        refusals={f"/{vendor.name}": vendor.refusal for vendor in VENDORS},
    )

    async def health(request: Request) -> Response:
        return answer({"status": "ok", "today": source().today.isoformat()})

    async def missing(request: Request, error: Exception) -> Response:
        return answer({"error": "Not Found", "message": f"nothing is at {request.url.path}"}, 404)

    return Starlette(
        routes=[
            Route("/health", health),
            *(
                Mount(f"/{vendor.name}", app=vendor.app(source, keys.get(vendor.name, vendor.key)))
                for vendor in VENDORS
            ),
            Mount("/scim", app=create_scim_app(source, SCIM_TOKEN)),
            Mount("/sheets", app=create_sheets_app(source)),
        ],
        middleware=[*middleware, shown],
        exception_handlers={404: missing},
    )


@contextmanager
def serve(
    company: Company | Callable[[], Company],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    cursor_key: str = CURSOR_KEY,
    anthropic_key: str = ANTHROPIC_KEY,
    faults: FaultPlan | None = None,
    middleware: Sequence[Middleware] = (),
) -> Iterator[str]:
    """Run the application in a background thread and give its base URL.

    The URL is like `http://127.0.0.1:40123`; port 0 takes a free port. The server has stopped on
    leaving. Raises OSError where the port is taken.
    """
    app = create_app(
        company,
        cursor_key=cursor_key,
        anthropic_key=anthropic_key,
        faults=faults,
        middleware=middleware,
    )
    # The socket is bound here: the port is known, and taken ports fail, before the thread runs.
    listener = socket.create_server((host, port))
    # log_config=None: the logging of the process that serves is not ours to set up.
    # date_header=False: the vendor's clock is told by the application.
    config = uvicorn.Config(
        app, log_level="warning", log_config=None, lifespan="off", date_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True
    )
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the simulator did not start")
            time.sleep(0.005)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=_START_SECONDS)
        listener.close()


def follow_the_date(company: Company | None = None) -> CompanySource:
    """The company as seen on the current UTC date, also after midnight."""
    current = company or Company()

    def seen() -> Company:
        nonlocal current
        today = datetime.now(UTC).date()
        if current.today != today:
            current = current.on(today)
        return current

    return seen


def _source(company: Company | Callable[[], Company]) -> CompanySource:
    if isinstance(company, Company):
        return lambda: company
    return company
