"""`ai-usage dev`: Dagster's UI and daemon, their storage in the state folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import typer

from ai_usage.running import dagster_home
from ai_usage.settings import Settings


def serve_ui(settings: Settings, port: int) -> None:
    """Run `dagster dev` until it is stopped; its exit code becomes ours."""
    home = dagster_home(settings)
    command = [str(Path(sys.executable).with_name("dagster")), "dev"]
    if Path("workspace.yaml").exists():
        command += ["--workspace", "workspace.yaml"]
    else:
        command += ["--module-name", "ai_usage.definitions"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    try:
        done = subprocess.run(  # noqa: S603
            command, env={**os.environ, "DAGSTER_HOME": str(home)}, check=False
        )
    except KeyboardInterrupt:
        return
    if done.returncode:
        raise typer.Exit(done.returncode)
