"""`ai-usage dev`: Dagster's UI and daemon, their storage in the state folder."""

from __future__ import annotations

import logging
import os
import signal
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console

from ai_usage.cli.harmless import say
from ai_usage.cli.ui_ready import tell_when_ready
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.runs import dagster_home
from ai_usage.settings import Settings


def serve_ui(console: Console, settings: Settings, port: int) -> None:
    """Run Dagster's UI and daemon until they are stopped (Ctrl-C or a termination signal)."""
    from ai_usage.instance.dagster_private import dev_command

    home = dagster_home(settings)
    check_free(port)
    url = f"http://127.0.0.1:{port}"
    if settings.vendor_value("AI_USAGE_UI_URL") is None:
        # Links in the alerts of the daemon that is about to be started.
        os.environ["AI_USAGE_UI_URL"] = url
    graph = ["--workspace", str(_workspace(settings))]
    # Sensors and schedules would say every half minute that there was nothing to do.
    address = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    say(
        console,
        f"Starting Dagster's UI on {url}, its storage in {home}; it says when it is ready.",
    )
    tell_when_ready(url, partial(say, console))
    logging.getLogger("dagster").addFilter(_not_about_our_own_file)
    with warnings.catch_warnings(), _stopping_cleanly():
        # Dagster recommends another command, for projects laid out by it.
        warnings.simplefilter("ignore")
        dev_command().main([*graph, *address], prog_name="dagster dev", standalone_mode=False)


_WORKSPACE = """\
load_from:
  - python_module:
      module_name: ai_usage.orchestration.definitions
      attribute: defs
      location_name: ai_usage
"""


def _workspace(settings: Settings) -> Path:
    """What Dagster loads: the checkout's file, else one of our own in the state folder."""
    checkout = Path("workspace.yaml")
    if checkout.exists():
        return checkout
    own = settings.home / "workspace.yaml"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        own.write_text(_WORKSPACE)
    except OSError as error:
        raise AiUsageError(
            f"{own} cannot be written: {error.strerror}; set AI_USAGE_HOME to a folder that can."
        ) from error
    return own


def check_free(port: int) -> None:
    """Raise `AiUsageError` if the port on loopback cannot be had."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise AiUsageError(f"port {port}: {why}; choose another with --port.") from error


def _not_about_our_own_file(record: logging.LogRecord) -> bool:
    """Drop the warning that the checkout's dagster.yaml is not read: DAGSTER_HOME has a copy."""
    return "Found a dagster instance configuration value" not in record.getMessage()


@contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """A termination signal stops the services like Ctrl-C, also where a shell has ignored that."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # A second signal must not break off the shutdown of the services.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, stop)
    yield
