"""How many lines of code a vendor takes, with its structs: what is common belongs into the kit.

Lines that hold code: no blanks, comments, docstrings and imports.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

from ai_usage.vendors.base import discovered_vendors

VENDORS = Path(__file__).resolve().parents[2] / "ai_usage" / "vendors"
MOST = 250
MORE = {
    "openai": (450, "eleven kinds of usage in one report, costs and a directory of four lists"),
    "cursor": (610, "answers that people saved are known by their shape; a team's or more teams'"),
    "anthropic": (910, "two generations of reports, a directory, telemetry from files"),
    "github_copilot": (335, "five answers of forms of their own, a third of it their fields"),
}
"""Vendors that may take more, and why."""
_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    used: set[int] = set()
    for token in tokenize.tokenize(io.BytesIO(text.encode()).readline):
        if token.type not in _LAYOUT:
            used.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.stmt)
            used.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(used)


@pytest.mark.parametrize("vendor", [vendor.name for vendor in discovered_vendors()])
def test_a_vendors_folder_is_small(vendor: str) -> None:
    lines = sum(code_lines(path.read_text()) for path in (VENDORS / vendor).glob("*.py"))
    most, _ = MORE.get(vendor, (MOST, ""))
    assert lines <= most, f"{vendor} takes {lines} lines of code: move what is common to the kit"


def test_only_lines_of_code_are_counted() -> None:
    text = '"""About\nit."""\n\nimport a\nfrom b import (\n    c,\n)\n'
    text += '\n# Why.\nX = [\n    1,\n]\n"""X."""\n'
    assert code_lines(text) == 3
