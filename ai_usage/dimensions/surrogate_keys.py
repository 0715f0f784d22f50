"""Keys hashed from text, equal in Python and in both engines' SQL, stable across rebuilds."""

from __future__ import annotations

import hashlib

UNKNOWN_SK = 0
"""Surrogate key of the member Unknown, in every dimension that has one."""
SHARED_SK = -1
"""Surrogate key of the member Shared of `dim_users`: what belongs to a team, not to a person."""


def hash_text(*parts: str | None) -> str:
    """Hex SHA-256 of the parts, each with its length, so that no two lists of parts collide.

    The SQL form is `TO_HEX(SHA256(CONCAT(part, …)))` with part =
    `IF(x IS NULL, '-', CONCAT(CAST(LENGTH(x) AS STRING), ':', x))`.
    """
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def surrogate_key(*parts: str | None) -> int:
    """The first 60 bits of `hash_text` as a positive INT64."""
    return int(hash_text(*parts)[:15], 16)
