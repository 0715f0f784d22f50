"""The names that configuration holds, and what is switched on by a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.mark.slow
def test_dagster_validates_the_workspace_that_deployments_name(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [BIN / "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "AI_USAGE_HOME": str(tmp_path),
            "AI_USAGE_ENV_FILE": str(tmp_path / "none.env"),
            "DAGSTER_HOME": str(tmp_path),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful for code location ai_usage" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "door"),
    [("workspace.yaml", "ai_usage.definitions"), ("dagster.yaml", "ai_usage.event_log")],
)
def test_configuration_names_the_doors(file: str, door: str) -> None:
    assert door in (ROOT / file).read_text(encoding="utf-8").split()


@pytest.mark.parametrize("door", ["definitions", "event_log"])
def test_a_door_is_a_line_and_its_description(door: str) -> None:
    text = (ROOT / "ai_usage" / f"{door}.py").read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if line and not line.startswith('"""')]
    assert code
    assert all(line.startswith("from ai_usage.") for line in code)


def test_the_workflow_calls_what_must_pass_before_a_change_lands() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["ci"]["steps"]
    assert any(".ci/run" in step.get("run", "") for step in steps)


def test_what_make_runs_keeps_its_byte_code_whatever_the_machine_says() -> None:
    told = "told:;@echo [$$PYTHONDONTWRITEBYTECODE]"
    done = subprocess.run(  # noqa: S603
        ["make", "--no-print-directory", "--eval", told, "told"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == "[]\n"


def test_the_commit_hooks_are_the_tools_of_make_check() -> None:
    """Each hook runs what the environment holds: nothing is downloaded at a commit."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    for hook in hooks:
        assert hook["language"] == "system"
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert (BIN / tool).exists(), hook["entry"]
        assert f"$(BIN)/{tool}" in (ROOT / "Makefile").read_text(encoding="utf-8")
    subprocess.run(  # noqa: S603
        [BIN / "pre-commit", "validate-config", ROOT / ".pre-commit-config.yaml"], check=True
    )
