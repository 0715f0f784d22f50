"""Values as text for people and in CSV, where nothing starts a formula or obeys a command."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

_FORMULA = re.compile(r'(^|[;\t\n])([ "]*)(?=[=+\-@\t＝＋－＠])')  # noqa: RUF001
"""A spreadsheet runs a cell that starts so (OWASP, "CSV Injection"). Where it takes `;` or a tab
for the separator, as it does in half of Europe, it sees none of our quotes: a cell starts after any
of these, and a row after any line break."""

_FORMULA_IN_LINE = re.compile(r'(^|[,;\t])[ "]*[=+\-@＝＋－＠]')  # noqa: RUF001
"""The same in a line of CSV, wherever a spreadsheet splits it."""

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal or an editor obeys: escaped in JSON, marked in CSV."""

_CENT = Decimal("0.01")
_LONGEST_DECIMAL = 40


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


def cents(value: Any) -> Any:
    """An amount in cents, halves away from zero; NULL as it is."""
    if value is None:
        return None
    with localcontext(prec=_LONGEST_DECIMAL):
        # Adding 0 takes the sign off a rounded zero.
        return value.quantize(_CENT, ROUND_HALF_UP) + 0


def excel_cell(value: Any, money: bool = False) -> str:
    """A cell as in `csv_cell`, `money` in cents, an instant as a day and a time (UTC)."""
    if money and isinstance(value, Decimal):
        return f"{cents(value):f}"
    if isinstance(value, datetime):
        at = value.astimezone(UTC) if value.tzinfo else value
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return csv_cell(value)


def spreadsheet_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV whose decimals are money, in cents; the byte order mark tells a spreadsheet UTF-8."""
    to = io.StringIO()
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(map(csv_cell, names))
    writer.writerows([excel_cell(cell, money=True) for cell in row] for row in rows)
    return "\ufeff" + to.getvalue()


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
