"""What is installed is what is locked, fits together, and may be used.

That the list of the document is the lock's stands in `test_tables.py`.
"""

from __future__ import annotations

import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest

from ai_usage.errors import AiUsageError
from tools import licences


def test_nothing_installed_misses_or_contradicts_a_requirement() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ({"License-Expression": "MIT OR Apache-2.0", "License": "GPL"}, "MIT OR Apache-2.0"),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, "MIT"),
        ({"License": "3-Clause BSD License\nmore text"}, "BSD-3-Clause"),
        ({"Classifier": "License :: OSI Approved"}, "none"),
    ],
)
def test_a_licence_is_read_from_wherever_a_package_says_it(
    lines: dict[str, str], expected: str
) -> None:
    metadata = Message()
    for name, value in lines.items():
        metadata[name] = value
    assert licences.licence_of(metadata) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("pytest==0.0.1", "locked as 0.0.1: install requirements.lock first"),
        ("no-such-package==1.0", "no-such-package is not installed"),
        ("never-here==1 ; sys_platform == 'nowhere'", "never-here is not for this system"),
    ],
)
def test_what_cannot_be_vouched_for_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    (tmp_path / "lock").write_text(f"{line} \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(licences, "LOCK", tmp_path / "lock")
    with pytest.raises(AiUsageError, match=says):
        list(licences.locked())


def test_a_licence_that_nobody_accepted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "ACCEPTED", licences.ACCEPTED - {"MIT"})
    with pytest.raises(AiUsageError, match="not among the accepted"):
        list(licences.locked())
