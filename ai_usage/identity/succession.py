"""Keys that follow keys: a key made under the name of one that was switched off takes its place.

What a register says of the former key is said of the latter at second hand: `key_succession`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from ai_usage.identity.claim import KEY_SUCCESSION, Claim, KeyRef
from ai_usage.identity.directory import DirectoryKey

_CARRIED = (
    *("platform_subtype", "environment", "intended_use", "cost_center", "project_codes"),
    "auto_deactivate_after_days",
)
"""What an entry says of a key that holds for its successor; its id, days and author do not."""

_HEARSAY = frozenset({"key_name_pattern"})
"""Sources that know only the name, which the successor bears itself."""


def add_successions(
    claims: Mapping[KeyRef, list[Claim]], directory: Mapping[KeyRef, DirectoryKey]
) -> None:
    """Append to each successor's claims what is known of the key before it.

    From the oldest on, so that a successor of a successor is known too.
    """
    for ref, key, former in _successors(directory):
        made = key.made
        told = _told(claims.get(former, ()), min(directory[former].life.last, made))
        if told is None:
            continue
        claims[ref].append(
            replace(
                told,
                ref=ref,
                span=key.valid,
                source=KEY_SUCCESSION,
                names_id=True,
                is_removed=False,
                row={name: told.row[name] for name in _CARRIED if name in told.row},
                last_verified=key.last_seen,
                first_seen=key.first_seen,
                history=[
                    {"day": made, "field": "api_key_id", "old": former[1], "new": ref[1]},
                    *key.history,
                ],
            )
        )


def _successors(
    directory: Mapping[KeyRef, DirectoryKey],
) -> Iterator[tuple[KeyRef, DirectoryKey, KeyRef]]:
    """Each key that follows another, and that other, by the day on which it was made."""
    alike: dict[tuple[str, str, str | None], list[tuple[KeyRef, DirectoryKey]]] = defaultdict(list)
    for ref, key in directory.items():
        if key.key.api_key_name:
            alike[ref[0], key.key.api_key_name, key.key.workspace_id].append((ref, key))
    ordered = sorted(
        (pair for own in alike.values() if len(own) > 1 for pair in own),
        key=lambda pair: (pair[1].made, pair[0]),
    )
    for ref, key in ordered:
        own = alike[ref[0], key.key.api_key_name or "", key.key.workspace_id]
        former = [pair for pair in own if _precedes(pair[1], key)]
        newest = max((other.born for _ref, other in former), default=None)
        # Two that were made at once could both be meant.
        found = [before for before, other in former if other.born == newest]
        if len(found) == 1:
            yield ref, key, found[0]


def _precedes(former: DirectoryKey, key: DirectoryKey) -> bool:
    """Made before, and switched off by the time at which the other was made.

    Lists are read once a day: what the first list with the other one says counts.
    """
    off = former.off_since
    return former.born < key.born and off is not None and off <= max(key.made, key.first_seen)


def _told(claims: Sequence[Claim], day: date) -> Claim | None:
    """What was known of the key on its last day; None where nobody or several are named."""
    here = [
        claim
        for claim in claims
        if claim.source not in _HEARSAY and claim.span.first <= day <= claim.span.last
    ]
    best = min((claim.standing for claim in here), default=None)
    top = [claim for claim in here if claim.standing == best]
    return top[0] if len({claim.bearer for claim in top}) == 1 else None
