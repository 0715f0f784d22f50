"""Whether people approve of the pages: one vote a person and month, kept beside the warehouse.

A file of lines, appended under a lock. Of a voter it holds a keyed digest alone, by which a later
vote takes the place of an earlier one: a share is told, never who said what.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from filelock import FileLock

AIM = 0.9
"""The share of approval that the design document asks for."""


@dataclass(frozen=True)
class Approval:
    """Votes of a month, and how many of them approve."""

    votes: int
    approving: int

    @property
    def share(self) -> float | None:
        """The approving part; None without votes."""
        return self.approving / self.votes if self.votes else None


class Feedback:
    """The votes in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def vote(self, email: str, month: date, *, approves: bool) -> None:
        """Keep a vote; the last of a person in a month counts. Raises OSError."""
        with self._locked():
            line = {
                "month": f"{month:%Y-%m}",
                "voter": self._digest(email),
                "approves": approves,
            }
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def approval(self, month: date) -> Approval:
        """How the month's votes stand."""
        last: dict[str, bool] = {}
        if self.path.exists():
            for text in self.path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                if line["month"] == f"{month:%Y-%m}":
                    last[line["voter"]] = line["approves"]
        return Approval(len(last), sum(last.values()))

    def _digest(self, email: str) -> str:
        key = self.path.with_suffix(".key")
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(secrets.token_hex(32), encoding="utf-8")
        secret = bytes.fromhex(key.read_text(encoding="utf-8"))
        return hmac.new(secret, email.encode(), hashlib.sha256).hexdigest()

    def _locked(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock", timeout=5)
