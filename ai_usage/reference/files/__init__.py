"""One module a file that a person maintains, each with a module-level `FILE`.

Nothing else names them: a new file is one new module here.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ai_usage.reference.file import ReferenceFile


@cache
def reference_files() -> tuple[ReferenceFile, ...]:
    """Every declared file, by name."""
    found = [
        getattr(importlib.import_module(f"{__name__}.{module.name}"), "FILE", None)
        for module in pkgutil.iter_modules(__path__)
    ]
    return tuple(sorted((f for f in found if isinstance(f, ReferenceFile)), key=lambda f: f.name))


def reference_file(name: str) -> ReferenceFile:
    """The file of that name (`users.csv`); KeyError if none is declared."""
    for file in reference_files():
        if file.name == name:
            return file
    raise KeyError(name)
