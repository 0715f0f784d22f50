"""Old sheets as files that people maintain: whose keys are whose, and who works there."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlglot import exp

from ai_usage.migration.description import ReferenceMapping, expression
from ai_usage.migration.sources import MigrationError, Source
from ai_usage.reference import read_bytes, reference_file


@dataclass(frozen=True)
class Sheet:
    """An old sheet as the text of a file."""

    file: str
    rows: int
    text: str


def sheet_of(source: Source, table: str, mapping: ReferenceMapping) -> Sheet:
    """The table's rows as lines of the file, each once, in order.

    Raises `MigrationError` for a column that the file does not have, and what reading the file
    raises where a line would be refused: nothing is written that the next run would not take.
    """
    known = [column.name for column in reference_file(mapping.into).columns]
    for column in mapping.read:
        if column not in known:
            raise MigrationError(
                f"{table}: {mapping.into} has no column {column}; it has {', '.join(known)}."
            )
    selected = [exp.alias_(expression(sql), f"new_{name}") for name, sql in mapping.read.items()]
    statement = exp.select(*selected).distinct().from_(exp.to_table(table))
    rows = [
        tuple(_cell(row[f"new_{name}"]) for name in mapping.read)
        for row in source.unchanged(table, statement)
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(mapping.read)
    # Two spellings of a line are one.
    unique = sorted(set(rows))
    writer.writerows(unique)
    text = out.getvalue()
    read_bytes(reference_file(mapping.into), text.encode())
    return Sheet(mapping.into, len(unique), text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    return text.lower() if "@" in text else text
