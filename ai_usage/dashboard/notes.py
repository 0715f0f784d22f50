"""Sentences that belong to a table: what was left out of it, what it shows together."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

_NOTES = b"notes"


def noted(table: pa.Table, notes: Sequence[str]) -> pa.Table:
    """The table with sentences that a person must read beside it."""
    known = [*notes_of(table), *notes]
    return table.replace_schema_metadata({_NOTES: json.dumps(list(dict.fromkeys(known)))})


def notes_of(table: pa.Table) -> list[str]:
    """The sentences that belong to the table."""
    found: list[str] = json.loads((table.schema.metadata or {}).get(_NOTES, b"[]"))
    return found
