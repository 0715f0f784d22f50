"""Every command of the README, and of closing a month, does what it says there, pasted in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ai_usage.simulator import Company, serve
from ai_usage_tests.support.pipeline import simulated_environment

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TODAY = date(2026, 10, 4)
CLI = ".venv/bin/ai-usage"


def commands() -> list[str]:
    """The lines of the shell blocks of the README and of what comes after its steps, in order."""
    documents = (ROOT / "README.md", ROOT / "docs" / "closing.md")
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_readme_shows_the_commands_that_these_tests_run() -> None:
    assert [line for line in commands() if not line.startswith(CLI)] == [
        "make demo",
        "make test",
        "make dev",
    ]
    assert len([line for line in commands() if line.startswith(CLI)]) == 7


@pytest.mark.slow
def test_the_readmes_steps_lead_from_keys_to_figures(tmp_path: Path) -> None:
    company = Company(today=TODAY, people=30)
    with serve(company) as base_url:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AI_USAGE", "DAGSTER"))},
            **simulated_environment(tmp_path / ".ai_usage", base_url, TODAY, date(2026, 9, 1)),
            "COLUMNS": "200",
        }
        shown = {}
        for line in commands():
            if not line.startswith(CLI):
                continue
            done = subprocess.run(  # noqa: S603
                [str(BIN / "ai-usage"), *shlex.split(line.removeprefix(CLI))],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            shown[line.split()[1]] = done.stdout
    assert "CURSOR_API_KEY is accepted" in shown["doctor"]
    assert "2026-10-01" in shown["query"]
    assert (tmp_path / ".ai_usage" / "reference" / "users.csv").is_file()


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        ("demo", "ai-usage demo"),
        ("test", 'pytest.* -m "not slow"'),
        ("test-slow", "pytest.* -m slow"),
        ("test-long", "pytest.* -m long"),
        ("dev", "ai-usage dev"),
    ],
)
def test_make_knows_the_readmes_targets(target: str, runs: str) -> None:
    planned = subprocess.run(  # noqa: S603
        ["make", "--dry-run", target],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(runs, planned)
