"""`ai-usage keys gaps`: what belongs to nobody or to a doubtful owner, and suggestions.

A suggestion is written as a comment: a person reviews it, and nothing is loaded before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from ai_usage.cli.harmless import say
from ai_usage.cli.show import print_rows
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.reference import (
    Layout,
    RefusedFileError,
    Row,
    layout,
    read_bytes,
    reference_file,
    sample,
)
from ai_usage.settings import Settings
from ai_usage.text.csv_cells import starts_formula
from ai_usage.text.words import counted
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.views import view_schema

VIEW = "vw_attribution_gaps"
DOUBTFUL = "vw_doubtful_owners"
"""Keys whose creator bears what looks like a service's cost; its columns are those of `VIEW`."""
REGISTER = "api_keys.csv"

SHOWN = (
    "gap_rank, platform, identity_type, identity_value, records, cost_usd, last_day, "
    "suggested_owner"
)
"""What fits into a terminal; the other formats give every column."""

DOUBTS_SHOWN = (
    "gap_rank, platform, identity_value, key_name, cost_usd, last_day, suggested_owner, "
    "suggestion_evidence"
)

MARK = "# suggested: "
_KEYS = {"api_key_id": "api_key_id", "api_key_name": "api_key_name"}
"""Identity type -> the register's column that can name it."""

Gap = Mapping[str, Any]


def show_gaps(
    console: Console, messages: Console, settings: Settings, format_: str, *, write: bool
) -> None:
    """Print the gaps and the doubtful owners, each by dollars; with `write` append suggestions.

    Other formats than a table have both in one list, told apart by `reason`.
    What is said about writing goes to `messages`, so that CSV and JSON stay clean.
    """
    warehouse = warehouse_resource(settings).warehouse()
    if not warehouse.exists(VIEW):
        raise AiUsageError(f"there is no {VIEW} yet: materialise it with `ai-usage run`.")
    names = ", ".join(view_schema(VIEW).column_names)
    views = [VIEW, *([DOUBTFUL] if warehouse.exists(DOUBTFUL) else [])]
    both = " UNION ALL ".join(
        f"SELECT {names}, {n} AS list_number FROM {view}" for n, view in enumerate(views)
    )
    everything = f"SELECT {names} FROM ({both}) AS listed ORDER BY list_number, gap_rank"
    if format_ == "table":
        gaps = warehouse.query(f"SELECT {SHOWN} FROM {VIEW} ORDER BY gap_rank")
        if gaps.num_rows:
            print_rows(console, gaps, format_)
        else:
            console.print("nothing: every event and dollar belongs to a person or to Shared")
        if DOUBTFUL in views:
            _print_doubtful(console, warehouse)
    else:
        print_rows(console, warehouse.query(everything), format_)
    if write:
        _write(messages, settings, list(warehouse.rows(everything)))


def _print_doubtful(console: Console, warehouse: Warehouse) -> None:
    doubtful = warehouse.query(f"SELECT {DOUBTS_SHOWN} FROM {DOUBTFUL} ORDER BY gap_rank")
    if doubtful.num_rows:
        console.print("\nDoubtful owners: the creator bears what looks like a service's cost")
        print_rows(console, doubtful, "table")


def _write(messages: Console, settings: Settings, gaps: Sequence[Gap]) -> None:
    path = settings.reference_path / REGISTER
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    found = suggestions(content, gaps)
    if found.addition:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("ab") as register:
                register.write(found.addition)
        except OSError as error:
            raise AiUsageError(f"{path} cannot be written: {error.strerror}.") from error
    todo = ": review them, and take the `# ` off the lines that are right" if found.written else ""
    lines = [f"{counted(found.written, 'suggestion')} appended to {path}{todo}."]
    if found.known:
        lines.append(f"{counted(found.known, 'suggestion')} stood there already.")
    # No line begins with a vendor's text: it could pass for another message.
    for line in [*lines, *(f"note: {note}" for note in found.notes)]:
        say(messages, line)


@dataclass
class Suggestions:
    """What to append to the register, how many were there already, and what cannot stand there."""

    addition: bytes = b""
    written: int = 0
    known: int = 0
    notes: list[str] = field(default_factory=list)


def suggestions(content: bytes, gaps: Sequence[Gap]) -> Suggestions:
    """The suggestions that the register lacks, as comments: why, and a line that is ready.

    `content` is the register as it stands, empty where there is none: then the addition begins
    with its sample. Each line was read together with the register before it is suggested. Raises
    `RefusedFileError` where the register itself cannot be read.
    """
    file = reference_file(REGISTER)
    found = Suggestions()
    start = b"" if content else sample(file).encode()
    register = content or start
    rows = read_bytes(file, register).rows
    ending = b"\r\n" if b"\r\n" in register else b"\n"
    if content and not content.endswith(b"\n"):
        start = ending
    text = register.decode("utf-8-sig")
    laid_out = layout(text, file.column_names)
    # A spreadsheet puts a comment that holds a separator into quotes.
    plain = (line.strip().lstrip('"') for line in text.splitlines())
    earlier = [line for line in plain if line.startswith(MARK)]
    added: list[str] = []
    for gap in gaps:
        if gap["suggested_owner"] is None:
            continue
        mark = f"{MARK}{gap['platform']} {gap['identity_value']} -> {gap['suggested_owner']} ("
        if note := _elsewhere(gap):
            found.notes.append(note)
        elif any(line.startswith(mark) for line in earlier):
            found.known += 1
        else:
            line, reason = _line(laid_out, _cells(gap, rows)), f"{mark}{_why(gap)})"
            if wrong := _refusal(register, ending, line, reason):
                found.notes.append(f"{gap['identity_value']}: not suggested, {wrong}")
            else:
                added += [reason, f"# {line}"]
                found.written += 1
    if added:
        found.addition = start + b"".join(line.encode() + ending for line in added)
    return found


def _elsewhere(gap: Gap) -> str | None:
    """What to do about a gap that no line of the register can close."""
    value, owner = gap["identity_value"], gap["suggested_owner"]
    if gap["reason"] == "unlisted_owner":
        return f"{value}: {gap['suggestion_evidence']}: add {owner} to users.csv."
    if gap["identity_type"] == "email":
        return f"{value}: if it is {owner}'s, add it to their aliases in users.csv."
    if gap["identity_type"] == "vendor_user_id":
        login = f"{gap['platform']}:{value}"
        return f"{value}: if it is {owner}'s, add {login} to their vendor_logins in users.csv."
    if gap["identity_type"] not in _KEYS:
        return f"workspace {value}: ask {owner}, who {gap['suggestion_evidence']}."
    return None


def _cells(gap: Gap, rows: Sequence[Row]) -> dict[str, str]:
    """The line's cells. A key that has a line already begins with the gap, not since ever."""
    column = _KEYS[gap["identity_type"]]
    cells = {
        "platform": gap["platform"],
        column: gap["identity_value"],
        "user_email": gap["suggested_owner"],
        "intended_use": gap["suggested_use"] or "",
    }
    if column == "api_key_id":
        cells["api_key_name"] = gap["key_name"] or ""
    if any(r["platform"] == gap["platform"] and r[column] == gap["identity_value"] for r in rows):
        cells["created_date"] = gap["first_day"].isoformat()
    return cells


def _line(laid_out: Layout, cells: Mapping[str, str]) -> str:
    """The line in the register's own order of columns, and with its separator."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="", delimiter=laid_out.separator)
    writer.writerow([cells.get(name, "") for name in laid_out.names])
    return out.getvalue()


def _refusal(register: bytes, ending: bytes, line: str, reason: str) -> str | None:
    """Why the line must not be suggested.

    It would break out of its comment, start a formula in a spreadsheet, which knows no comments,
    or be refused.
    """
    if not line.isprintable() or not reason.isprintable():
        return "it holds characters that nobody sees"
    start = register + (b"" if register.endswith(b"\n") else ending)
    commented = ending.join(written.encode() for written in (reason, f"# {line}"))
    try:
        for addition in (line.encode(), commented):
            read_bytes(reference_file(REGISTER), start + addition)
    except RefusedFileError as error:
        return f"the register would be refused ({error.problems[0].what})"
    if starts_formula(line) or starts_formula(reason):
        return "a spreadsheet would run a part of it as a formula"
    return None


def _why(gap: Gap) -> str:
    return (
        f"{gap['suggestion_evidence']}; confidence {gap['suggestion_confidence']:.2f}; "
        f"${gap['cost_usd']:,.2f} and {counted(gap['records'], 'record')} "
        f"from {gap['first_day']} to {gap['last_day']}"
    )
