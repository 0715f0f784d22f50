"""Accepted states of reference files, as the archive keeps them day by day. Pure.

The caller archives `encode(...)` under vendor `reference`, endpoint `ReferenceFile.stem` and the
day it was read; an unchanged file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from ai_usage.reference.column import Row
from ai_usage.reference.file import ReferenceFile

VENDOR = "reference"
"""The archive's name for the files a person maintains, beside the vendors'."""


def encode(file: ReferenceFile, rows: Sequence[Row]) -> bytes:
    """The rows as JSON. Amounts and dates become text: no digit is lost."""
    return msgspec.json.encode({"file": file.name, "rows": list(rows)})


def decode(file: ReferenceFile, body: bytes) -> list[Row]:
    """The rows of an archived state, `encode` reversed.

    A column that the file has gained since holds its default, one that it lost is left out: old
    states stay readable when the declaration grows.
    """
    stored = msgspec.json.decode(body)["rows"]
    return [
        {
            column.name: column.kind.from_json(row[column.name])
            if column.name in row
            else column.default
            for column in file.columns
        }
        for row in stored
    ]


def earliest_change(
    file: ReferenceFile, before: Sequence[Row], after: Sequence[Row], observed: date
) -> date | None:
    """The first day whose figures may differ after the change; None where nothing differs.

    `observed` is the day on which the newer state was first read.
    """
    keys = [sorted(encode(file, [row]) for row in rows) for rows in (before, after)]
    return None if keys[0] == keys[1] else file.changed_from(before, after, observed)
