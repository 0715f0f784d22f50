"""Vendors' records as text that every warehouse takes for JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec

UNPARSABLE_JSON = "unparsable_json"
"""The record is JSON to the vendor, not to a warehouse: it is kept whole, as a text."""

_WIDER_THAN_FLOAT = re.compile(r"\d{309}")


def is_json(text: str) -> bool:
    """Whether BigQuery's PARSE_JSON takes a text: no number beyond a FLOAT64, no half a character.

    DuckDB takes more, and the two must hold the same.
    """
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    # A whole number of any length decodes.
    return _WIDER_THAN_FLOAT.search(text) is None


def stored(
    records: Sequence[str | None], flags: Sequence[list[str]]
) -> tuple[list[str | None], list[list[str]]]:
    """Records as they are stored, each with its flags: what is no JSON becomes a JSON string."""
    texts, flagged = list(records), list(flags)
    for i, text in enumerate(records):
        if text is not None and not is_json(text):
            texts[i] = json.dumps(text)
            flagged[i] = [*flags[i], UNPARSABLE_JSON]
    return texts, flagged
