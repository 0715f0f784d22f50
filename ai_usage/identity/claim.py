"""What one source says of one key, and how sources rank against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ai_usage.days.spans import Span
from ai_usage.identity.register import Change

KeyRef = tuple[str, str]
"""(platform, key id), or (platform, `name:<key name>`) where no source knows an id."""

NAME_PREFIX = "name:"

KEY_SUCCESSION = "key_succession"

CONFIDENCE = {
    "manual_entry": 1.0,
    "sso_sync": 0.95,
    "google_sheets": 0.9,
    "vendor_directory": 0.8,
    KEY_SUCCESSION: 0.7,
    "key_name_pattern": 0.6,
}
"""What sources are worth before age (design, "Identity")."""

RANK = {
    "manual_entry": 1,
    "sso_sync": 2,
    "google_sheets": 3,
    "vendor_directory": 5,
    "key_name_pattern": 7,
}
"""Sources by precedence. `key_succession` stands below the vendor's directory, but above it where
the former key is registered as a team's or a service's: who makes such a key anew is not its
owner."""

SUCCESSION_OF_SHARED, SUCCESSION = 4, 6

SHARED_USES = frozenset({"team", "service"})


@dataclass(frozen=True)
class Claim:
    """A source says that on these days the key is this person's, or a team's."""

    ref: KeyRef
    span: Span
    user_email: str
    source: str
    names_id: bool
    """True where the source names the key itself, not just its name."""
    is_removed: bool
    row: Mapping[str, Any]
    last_verified: date | None
    first_seen: date | None
    history: Sequence[Change] = ()

    @property
    def is_shared(self) -> bool:
        """True for keys of teams and services: no person bears their cost."""
        return self.row.get("intended_use") in SHARED_USES

    @property
    def bearer(self) -> str | None:
        """Who bears the key's cost: the person, or None for Shared."""
        return None if self.is_shared else self.user_email

    @property
    def rank(self) -> int:
        """Precedence of what the source says, 1 is the strongest."""
        if self.source == KEY_SUCCESSION:
            return SUCCESSION_OF_SHARED if self.is_shared else SUCCESSION
        return RANK[self.source]

    @property
    def standing(self) -> tuple[int, bool, bool]:
        """Smaller wins: the source's precedence, present before removed, id before name."""
        return self.rank, self.is_removed, not self.names_id
