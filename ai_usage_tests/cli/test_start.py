"""What a command imports before it answers: help and small questions do not wait for the graph."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ai_usage_tests.cli.support import Place, clean_environment

PROGRAM = (
    "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    "sys.argv[0] = 'ai-usage'; from ai_usage.cli.app import main; main()"
)
GRAPH = {"alembic", "dagster", "google", "httpx", "ibis", "pandas", "pandera", "sqlalchemy"}
"""What the graph, its checks and its sources need."""
ENGINE = {"duckdb", "numpy", "pyarrow", "sqlglot"}
"""What reads the warehouse."""
SETTINGS = {"dotenv", "pydantic_settings"}
"""What reads the settings. Typer itself takes pydantic for options."""


def imported(*arguments: str, **environment: str) -> set[str]:
    """The packages that `ai-usage` with these arguments has imported when it ends."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["run", "--help"], ["migrate", "--help"]],
    ids=" ".join,
)
def test_help_imports_nothing_that_only_work_needs(arguments: list[str]) -> None:
    assert not imported(*arguments) & (GRAPH | ENGINE | SETTINGS)


@pytest.mark.parametrize(
    "arguments",
    [["query", "SELECT 1 AS one"], ["tables"]],
    ids=" ".join,
)
def test_a_question_to_the_warehouse_does_not_wait_for_the_graph(
    place: Place, arguments: list[str]
) -> None:
    found = imported(*arguments, **place.environment, AI_USAGE_HOME=str(place.folder / ".ai_usage"))
    assert not found & GRAPH


def test_completion_of_a_shell_imports_nothing_that_only_work_needs() -> None:
    """A shell asks for the commands at each press of a key."""
    found = imported(_AI_USAGE_COMPLETE="complete_bash", COMP_WORDS="ai-usage qu", COMP_CWORD="1")
    assert not found & (GRAPH | ENGINE | SETTINGS)
