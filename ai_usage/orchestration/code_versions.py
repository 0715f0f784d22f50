"""By which version of its code an asset's days were built: Dagster calls days of another one stale.

What SQL builds has the version of its SQL: nobody has to think of raising it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache

import sqlglot

from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import view_names, view_schema

LENGTH = 16
"""Characters of a version: enough to tell the statements of one asset apart."""


@lru_cache(maxsize=256)
def code_version_of(sql: str) -> str:
    """The code version of what a statement in BigQuery's dialect builds, its functions inlined.

    The views that it reads count too: they are not stored, so what they say is part of what is
    built. Comments, line breaks and blanks do not count, every other character does.
    """
    digest = hashlib.sha256()
    for statement in (sql, *(view_schema(name).query for name in sorted(_views_read(sql)))):
        for token in _tokens(statement):
            digest.update(token.encode() + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:LENGTH]


def _tokens(sql: str) -> Iterator[str]:
    # As they are written: how a version of sqlglot names or prints them must not matter.
    for token in sqlglot.tokenize(sql, read="bigquery"):
        yield sql[token.start : token.end + 1]


def _views_read(sql: str) -> set[str]:
    found: set[str] = set()
    waiting = [sql]
    while waiting:
        new = references(waiting.pop()).intersection(view_names()) - found
        found |= new
        waiting += [view_schema(name).query for name in new]
    return found
