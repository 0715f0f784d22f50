"""What is worked out of texts alone, kept in a file from one process to the next.

They are those of SQL, and of the files that people keep. Reading the product's statements takes
more time than all else of a start. What comes of a text is always the same until code or SQL
change: the file is named after a digest of all of both. A file that cannot be read or written, or
that is damaged, costs time and nothing else.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from ai_usage.warehouse.files import installed_version

_P = ParamSpec("_P")
_T = TypeVar("_T")

_NAME = "sql-{}.json"
_DIGEST = 64
"""Characters of the digest that the file begins with."""


def sealed(body: bytes) -> bytes:
    """The body behind a digest of it, by which `unsealed` tells whether it is whole."""
    return sha256(body).hexdigest().encode() + body


def unsealed(content: bytes) -> bytes | None:
    """The body that was sealed; None where the content is damaged, or never was one."""
    digest, body = content[:_DIGEST], content[_DIGEST:]
    return body if sha256(body).hexdigest().encode() == digest else None


class _File:
    """The answers of a file, and those that it lacks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _NAME.format(installed_version()[:16])
        self._known: dict[str, msgspec.Raw] = {}
        self._new = False
        with suppress(OSError, msgspec.MsgspecError):
            body = unsealed(self._path.read_bytes())
            if body is not None:
                self._known = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    def get(self, key: str) -> bytes | None:
        """The answer under the key."""
        found = self._known.get(key)
        return None if found is None else bytes(found)

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, until `save`."""
        self._known[key] = msgspec.Raw(answer)
        self._new = True

    def save(self) -> None:
        """Write the file anew if it lacks anything, and remove those of other versions."""
        # A state folder that is no more is not made again.
        if not self._new or not self._folder.parent.is_dir():
            return
        self._new = False
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(sealed(msgspec.json.encode(self._known)))
            temporary.replace(self._path)
            for other in self._folder.glob(_NAME.format("*")):
                if other != self._path:
                    other.unlink(missing_ok=True)


_file: _File | None = None


def keep_in(folder: Path) -> None:
    """Keep what is worked out in the folder; the first one of a process stays the one.

    The folder is made below one that must be there.
    """
    global _file
    if _file is None:
        _file = _File(folder)
        atexit.register(_file.save)


def save() -> None:
    """Write what is new. It happens by itself where a process comes to its end."""
    if _file is not None:
        _file.save()


def kept(answer: type[_T]) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Let a function of texts alone answer from the file where it can.

    Texts, whole numbers and days, and tuples of them, are all that it may depend on, besides code
    and SQL of the product.
    """

    def of(function: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(function)
        def answered(*texts: _P.args, **named: _P.kwargs) -> _T:
            if _file is None:
                return function(*texts, **named)
            asked = f"{function.__module__}.{function.__qualname__}{texts!r}{named!r}"
            key = sha256(asked.encode()).hexdigest()
            known = _file.get(key)
            if known is not None:
                with suppress(msgspec.MsgspecError):
                    return msgspec.json.decode(known, type=answer)
            found = function(*texts, **named)
            _file.put(key, msgspec.json.encode(found))
            return found

        return answered

    return of
