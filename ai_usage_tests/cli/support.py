"""Runs the command line as its user does, with nothing of this process's settings.

`Place.run` starts a process; `Place.call` does the same within this one, for the many small
questions that need no process of their own.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from ai_usage_tests.support.environment import OURS, VENDORS

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "ai_usage_tests" / "fixtures"
TODAY = date(2026, 3, 18)
"""The day that the simulated company and the command line take for today."""
FROM_ARCHIVE = (
    "--select",
    f"not ({' or '.join(f'group:sources_{vendor.name}' for vendor in VENDORS)})",
)
"""What a run builds without asking a vendor; a run that should ask and cannot exits with 1."""
FROM, TO = "2026-03-15", "2026-03-18"

_NOT_INHERITED = (*OURS, "NO_COLOR", "FORCE_COLOR", "COLUMNS")
PROGRAM = [sys.executable, "-c", "from ai_usage.cli.app import main; main()"]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on standard error, without its `error: `."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err or self.out
        assert lines[0].startswith("error: "), self.err
        return lines[0].removeprefix("error: ")


@dataclass(frozen=True)
class Place:
    """A person's folder: the command line is called there, its state is below."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **more: str) -> Done:
        """Call `ai-usage` and wait for its end."""
        with self.start(*arguments, log=None, **more) as process:
            out, err = process.communicate(timeout=180)
        return Done(process.returncode, out, err)

    def call(self, *arguments: str, **more: str) -> Done:
        """Call `ai-usage` within this process."""
        from ai_usage.cli.app import main

        self.folder.mkdir(parents=True, exist_ok=True)
        out, err = io.StringIO(), io.StringIO()
        environment = {**clean_environment(), **self.environment, **more}
        with (
            chdir(self.folder),
            _argv(["ai-usage", *arguments]),
            _environment(environment),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    def start(
        self, *arguments: str, log: TextIO | None = None, **more: str
    ) -> subprocess.Popen[str]:
        """Start `ai-usage`, so that Ctrl-C reaches it as from a terminal.

        Who does not read the pipes gives a `log`: a full pipe would stop the command.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(  # noqa: S603
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env={**clean_environment(), **self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=log or subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What `ai-usage query` answers."""
        done = self.call("query", sql, "--format", "json")
        assert done.code == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)
        return found

    def copied(self, to: Path, **more: str) -> Place:
        """The same state in another folder, to be changed."""
        shutil.copytree(self.folder, to)
        return Place(to, {**self.environment, **more})


@contextmanager
def _argv(arguments: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, arguments
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def clean_environment() -> dict[str, str]:
    """The environment of these tests without settings of ours, and with this checkout."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def vendors(base_url: str) -> dict[str, str]:
    """The environment that points at the simulated vendors."""
    from ai_usage.cli.demo import vendor_environment

    return {**vendor_environment(base_url), "AI_USAGE_AS_OF": TODAY.isoformat()}


def files_below(*folders: Path) -> dict[Path, int]:
    """Every file below the folders with its time of change."""
    return {
        path: path.stat().st_mtime_ns
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


CONTENTS = f"""
SELECT 'raw' AS t, COUNT(*) AS n, SUM(cost_usd) AS usd FROM raw_ai_events
WHERE event_date BETWEEN DATE '{FROM}' AND DATE '{TO}'
UNION ALL SELECT 'usage', COUNT(*), SUM(total_tokens) FROM fact_ai_usage
WHERE DATE(event_timestamp) BETWEEN DATE '{FROM}' AND DATE '{TO}'
UNION ALL SELECT 'costs', COUNT(*), SUM(total_cost_usd) FROM fact_ai_costs
WHERE DATE(cost_timestamp) BETWEEN DATE '{FROM}' AND DATE '{TO}'
UNION ALL SELECT 'people', COUNT(*), NULL FROM dim_users
UNION ALL SELECT 'keys', COUNT(*), NULL FROM api_key_mappings
ORDER BY t
"""
"""Counts and sums of the filled days, which change if anything is lost."""
