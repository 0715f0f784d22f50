"""Where the SQL files are: the checkout's `sql/`, or the copy that the wheel carries."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Literal

_MAKE_SQL = ("sqlglot", "ibis-framework", "pandera")
"""Packages whose answers are kept (`kept`)."""
_COMPILED = frozenset({".pyc", ".pyo"})

Kind = Literal[
    "tables",
    "functions",
    "staging",
    "intermediate",
    "facts",
    "rollups",
    "views",
    "ledger",
    "checks",
    "reports",
]


@cache
def sql_root() -> Path:
    """The folder that holds a folder per kind of SQL file."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_sql"
    return packaged if packaged.is_dir() else package.parent / "sql"


@cache
def load(kind: Kind, name: str) -> str:
    """The text of one SQL file."""
    return (sql_root() / kind / f"{name}.sql").read_text(encoding="utf-8")


def names(kind: Kind) -> list[str]:
    """The names of the SQL files of one kind, sorted."""
    return sorted(path.stem for path in (sql_root() / kind).glob("*.sql"))


@cache
def installed_version() -> str:
    """A digest of every file of the package and of its SQL, and of what makes other SQL of it."""
    package = Path(__file__).resolve().parent.parent
    digest = sha256(" ".join(map(version, _MAKE_SQL)).encode())
    for root in sorted({package, sql_root()}):
        files = (path for path in root.rglob("*") if path.suffix not in _COMPILED)
        for path in sorted(path for path in files if path.is_file()):
            digest.update(str(path.relative_to(root)).encode() + b"\0")
            digest.update(path.read_bytes() + b"\1")
    return digest.hexdigest()
