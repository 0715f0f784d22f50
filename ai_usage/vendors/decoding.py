r"""Text that no decoder takes, in an answer that is whole: the rest of it can be read all the same.

A lone surrogate (`"\ud800"`, half of an emoji that somebody cut), an unknown escape, a raw control
character in a string, bytes that are not UTF-8: a JSON decoder refuses the whole answer for each of
them. Here they become U+FFFD, spelled so that the records they stand in can be told apart.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ai_usage.vendors.event_columns import EventColumns
from ai_usage.vendors.rows import RawEvent

UNREADABLE = (ValueError, RecursionError)
"""What readers raise, of text that cannot be read as what it should be: msgspec's errors and those
of UTF-8 are ValueErrors. What is nested too deeply raises the other."""

UNDECODABLE_TEXT = "undecodable_text"

MARK = r"\uFFfd"
"""U+FFFD as no encoder spells it: all letters lower case, or all upper case, or not escaped."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE_OR_CONTROL = re.compile(
    r"(?P<good>\\u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
    r'|\\["\\/bfnrt])'
    r"|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x1f]",
    re.DOTALL,
)
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)

codecs.register_error("ai_usage.mark", lambda error: (MARK, getattr(error, "end")))  # noqa: B009


def decodable(body: bytes) -> bytes:
    """The answer, with U+FFFD (as `MARK`) for text that cannot be decoded.

    The same bytes where there is none, or where the answer is no whole JSON for another reason.
    """
    if _is_readable(body):
        return body
    text = body.decode("utf-8", "ai_usage.mark")
    fixed = _STRING.sub(_mended, text).encode()
    return fixed if _is_readable(fixed) else body


def _is_readable(body: bytes) -> bool:
    try:
        # What is skipped is checked for everything but its UTF-8.
        _ANYTHING.decode(body)
        body.decode("utf-8")
    except UNREADABLE:
        return False
    return True


def _mended(string: re.Match[str]) -> str:
    return _ESCAPE_OR_CONTROL.sub(lambda odd: odd[0] if odd["good"] else MARK, string[0])


def tolerant(read: Callable[[Iterable[bytes], Any], Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """A reader that takes answers with undecodable text, and flags the records that hold it."""

    def reading(pages: Iterable[bytes], context: Any) -> Iterator[Any]:
        fixed = False

        def whole() -> Iterator[bytes]:
            nonlocal fixed
            for page in pages:
                taken = decodable(page)
                fixed = taken is not page
                yield taken

        for row in read(whole(), context):
            if fixed and isinstance(row, RawEvent) and _holds_odd_text(row.raw_response or ""):
                row.validation_errors = [*row.validation_errors, UNDECODABLE_TEXT]
            yield row

    return reading


def tolerant_columns(
    columns: Callable[[bytes, Any], EventColumns],
    read: Callable[[Iterable[bytes], Any], Iterator[Any]],
) -> Callable[[bytes, Any], EventColumns]:
    """`columns` of a page whose text can be decoded; of another, what the tolerant `read` has."""

    def reading(page: bytes, context: Any) -> EventColumns:
        if _is_readable(page):
            return columns(page, context)
        return EventColumns.of(list(read([page], context)))

    return reading


def _holds_odd_text(record: str) -> bool:
    """Whether a record of a fixed answer is one that was fixed, as it came or written anew."""
    return MARK in record or "\ufffd" in record
