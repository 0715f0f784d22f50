"""Help that can be pasted, and the ends that scripts rely on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ai_usage.cli.app import app
from ai_usage_tests.cli.support import Place

ROOT_COMMAND = typer.main.get_command(app)


def commands(
    command: object = ROOT_COMMAND, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, sub in getattr(command, "commands", {}).items():
        if getattr(sub, "commands", None):
            yield from commands(sub, (*path, name))
        else:
            yield (*path, name), sub


COMMANDS = dict(commands())


def examples(command: object) -> list[str]:
    return re.findall(r"^\s+ai-usage (.+)$", command.help, re.MULTILINE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example_that_its_own_parser_accepts(path: tuple[str, ...]) -> None:
    shown = examples(COMMANDS[path])
    assert shown
    for example in shown:
        words = shlex.split(re.sub(r" > \S+$", "", example))
        assert tuple(words[: len(path)]) == path
        COMMANDS[path].make_context("ai-usage", words[len(path) :])  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_list_of_commands_never_cuts_a_summary(path: tuple[str, ...]) -> None:
    summary = COMMANDS[path].get_short_help_str(limit=65)  # type: ignore[attr-defined]
    assert not summary.endswith("...")


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    done = Place(tmp_path).run("--version")
    assert done.code == 0
    assert re.fullmatch(r"ai-usage \d+\.\d+\.\d+\n", done.out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backfil"], "Did you mean 'backfill'?"),
        (["backfill"], "Missing option '--from'"),
        (["backfill", "--from", "yesterday"], "write YYYY-MM-DD"),
        (["backfill", "--from", "2026-02-30"], "write YYYY-MM-DD"),
        (["demo", "--days", "0"], "--days"),
        (["simulate", "--people", "3"], "--people"),
        (["simulate", "--fault", "boom"], "Invalid value for --fault: 'boom' is no fault"),
        (["query", "SELECT 1", "--format", "xml"], "--format"),
        (["import"], "FILE"),
        (["close"], "MONTH"),
        (["close", "2026"], "write YYYY-MM"),
        (["changes", "--from", "2026-03-01", "--since", "soon"], "is no instant"),
    ],
)
def test_a_wrong_use_of_the_command_line_exits_with_2_and_names_it(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = Place(tmp_path).call(*arguments)
    assert done.code == 2
    assert says in done.err
    assert not done.out
    assert "Traceback" not in done.err
