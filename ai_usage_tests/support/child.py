"""The command line in a process of its own, for tests of kills, memory and time zones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ai_usage.days.windows import Window
from ai_usage_tests.support.environment import OURS

ROOT = Path(__file__).resolve().parents[2]


def start_backfill(
    environment: Mapping[str, str], days: Window, **more: str
) -> subprocess.Popen[str]:
    """Start `ai-usage backfill` over the days; nothing of this process's own settings gets in."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    last = days.days()[-1]
    program = "from ai_usage.cli.app import main; main()"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, "backfill", "--from", str(days.start), "--to", str(last)],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a good end and give what was printed."""
    printed, _ = process.communicate(timeout=400)
    assert process.returncode == 0, printed
    return printed
