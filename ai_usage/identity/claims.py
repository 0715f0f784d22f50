"""Who says that a key is whose: the claims of every source, key by key. Ranking is in `keys`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ai_usage.days.spans import EVER, LAST_DAY, Span, day_before, span_of
from ai_usage.identity.claim import NAME_PREFIX, Claim, KeyRef
from ai_usage.identity.directory import DirectoryKey, read_directories
from ai_usage.identity.history import People
from ai_usage.identity.key_names import NameMatcher
from ai_usage.identity.register import Tracked, track
from ai_usage.identity.snapshots import Snapshot
from ai_usage.identity.succession import add_successions

REGISTERS = {"api_keys.csv": "manual_entry", "sso": "sso_sync", "google_sheets": "google_sheets"}
"""Snapshot source -> attribution source, for sources that list keys with their owners."""


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
    add_successions(claims, directory)
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
    """The key is its creator's, from its creation on."""
    return Claim(
        ref=ref,
        span=key.valid,
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
    born = Span(key.life.first, LAST_DAY) if key else EVER
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
