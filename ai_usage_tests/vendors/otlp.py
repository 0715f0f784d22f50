"""Lines of OTLP JSON as a collector writes them, and a folder of files that hold them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ADA = {
    "user.email": "ada@example.com",
    "user.account_id": "user_01ada",
    "session.id": "s-1",
    "terminal.type": "vscode",
}
DELTA = 1

Point = dict[str, Any]


def ns(at: str) -> int:
    """The nanoseconds of an instant like `2026-11-03T09:30`, UTC."""
    return int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 10**9


def attributes(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in told.items()]


def point(at: str, value: float, who: Mapping[str, str] | None = None, **more: str) -> Point:
    """A point as Claude Code's exporter sends it: the value a float, the times texts."""
    told = attributes({**(ADA if who is None else who), **more})
    times = {"startTimeUnixNano": str(ns(at) - 60 * 10**9), "timeUnixNano": str(ns(at))}
    return {"attributes": told, **times, "asDouble": value}


def metric(name: str, *points: Any, temporality: Any = DELTA) -> dict[str, Any]:
    sums = {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": list(points)}
    return {"name": f"claude_code.{name}", "unit": "", "sum": sums}


def line(*metrics: Mapping[str, Any], resource: Mapping[str, str] | None = None) -> str:
    about = {"service.name": "claude-code", **(resource or {})}
    scope = {"scope": {"name": "com.anthropic.claude_code"}, "metrics": list(metrics)}
    told = {"resource": {"attributes": attributes(about)}, "scopeMetrics": [scope]}
    return json.dumps({"resourceMetrics": [told]})


def tokens(at: str, count: float, kind: str = "input", model: str = "claude-x", **who: str) -> str:
    """A line with one count of tokens."""
    person = {**ADA, **who}
    return line(metric("token.usage", point(at, count, person, type=kind, model=model)))


def write(folder: Path, name: str, lines: Sequence[str], *, end: str = "\n") -> Path:
    """A file of these lines; with another `end` the last one is not whole."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + end)
    return path


def touch(path: Path, at: str) -> None:
    """Let the file have been written to then."""
    seconds = ns(at) // 10**9
    os.utime(path, (seconds, seconds))
