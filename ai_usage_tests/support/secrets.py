"""Looks for secrets in everything that an installation keeps: packed, in databases, or as it is."""

from __future__ import annotations

import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb


def found(secrets: Iterable[str], text: str) -> list[str]:
    """The secrets that stand in a text."""
    return [secret for secret in secrets if secret in text]


def texts_below(home: Path) -> Iterator[tuple[str, str]]:
    """Every file below, as it is and, where it is packed, unpacked."""
    for path in sorted(home.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield f"file:{path}", content.decode("latin-1")
        if path.suffix == ".gz":
            yield f"gzip:{path}", gzip.decompress(content).decode()
        elif path.suffix == ".db":
            yield f"sqlite:{path}", _sqlite(path)
        elif path.suffix == ".duckdb":
            yield f"duckdb:{path}", _duckdb(path)


def _sqlite(path: Path) -> str:
    """Every value of every table; Dagster packs some with zlib."""
    found = []
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                found += [_unpacked(value) for value in row if isinstance(value, str | bytes)]
    return "\n".join(found)


def _unpacked(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return zlib.decompress(value).decode()
    except zlib.error:
        return value.decode("latin-1")


def _duckdb(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.sql(
            "SELECT DISTINCT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE'"
        ).fetchall()
        rows = [
            str(connection.sql(f'SELECT * FROM "{schema}"."{name}"').fetchall())
            for schema, name in tables
        ]
    assert len(re.findall(r"example\.com", "\n".join(rows))) > 100, "it has the company's rows"
    return "\n".join(rows)
