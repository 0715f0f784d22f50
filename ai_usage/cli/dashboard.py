"""`ai-usage dashboard`: serve the pages over the published copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console

from ai_usage.cli.dev import check_free
from ai_usage.dashboard.extra import missing_package
from ai_usage.errors import SettingsError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings

if TYPE_CHECKING:
    from ai_usage.dashboard.published import Published
    from ai_usage.dashboard.server import SignIn
    from ai_usage.dashboard.viewers import Mode, Viewer

EVENTS_WAIT_SECONDS = 2.0


def check_extra() -> None:
    """Raise `SettingsError` where what the pages are made with is not installed."""
    package = missing_package()
    if package is not None:
        raise SettingsError(
            f"the dashboard needs the package {package}: install ai-usage with the extra "
            "`dashboard`."
        )


def serve_dashboard(
    console: Console, settings: Settings, port: int, looking_as: str | None
) -> None:
    """Serve the pages until stopped. `looking_as` shows them as that person would see them.

    Raises `SettingsError` where the extra is not installed or the sign-in is not whole, and
    `AiUsageError` where the port is taken.
    """
    check_extra()
    import uvicorn

    from ai_usage.cli.acceptance import votes_of
    from ai_usage.dashboard.pages.assets import asset
    from ai_usage.dashboard.published import Published, publish
    from ai_usage.dashboard.server import build_app
    from ai_usage.dashboard.warm import keep_warm

    sign_in = _sign_in(settings, looking_as)
    path = settings.published_path
    if not path.exists():
        warehouse = warehouse_resource(settings).warehouse()
        publish(warehouse, path, as_of=settings.today, now=settings.now)
    published = Published(path)
    # Who asks for events waits for a writer no longer than for a page.
    waiting = min(settings.lock_timeout_seconds, EVENTS_WAIT_SECONDS)
    briefly = settings.model_copy(update={"lock_timeout_seconds": waiting})
    app = build_app(
        published,
        _viewers(settings, published, looking_as),
        sign_in,
        warehouse=warehouse_resource(briefly).warehouse,
        ui_url=settings.ui_url,
        feedback=votes_of(settings),
    )
    check_free(port)
    if settings.dashboard_sign_in == "proxy" or looking_as:
        keep_warm(published, _mode(settings), settings.dashboard_smallest_group)
    # It takes a second to make: now, not while the first person waits for a picture.
    asset("vega.js")
    console.print(
        f"The dashboard is on http://{settings.dashboard_host}:{port}. Stop with Ctrl-C.",
        highlight=False,
        soft_wrap=True,
    )
    # The peer's address is what the socket says: with proxy_headers anybody could forge it.
    uvicorn.run(
        app,
        host=settings.dashboard_host,
        port=port,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )


def _viewers(
    settings: Settings, published: Published, looking_as: str | None
) -> Callable[[str], Viewer]:
    """Who an address is. Without sign-in it is the machine's owner, who can read the warehouse."""
    from ai_usage.dashboard.roster import Roster
    from ai_usage.dashboard.viewers import Role, Viewer

    signed_in = settings.dashboard_sign_in == "proxy"
    mode = _mode(settings)
    smallest = settings.dashboard_smallest_group
    roster = Roster(
        published, settings.reference_path, lambda: settings.today, mode, smallest_group=smallest
    )
    if signed_in:
        return roster.viewer
    if looking_as:
        return lambda _email: roster.viewer(looking_as)
    owner = Viewer((settings.user or "").lower(), Role.ADMIN, mode, smallest_group=smallest)
    return lambda _email: owner


def _mode(settings: Settings) -> Mode:
    """How open the company is: as set, else by whether people sign in."""
    from ai_usage.dashboard.viewers import Mode

    signed_in = settings.dashboard_sign_in == "proxy"
    return Mode(settings.dashboard_mode or ("team" if signed_in else "open"))


def _sign_in(settings: Settings, looking_as: str | None) -> SignIn:
    """How people are told apart. Raises `SettingsError` where it would let anybody in."""
    from ai_usage.dashboard.server import LOOPBACK, SignIn

    if settings.dashboard_sign_in == "none":
        if settings.dashboard_host not in ("127.0.0.1", "::1", "localhost"):
            raise SettingsError(
                f"AI_USAGE_DASHBOARD_HOST={settings.dashboard_host} would show everything to "
                "anybody: set AI_USAGE_DASHBOARD_SIGN_IN=proxy, or listen on 127.0.0.1."
            )
        return SignIn()
    if looking_as:
        raise SettingsError("--as shows the pages as somebody else: it goes without sign-in alone.")
    if settings.dashboard_url is None:
        raise SettingsError(
            "AI_USAGE_DASHBOARD_SIGN_IN=proxy needs AI_USAGE_DASHBOARD_URL: the address under "
            "which people open the dashboard."
        )
    name = urlsplit(settings.dashboard_url).hostname or ""
    peers = frozenset(peer.strip() for peer in settings.dashboard_peers.split(",")) - {""}
    return SignIn(settings.dashboard_header, peers, frozenset({name, *LOOPBACK}))


def serve_demo_dashboard(console: Console, home: Path, port: int, looking_as: str | None) -> None:
    """The pages over the demo's state."""
    from ai_usage.cli.demo import demo_as_it_is

    serve_dashboard(console, demo_as_it_is(home), port, looking_as)
