"""What libraries log is not for the person at the console; what this package warns of is."""

from __future__ import annotations

import logging
import sys

_OURS = "ai_usage"


class _OnStandardError(logging.Handler):
    """Prints a warning as one line, on what is standard error by then."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message alone: when and where it was logged, nobody asked."""
        sys.stderr.write(f"{record.getMessage()}\n")


def quiet_libraries() -> None:
    """Let nothing but this package's warnings reach the console by way of logging.

    Python prints warnings that no handler takes, in the library's own words.
    """
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    if not ours.handlers:
        ours.addHandler(_OnStandardError(logging.WARNING))
