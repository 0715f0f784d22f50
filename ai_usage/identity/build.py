"""The facade: snapshots in, rows of the identity tables out. What is shared is worked out once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from ai_usage.identity import bridge, claims, cost_centers, history, keys
from ai_usage.identity.claim import KeyRef
from ai_usage.identity.last_good import last_good
from ai_usage.identity.reported import Reported, with_reported_cost_centers, with_reported_users
from ai_usage.identity.snapshots import Snapshot, by_source

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class IdentityInputs:
    """Everything that decides who is who. Equal inputs give equal rows, in any order of snapshots.

    `snapshots` are of all sources, people and keys together, every day that has one.
    `key_name_patterns` are each vendor's, by platform: pattern to product. `cost_centers` are those
    that finance's files name. `now` (UTC) says what today is and fills the timestamps; nothing else
    depends on it but is_active and what describes people today.
    """

    snapshots: Sequence[Snapshot]
    now: datetime
    activity: keys.Activity = field(default_factory=dict)
    key_name_patterns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cost_centers: Collection[str] = ()
    reported: Sequence[Reported] = ()
    """What closed months refer to."""


class Identity:
    """The identity tables, each by one method, as rows for `table_schema(name).to_arrow`."""

    def __init__(self, inputs: IdentityInputs) -> None:
        self.inputs = inputs

    @cached_property
    def people(self) -> history.People:
        """Everyone's versions and aliases."""
        return history.fold_people(s for own in self._snapshots.values() for s in own)

    @cached_property
    def _snapshots(self) -> dict[str, list[Snapshot]]:
        return dict(last_good(by_source(self.inputs.snapshots)).snapshots)

    @cached_property
    def _keys(self) -> claims.Keys:
        names = [(p, value) for p, kind, value in self.inputs.activity if kind == "api_key_name"]
        patterns = self.inputs.key_name_patterns
        return claims.gather(self._snapshots, self.people, patterns, names)

    @cached_property
    def _mapped(self) -> dict[KeyRef, list[keys.Mapped]]:
        return keys.rank(self._keys)

    @cached_property
    def _bridge(self) -> Rows:
        return bridge.bridge_user_identity(self._keys, self._mapped, self.people)

    @cached_property
    def _mappings(self) -> Rows:
        inputs = self.inputs
        return keys.api_key_mappings(
            self._keys, self._mapped, self.people, inputs.activity, inputs.now
        )

    def dim_users(self) -> Rows:
        """Rows of `dim_users`."""
        seen = bridge.last_activity_by_person(self._bridge, self.inputs.activity, self.people)
        rows = history.dim_users(self.people, self.inputs.now, seen)
        return with_reported_users(rows, self.inputs.reported, self.inputs.now, self.people)

    def api_key_mappings(self) -> Rows:
        """Rows of `api_key_mappings`."""
        return list(self._mappings)

    def bridge_user_identity(self) -> Rows:
        """Rows of `bridge_user_identity`."""
        return list(self._bridge)

    def dim_cost_centers(self) -> Rows:
        """Rows of `dim_cost_centers`."""
        inputs = self.inputs
        rows = cost_centers.dim_cost_centers(
            self.people, self._mappings, inputs.cost_centers, inputs.now
        )
        return with_reported_cost_centers(rows, inputs.reported, inputs.now)
