"""Failing rows as a person may see them in metadata and messages: people's addresses masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"([^@\s\"',;<>])(?:[^@\s\"',;<>]|(?<=\w)'(?=\w))*@([^@\s\"',;<>]+)")
"""An apostrophe may stand within an address, and quotes around one."""
_SECRET = re.compile(r"\b(sk-ant-[A-Za-z0-9]+-|key_|crsr_)[A-Za-z0-9_-]+")
_HIDDEN = frozenset({"raw_response", "change_history", "usage_restrictions"})
_NOISE_COLUMNS = frozenset({"rule", "ingest_timestamp", "pipeline_run_id", "updated_timestamp"})
_MAX_LENGTH = 120
_MAX_RECORD = 300
"""Of a vendor's record, whose oddity may stand anywhere in it."""


def mask_text(text: str) -> str:
    """Addresses keep their first letter and domain; what looks like a secret is gone."""
    return _SECRET.sub(r"\1***", _EMAIL.sub(r"\1***@\2", text))


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without NULLs and payloads, its values as masked, bounded text."""
    return {
        name: mask_text(str(value))[: _MAX_RECORD if name == "record" else _MAX_LENGTH]
        for name, value in row.items()
        if value is not None and name not in _HIDDEN
    }


def informative_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a failing row that help a person to find it, beside the rule that it broke."""
    return {name: value for name, value in row.items() if name not in _NOISE_COLUMNS}
