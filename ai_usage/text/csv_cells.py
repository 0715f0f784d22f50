"""Values as text for people and in CSV, where nothing starts a formula or obeys a command."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_FORMULA = re.compile(r'(^|[;\t\n])([ "]*)(?=[=+\-@\t＝＋－＠])')  # noqa: RUF001
"""A spreadsheet runs a cell that starts so (OWASP, "CSV Injection"). Where it takes `;` or a tab
for the separator, as it does in half of Europe, it sees none of our quotes: a cell starts after any
of these, and a row after any line break."""

_FORMULA_IN_LINE = re.compile(r'(^|[,;\t])[ "]*[=+\-@＝＋－＠]')  # noqa: RUF001
"""The same in a line of CSV, wherever a spreadsheet splits it."""

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal or an editor obeys: escaped in JSON, marked in CSV."""


def csv_cell(value: Any) -> str:
    """A cell that a spreadsheet and a terminal show as it is; JSON has the text to the letter.

    Text that would be a formula gets a quote before it, control characters become a mark, and a
    carriage return, which ends a row for some readers even in quotes, a line break.
    """
    if isinstance(value, str):
        lines = value.replace("\r\n", "\n").replace("\r", "\n")
        return _FORMULA.sub(r"\1'\2", COMMANDS.sub("�", lines))
    if isinstance(value, list):
        return ";".join(csv_cell(item) for item in value)
    if isinstance(value, float):
        return repr(value)
    return text(value)


def starts_formula(line: str) -> bool:
    """Whether a spreadsheet would find a formula in a line of CSV, whatever separator it takes."""
    return _FORMULA_IN_LINE.search(line) is not None


def text(value: Any) -> str:
    """A value for a person: plain decimals, ISO dates, nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # Not normalize(): it would round to the 28 digits of Decimal's context.
        plain = f"{value:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _rounded(value: float) -> str:
    """Four decimals; very large and very small numbers keep six digits."""
    if value and not 1e-3 <= abs(value) < 1e15:
        return f"{value:.6g}"
    return f"{value:.4f}".rstrip("0").rstrip(".")
