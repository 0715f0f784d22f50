"""Who says that a key is whose: the claims of every source, key by key. Ranking is in `keys`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ai_usage.days.spans import EVER, LAST_DAY, Span, day_before, span_of
from ai_usage.identity import succession
from ai_usage.identity.directory import DirectoryKey, read_directories
from ai_usage.identity.history import People
from ai_usage.identity.key_names import NameMatcher
from ai_usage.identity.register import Change, Tracked, track
from ai_usage.identity.snapshots import Snapshot

KeyRef = tuple[str, str]
"""(platform, key id), or (platform, `name:<key name>`) where no source knows an id."""

NAME_PREFIX = "name:"

CONFIDENCE = {
    "manual_entry": 1.0,
    "sso_sync": 0.95,
    "google_sheets": 0.9,
    "vendor_directory": 0.8,
    succession.SOURCE: 0.7,
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

REGISTERS = {"api_keys.csv": "manual_entry", "sso": "sso_sync", "google_sheets": "google_sheets"}
"""Snapshot source -> attribution source, for sources that list keys with their owners."""

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
        if self.source == succession.SOURCE:
            return SUCCESSION_OF_SHARED if self.is_shared else SUCCESSION
        return RANK[self.source]

    @property
    def standing(self) -> tuple[int, bool, bool]:
        """Smaller wins: the source's precedence, present before removed, id before name."""
        return self.rank, self.is_removed, not self.names_id


@dataclass(frozen=True)
class Keys:
    """All that is known of keys: what claims them, what they are called, what vendors list."""

    claims: Mapping[KeyRef, Sequence[Claim]]
    names: Mapping[KeyRef, Sequence[tuple[Span, str]]]
    directory: Mapping[KeyRef, DirectoryKey]


def gather(
    snapshots: Mapping[str, list[Snapshot]],
    people: People,
    patterns: Mapping[str, Mapping[str, str]],
    seen_names: Iterable[tuple[str, str]],
) -> Keys:
    """Every source's claims on every key.

    `seen_names` are (platform, key name) of the events: names that no list may hold any more.
    """
    directory = read_directories(snapshots)
    entries = [
        (REGISTERS[source], entry)
        for source, own in snapshots.items()
        if source in REGISTERS
        for entry in track(own)
    ]
    names = _names(directory, entries)
    bearing: dict[tuple[str, str], list[tuple[KeyRef, Span]]] = defaultdict(list)
    for ref, runs in names.items():
        for span, name in runs:
            bearing[ref[0], name].append((ref, span))
    claims: dict[KeyRef, list[Claim]] = defaultdict(list)
    for source, entry in entries:
        for claim in _register_claims(source, entry, bearing, directory):
            claims[claim.ref].append(claim)
    for ref, key in directory.items():
        if key.owner:
            claims[ref].append(_directory_claim(ref, key, key.owner))
    unlisted = {
        (platform, name)
        for platform, name in [*seen_names, *_entry_names(entries)]
        if (platform, name) not in bearing
    }
    named = {(platform, f"{NAME_PREFIX}{name}"): [(EVER, name)] for platform, name in unlisted}
    matcher = NameMatcher(patterns, people)
    for ref, runs in {**names, **named}.items():
        claims[ref] += _pattern_claims(ref, runs, matcher, directory.get(ref))
    succession.add_successions(claims, directory)
    called = {**names, **named}
    owned = {
        ref: [
            replace(
                claim,
                user_email=people.aliases.resolve(claim.user_email),
                row=_with_product(claim.row, ref, called.get(ref, ()), matcher),
            )
            for claim in own
        ]
        for ref, own in sorted(claims.items())
    }
    return Keys(owned, called, directory)


def _with_product(
    row: Mapping[str, Any],
    ref: KeyRef,
    runs: Sequence[tuple[Span, str]],
    matcher: NameMatcher,
) -> Mapping[str, Any]:
    """The row with the product that the key's name tells, where the source does not say one.

    Whoever owns it: a key that a tool has made serves that tool.
    """
    if row.get("platform_subtype") is not None:
        return row
    told = (matcher.product(ref[0], name) for _span, name in reversed(runs))
    product = next((product for product in told if product), None)
    return {**row, "platform_subtype": product} if product else row


def _names(
    directory: Mapping[KeyRef, DirectoryKey], entries: Iterable[tuple[str, Tracked]]
) -> dict[KeyRef, list[tuple[Span, str]]]:
    """The names that each key id bore. The vendor's list knows better than a register."""
    names: dict[KeyRef, list[tuple[Span, str]]] = {r: list(k.names) for r, k in directory.items()}
    for _source, entry in entries:
        row = entry.row
        ref = (row["platform"], row.get("api_key_id") or "")
        if ref[1] and ref not in directory:
            own = names.setdefault(ref, [])
            name = row.get("api_key_name")
            if name and (EVER, name) not in own:
                own.append((EVER, name))
    return names


def _entry_names(entries: Iterable[tuple[str, Tracked]]) -> Iterable[tuple[str, str]]:
    for _source, entry in entries:
        if not entry.row.get("api_key_id"):
            yield entry.row["platform"], entry.row["api_key_name"]


def _register_claims(
    source: str,
    entry: Tracked,
    bearing: Mapping[tuple[str, str], Sequence[tuple[KeyRef, Span]]],
    directory: Mapping[KeyRef, DirectoryKey],
) -> list[Claim]:
    """An entry with an id claims that key; one with a name only, every key of the name."""
    row = entry.row
    platform, key_id, name = row["platform"], row.get("api_key_id"), row.get("api_key_name")
    span = span_of(row.get("created_date"), row.get("expires_date"))
    if entry.removed_on:
        span &= Span(span.first, day_before(entry.removed_on))
    verified = entry.last_seen if source == "sso_sync" else entry.last_changed
    claim = Claim(
        ref=(platform, key_id or f"{NAME_PREFIX}{name}"),
        span=span,
        user_email=row["user_email"],
        source=source,
        names_id=bool(key_id),
        is_removed=entry.removed_on is not None,
        row=row,
        last_verified=row.get("last_verified_date") or verified,
        first_seen=entry.first_seen,
        history=entry.history,
    )
    bearers = [] if key_id else bearing.get((platform, name or ""), [])
    if not bearers:
        return [claim] if span else []
    workspace = row.get("workspace_id")
    claims = [
        replace(claim, ref=ref, span=span & named)
        for ref, named in bearers
        if workspace is None or ref not in directory or directory[ref].key.workspace_id == workspace
    ]
    return [claim for claim in claims if claim.span]


def _directory_claim(ref: KeyRef, key: DirectoryKey, owner: str) -> Claim:
    """The key is its creator's, from its creation on. That it was switched off ends nothing."""
    expires = key.key.expires_at
    return Claim(
        ref=ref,
        span=Span(_begin(key), max(expires.date(), _begin(key)) if expires else LAST_DAY),
        user_email=owner,
        source="vendor_directory",
        names_id=True,
        is_removed=False,
        row={},
        last_verified=key.last_seen,
        first_seen=key.first_seen,
        history=key.history,
    )


def _pattern_claims(
    ref: KeyRef,
    runs: Sequence[tuple[Span, str]],
    matcher: NameMatcher,
    key: DirectoryKey | None,
) -> Iterable[Claim]:
    born = Span(_begin(key), LAST_DAY) if key else EVER
    taken: list[Span] = []
    for span, name in runs:
        owner = matcher.owner(ref[0], name)
        for piece in (span & born).minus(taken) if owner else ():
            taken.append(piece)
            yield Claim(
                ref=ref,
                span=piece,
                user_email=owner or "",
                source="key_name_pattern",
                names_id=False,
                is_removed=False,
                row={},
                last_verified=None,
                first_seen=key.first_seen if key else None,
            )


def _begin(key: DirectoryKey) -> date:
    return key.life.first
