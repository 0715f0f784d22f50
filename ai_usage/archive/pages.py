"""A page as a vendor answered it: the unit that the archive keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One answered page: the body as it came (JSON bytes) and the request that it answers.

    `request` never holds a credential. `next_url` is the page that the answer's `Link` header names
    as the next one (RFC 8288), where it has one. `text` is the body as a decoder takes it, where
    that was looked at: the body itself unless some of its text cannot be decoded.
    """

    body: bytes
    request: str
    next_url: str | None = None
    text: bytes | None = None
