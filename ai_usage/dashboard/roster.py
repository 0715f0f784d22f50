"""Who an e-mail address is: `viewers.csv`, read anew when it changes, and the tree of people."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ai_usage.dashboard.published import Key, Published
from ai_usage.dashboard.viewers import SMALLEST_GROUP, Mode, Role, Viewer
from ai_usage.reference import RefusedFileError, Row, read_path, reference_file
from ai_usage.reference.periods import first_day, last_day

_log = logging.getLogger(__name__)


@dataclass
class Roster:
    """Looks viewers up. A refused file keeps its last good lines; without any nobody has a role."""

    published: Published
    folder: Path
    today: Callable[[], date]
    mode: Mode
    smallest_group: int = SMALLEST_GROUP
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: tuple[Key | None, frozenset[str]] = (None, frozenset())
    _read: tuple[tuple[int, int, int] | None, tuple[Row, ...]] = (None, ())

    def viewer(self, email: str) -> Viewer:
        """Who asks: their line of the day, else a lead if anybody is led by them, else themselves.

        An address is compared in lower case, as the files and dim_users have it.
        """
        email, today = email.strip().lower(), self.today()
        for row in self._rows():
            if row["user_email"] == email and first_day(row) <= today <= last_day(row):
                return Viewer(
                    email,
                    Role(row["role"]),
                    self.mode,
                    frozenset(row["cost_centers"] or ()),
                    self.smallest_group,
                )
        role = Role.LEAD if email in self._leads() else Role.SELF
        return Viewer(email, role, self.mode, smallest_group=self.smallest_group)

    def _leads(self) -> frozenset[str]:
        """Who leads anybody on any day, asked once a copy."""
        key = self.published.key
        if self._known[0] != key:
            rows = self.published.rows(
                "SELECT DISTINCT manager_email AS email FROM people "
                "WHERE manager_email IS NOT NULL AND is_person AND user_email != manager_email"
            )
            self._known = key, frozenset(row["email"] for row in rows)
        return self._known[1]

    def scopes(self) -> set[frozenset[str]]:
        """The sets of cost centres that somebody is limited to today."""
        today = self.today()
        return {
            frozenset(row["cost_centers"])
            for row in self._rows()
            if row["cost_centers"] and first_day(row) <= today <= last_day(row)
        }

    def _rows(self) -> tuple[Row, ...]:
        file = reference_file("viewers.csv")
        try:
            found = (self.folder / file.name).stat()
            state = found.st_ino, found.st_mtime_ns, found.st_size
        except OSError:
            return ()
        with self._lock:
            if self._read[0] != state:
                try:
                    rows = tuple(read_path(file, self.folder).rows)
                except RefusedFileError as error:
                    _log.error("%s Roles stay as they were.", error)
                    rows = self._read[1]
                self._read = state, rows
            return self._read[1]
