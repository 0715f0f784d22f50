"""Errors a person can cause or fix. Each message is one line: what is wrong, where, the remedy.

Bugs are not here: they keep their traceback.
"""

from ai_usage.text.printable import one_line


class AiUsageError(Exception):
    """Base of every error that the CLI prints as one line, exit code 1, without a traceback.

    `cause` is what several errors have in common, as a line: a vendor that is down fails each of
    its endpoints, and need be told once. Empty where the message itself is it.
    """

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(one_line(message))
        self.cause = one_line(cause)


class ArgumentError(AiUsageError):
    """A person asked for what cannot be: nobody else need hear of it."""


class SettingsError(AiUsageError):
    """A setting is unknown, missing or unreadable."""


class VendorError(AiUsageError):
    """A vendor could not be reached, refused us, or did not answer completely."""

    status: int | None = None
    """Of a refusal, the HTTP status."""


class ArchiveError(AiUsageError):
    """The archive cannot be read or written."""


class ReferenceFileError(AiUsageError):
    """A file that a person maintains has a line that cannot be accepted."""


class WarehouseError(AiUsageError):
    """The warehouse refused: it is locked, has drifted, or the rows break its contract."""
