"""Says when Dagster's UI answers and has loaded the graph, or why it has not."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 300.0

_QUERY = """{workspaceOrError {... on Workspace {locationEntries {
  locationOrLoadError {__typename ... on PythonError {message}}}}}}"""


def tell_when_ready(url: str, tell: Callable[[str], None]) -> threading.Thread:
    """Watch the UI beside the thread that serves it; `tell` is told once."""
    watcher = threading.Thread(target=_watch, args=(url, tell), name="ui-ready", daemon=True)
    watcher.start()
    return watcher


def _watch(url: str, tell: Callable[[str], None]) -> None:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_SECONDS:
        said = _state(url)
        seconds = time.monotonic() - started
        if said == "ready":
            tell(f"Ready after {seconds:.0f} s: open {url}. Stop with Ctrl-C.")
            return
        if said is not None:
            tell(f"The UI is on {url}, but the graph cannot be loaded: {said}")
            return
        time.sleep(POLL_SECONDS)
    tell(f"The UI on {url} does not answer yet after {PATIENCE_SECONDS:.0f} s.")


def _state(url: str) -> str | None:
    """`ready`, why the graph could not be loaded, or None while nothing is known."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/graphql",
        json.dumps({"query": _QUERY}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            body: Any = json.load(answer)
    except (OSError, ValueError):
        return None
    entries = ((body.get("data") or {}).get("workspaceOrError") or {}).get("locationEntries") or []
    loaded = [entry.get("locationOrLoadError") for entry in entries]
    if not loaded or not all(loaded):
        return None
    for one in loaded:
        if one["__typename"] == "PythonError":
            lines = str(one.get("message") or "").strip().splitlines()
            return lines[0] if lines else "see the log"
    return "ready"
