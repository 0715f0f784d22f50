"""`ai-usage dashboard`: serve the pages over the published copy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from rich.console import Console

from ai_usage.cli.dev import check_free
from ai_usage.errors import AiUsageError, SettingsError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings

EXTRA = ("jinja2", "vl_convert")


def check_extra() -> None:
    """Raise `SettingsError` where what the pages are made with is not installed."""
    for module in EXTRA:
        if importlib.util.find_spec(module) is None:
            raise SettingsError(
                f"the dashboard needs the package {module}: install ai-usage with the extra "
                "`dashboard`."
            )


def serve_dashboard(
    console: Console, settings: Settings, port: int, looking_as: str | None
) -> None:
    """Serve the pages until stopped. `looking_as` shows them as that person would see them."""
    check_extra()
    import uvicorn

    from ai_usage.dashboard.published import Published, publish
    from ai_usage.dashboard.server import build_app
    from ai_usage.dashboard.viewers import Mode, Role, Viewer

    path = settings.published_path
    if not path.exists():
        warehouse = warehouse_resource(settings).warehouse()
        publish(warehouse, path, as_of=settings.today, now=settings.now)
    owner = Viewer(settings.user or "", Role.ADMIN, Mode.OPEN)
    app = build_app(Published(path), lambda _email: owner)
    check_free(port)
    console.print(
        f"The dashboard is on http://127.0.0.1:{port}. Stop with Ctrl-C.",
        highlight=False,
        soft_wrap=True,
    )
    # The peer's address is what the socket says: with proxy_headers anybody could forge it.
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )


def serve_demo_dashboard(console: Console, home: Path, port: int, looking_as: str | None) -> None:
    """The pages over the demo's state."""
    from ai_usage.cli.demo import MARKER

    if not (home / MARKER).exists():
        raise AiUsageError(f"there is no demo in {home} yet: run `ai-usage demo` first.")
    settings = Settings.load(
        {
            "AI_USAGE_ENV_FILE": str(home.absolute() / "no.env"),
            "AI_USAGE_HOME": str(home.absolute()),
        }
    )
    serve_dashboard(console, settings, port, looking_as)
