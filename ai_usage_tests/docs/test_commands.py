"""Every command that a document names is one, with the options that it is shown with."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest
import typer

from ai_usage.cli.app import app
from ai_usage.simulator.faults import Fault
from ai_usage_tests.docs.documents import DOCUMENTS, ROOT

COMMANDS = typer.main.get_command(app)
IN_TEXT = r"`(?:\.venv/bin/)?ai-usage ([^`]+)`"
IN_A_BLOCK = r"^ *(?:\.venv/bin/)?ai-usage (.+)$"


def shown(document: str) -> list[list[str]]:
    """The arguments of each call of `ai-usage` in the document's text and shell blocks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    calls = re.findall(IN_A_BLOCK, "\n".join(blocks), re.MULTILINE)
    return [shlex.split(call) for call in (*calls, *re.findall(IN_TEXT, text))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_is_one_with_the_options_shown(document: str) -> None:
    for arguments in shown(document):
        command, rest = COMMANDS, list(arguments)
        while within := getattr(command, "commands", None):
            assert rest, f"ai-usage {shlex.join(arguments)} is not a whole command"
            assert rest[0] in within, f"ai-usage {shlex.join(arguments)}"
            command = within[rest.pop(0)]
        options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        for argument in rest:
            if argument.startswith("-"):
                assert argument in options, f"ai-usage {shlex.join(arguments)}"


def test_the_documents_show_commands_for_this_to_be_a_test() -> None:
    named = {arguments[0] for document in DOCUMENTS for arguments in shown(document)}
    assert named >= {"backfill", "changes", "close", "doctor", "keys", "notify", "run", "simulate"}


def test_every_fault_that_a_document_shows_can_be_planned() -> None:
    faults = [
        fault
        for document in DOCUMENTS
        for arguments in shown(document)
        for option, fault in pairwise(arguments)
        if option == "--fault"
    ]
    assert faults
    for fault in faults:
        assert Fault.parse(fault)
