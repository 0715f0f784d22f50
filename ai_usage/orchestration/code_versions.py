"""By which version of its code an asset's days were built: Dagster calls days of another one stale.

What SQL builds has the version of its SQL: nobody has to think of raising it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

import sqlglot

from ai_usage.ledger.rule_changes import RULE_CHANGES, RuleChange, statement_changes
from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.views import view_schema, views_read

LENGTH = 16
"""Characters of a version: enough to tell the statements of one asset apart."""


def present_changes() -> tuple[RuleChange, ...]:
    """Every rule by which this version builds days: the declared changes, and each statement."""
    return (*RULE_CHANGES, *statement_changes(statement_versions()))


@cache
def statement_versions() -> Mapping[str, str]:
    """The code version of each table that a statement builds, in the order in which they are."""
    return {table: code_version_of(statement(table)) for table in built_tables()}


def declared_version(table: str) -> str | None:
    """The code version of a table that Python fills: the last rule change that rebuilds it.

    None where no change ever did: Dagster then takes each run for a version of its own.
    """
    names = [change.name for change in RULE_CHANGES if table in change.rebuilds]
    return names[-1] if names else None


@lru_cache(maxsize=256)
@kept(str)
def code_version_of(sql: str) -> str:
    """The code version of what a statement in BigQuery's dialect builds, its functions inlined.

    The views that it reads count too: they are not stored, so what they say is part of what is
    built. Comments, line breaks and blanks do not count, every other character does.
    """
    digest = hashlib.sha256()
    for text in (sql, *(view_schema(name).query for name in sorted(views_read(sql)))):
        for token in _tokens(text):
            digest.update(token.encode() + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:LENGTH]


def _tokens(sql: str) -> Iterator[str]:
    # As they are written: how a version of sqlglot names or prints them must not matter.
    for token in sqlglot.tokenize(sql, read="bigquery"):
        yield sql[token.start : token.end + 1]
