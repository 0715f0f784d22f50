"""Other people's text where a person reads it: no terminal commands, no forged lines.

Vendors' answers, files and library errors may hold escape sequences, line breaks and characters
that reorder a line. Whatever prints, logs or words them takes them through here. What a channel
or a spreadsheet could misread besides is the channel's business (`notifications.messages`,
`commands.show`).
"""

from __future__ import annotations

import unicodedata


def printable(text: str, keep: str = "") -> str:
    """The text with a mark in place of every character that is no visible one or a space.

    `keep` are characters that stay though they are none, like a line break.
    """
    return "".join(c if c.isprintable() or c in keep else _instead(c) for c in text)


def one_line(text: str) -> str:
    """The text as one line: whatever is no visible character becomes a space, many become one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _instead(character: str) -> str:
    # A no-break space and its kin are harmless, and no reason for a mark.
    return " " if unicodedata.category(character) == "Zs" else "�"
