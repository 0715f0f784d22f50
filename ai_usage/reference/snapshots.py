"""Accepted states of reference files, as the archive keeps them day by day. Pure.

The caller archives `encode(...)` under vendor `reference`, endpoint `ReferenceFile.stem` and the
day it was read; an unchanged file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypedDict

import msgspec

from ai_usage.reference.column import Row
from ai_usage.reference.file import ReferenceFile

VENDOR = "reference"
"""The archive's name for the files a person maintains, beside the vendors'."""


def encode(file: ReferenceFile, rows: Sequence[Row]) -> bytes:
    """The rows as JSON. Amounts and dates become text: no digit is lost."""
    return msgspec.json.encode({"file": file.name, "rows": list(rows)})


class _State(msgspec.Struct):
    """An archived state, its rows not read yet."""

    rows: list[msgspec.Raw]


def row_type(file: ReferenceFile) -> Any:
    """The type of the file's rows, by which they can be decoded."""
    columns = {column.name: column.kind.type | None for column in file.columns}
    return TypedDict(file.stem, columns)  # type: ignore[operator]


class States:
    """Reads archived states of a file one after another.

    A row that the state before had, letter for letter, is not read again: it is the same object.
    """

    def __init__(self, file: ReferenceFile) -> None:
        self._file = file
        self._rows: Sequence[Row] = ()
        self._before: dict[bytes, Row] = {}

    def read(self, pages: Iterable[bytes], before: Sequence[Row] | None = None) -> list[Row]:
        """The rows of the next state; each is an object of its own, though two may say the same.

        `before` are those of the state before it, where that was read elsewhere.
        """
        if before is not None and before is not self._rows:
            self._before = {msgspec.json.encode(row): row for row in before}
        rows: list[Row] = []
        now: dict[bytes, Row] = {}
        for page in pages:
            for record in map(bytes, msgspec.json.decode(page, type=_State).rows):
                row = None if record in now else self._before.get(record)
                rows.append(_row(self._file, record) if row is None else row)
                now[record] = rows[-1]
        self._rows, self._before = rows, now
        return rows


def decode(file: ReferenceFile, body: bytes) -> list[Row]:
    """The rows of an archived state, `encode` reversed.

    A column that the file has gained since holds its default, one that it lost is left out: old
    states stay readable when the declaration grows.
    """
    return States(file).read([body])


def _row(file: ReferenceFile, record: bytes) -> Row:
    stored = msgspec.json.decode(record)
    return {
        column.name: column.kind.from_json(stored[column.name])
        if column.name in stored
        else column.default
        for column in file.columns
    }


def earliest_change(
    file: ReferenceFile, before: Sequence[Row], after: Sequence[Row], observed: date
) -> date | None:
    """The first day whose figures may differ after the change; None where nothing differs.

    `observed` is the day on which the newer state was first read.
    """
    keys = [sorted(encode(file, [row]) for row in rows) for rows in (before, after)]
    return None if keys[0] == keys[1] else file.changed_from(before, after, observed)
