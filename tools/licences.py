"""The licences of the locked packages, and which of them are accepted.

What a package says of itself when it is installed is read; nothing is asked over the network.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ai_usage.errors import AiUsageError

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"

ACCEPTED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "LGPL",
        "LLVM-exception",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""Licences that allow what this project does: use the package unchanged, as a library. LGPL and
MPL-2.0 ask more of who changes the package itself."""

_SPDX = {
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
"""Older names for them, from classifiers and free text."""

_ELSEWHERE = {"colorama": "BSD-3-Clause", "pyreadline3": "BSD-3-Clause", "pywin32": "PSF-2.0"}
"""Packages that the lock has for other systems, where nothing is installed to be read."""


@dataclass(frozen=True)
class Package:
    """A package of the lock."""

    name: str
    version: str
    licence: str


def locked() -> Iterator[Package]:
    """The packages of the lock, by name, as they are installed.

    Raises `AiUsageError` for one that is not installed as locked, or says no known licence.
    """
    pinned: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^([A-Za-z0-9][^\\\n]*?) \\?$", LOCK.read_text(), re.MULTILINE):
        requirement = Requirement(line)
        pinned.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    for name, requirements in sorted(pinned.items()):
        here = [r for r in requirements if r.marker is None or r.marker.evaluate()]
        version = str((here or requirements)[0].specifier).removeprefix("==")
        if here:
            licence = licence_of(_installed(name, version))
        elif name in _ELSEWHERE:
            licence = _ELSEWHERE[name]
        else:
            raise AiUsageError(f"{name} is not for this system: add its licence to {__name__}.")
        refused = set(re.split(r" (?:AND|OR|WITH) ", licence)) - ACCEPTED
        if refused:
            raise AiUsageError(
                f"{name} {version} has the licence {licence!r}, which is not among the accepted: "
                "read it, then accept it in tools/licences.py or take another package."
            )
        yield Package(name, version, licence)


def licence_of(metadata: importlib.metadata.PackageMetadata) -> str:
    """What a package says of its licence: an SPDX expression, classifiers, or a line of text."""

    def said(field: str) -> list[str]:
        return metadata.get_all(field) or []

    if said("License-Expression"):
        return said("License-Expression")[0]
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in said("Classifier")
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    texts = classifiers or [text.strip().partition("\n")[0] for text in said("License") or ["none"]]
    return " AND ".join(_SPDX.get(text, text) for text in texts)


def _installed(name: str, version: str) -> importlib.metadata.PackageMetadata:
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise AiUsageError(f"{name} is not installed: install requirements.lock first.") from None
    if found.version != version:
        raise AiUsageError(
            f"{name} is installed as {found.version}, locked as {version}: install "
            "requirements.lock first."
        )
    return found.metadata
