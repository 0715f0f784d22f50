"""Vendors' records as text that every warehouse takes for JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ai_usage.vendors.decoding import UNREADABLE

UNPARSABLE_JSON = "unparsable_json"
"""The record is JSON to the vendor, not to a warehouse: it is kept whole, as a text."""

_WIDER_THAN_FLOAT = re.compile(r"[0-9]{309}")
_MAY_BE_WIDER = r"[0-9]{300}|(^|[\[:,\s])-?[0-9.]+[eE]\+?[0-9]{2}"
"""So is every number beyond a FLOAT64 written: with one digit of an exponent, it has 300 others."""
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)


def is_json(text: str) -> bool:
    """Whether BigQuery's PARSE_JSON takes a text: no number beyond a FLOAT64, no half a character.

    DuckDB takes more, and the two must hold the same.
    """
    try:
        msgspec.json.decode(text)
    except UNREADABLE:
        return False
    # A whole number of any length decodes.
    return _WIDER_THAN_FLOAT.search(text) is None


def stored(
    records: Sequence[str | None], flags: Sequence[list[str]]
) -> tuple[list[str | None], list[list[str]]]:
    """Records as they are stored, each with its flags: what is no JSON becomes a JSON string."""
    texts, flagged = list(records), list(flags)
    if _are_json([text for text in records if text is not None]):
        return texts, flagged
    for i, text in enumerate(records):
        if text is not None and not is_json(text):
            texts[i] = json.dumps(text)
            flagged[i] = [*flags[i], UNPARSABLE_JSON]
    return texts, flagged


def _are_json(texts: Sequence[str]) -> bool:
    """Whether `is_json` takes all of the texts for sure: asked of all at once, it costs little."""
    try:
        lines = "\n".join(texts).encode()
        # What is skipped is checked for everything but the range of its numbers.
        values = _ANYTHING.decode_lines(lines)
    except UNREADABLE:
        return False
    # Only so is each line one of the texts, and a value by itself.
    if lines.count(b"\n") != len(texts) - 1 or b"\n".join(values) != lines:
        return False
    wide = pc.match_substring_regex(pa.array(texts, pa.string()), _MAY_BE_WIDER)
    return not pc.any(wide).as_py()
