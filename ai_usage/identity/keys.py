"""`api_key_mappings`: every claim on a key, ranked, with one winner a day.

Precedence of the source decides, never age (design, "Identity"); what does not win stays visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from ai_usage.days.spans import FIRST_DAY, LAST_DAY, Span, atoms, day_after
from ai_usage.dimensions.surrogate_keys import hash_text
from ai_usage.identity.claim import CONFIDENCE, NAME_PREFIX, Claim, KeyRef
from ai_usage.identity.claims import Keys
from ai_usage.identity.directory import is_on
from ai_usage.identity.history import People

Activity = Mapping[tuple[str, str, str], tuple[date, date]]
"""(platform, identity_type, identity_value) -> first and last day on which events carry it."""

DEFAULT_AUTO_DEACTIVATE_DAYS = 365
"""The user's data model gives every key this limit unless its entry says another."""

DECAY_DAYS = 180


def decayed(confidence: float, last_verified: date | None, day: date) -> float:
    """The confidence at an event's day: it falls linearly to half over 180 days.

    Stored confidences are not decayed; the facts apply this formula at the event's date.
    """
    if last_verified is None:
        return confidence
    age = min(max((day - last_verified).days, 0), DECAY_DAYS)
    return confidence * (1 - 0.5 * age / DECAY_DAYS)


@dataclass(frozen=True)
class Mapped:
    """A claim on days over which it wins throughout, or loses throughout."""

    claim: Claim
    span: Span
    is_winner: bool

    @property
    def mapping_id(self) -> str:
        """Hex SHA-256 of platform, key, source, owner and the first day (NULL: since ever)."""
        platform, key = self.claim.ref
        first = None if self.span.first == FIRST_DAY else self.span.first.isoformat()
        return hash_text(platform, key, self.claim.source, self.claim.user_email, first)


def rank(keys: Keys) -> dict[KeyRef, list[Mapped]]:
    """Decide each key's owner on each day. Winners of one key never overlap.

    Where two people's claims stand equally high, nobody wins: the key is Unknown on those days.
    """
    return {ref: _rank_key(claims) for ref, claims in keys.claims.items() if claims}


def _rank_key(claims: Sequence[Claim]) -> list[Mapped]:
    kept = _one_a_day_and_source(claims)
    pieces = atoms(claim.span for claim in kept)
    winners = {piece: _winner(kept, piece) for piece in pieces}
    found: list[Mapped] = []
    for claim in kept:
        own: list[Mapped] = []
        for piece in pieces:
            if not claim.span.holds(piece):
                continue
            wins = winners[piece] is claim
            if own and own[-1].is_winner == wins and day_after(own[-1].span.last) == piece.first:
                own[-1] = replace(own[-1], span=Span(own[-1].span.first, piece.last))
            else:
                own.append(Mapped(claim, piece, wins))
        found += own
    return sorted(found, key=lambda m: (m.claim.standing, m.span, m.claim.user_email))


def _one_a_day_and_source(claims: Sequence[Claim]) -> list[Claim]:
    """Cut a source's weaker claims where its stronger ones speak; equals of one person too."""
    kept: list[Claim] = []
    order = sorted(claims, key=lambda c: (c.standing, c.span, c.user_email, repr(c.row)))
    for claim in order:
        stronger = [
            other.span
            for other in kept
            if other.source == claim.source
            and (other.standing < claim.standing or other.user_email == claim.user_email)
        ]
        kept += [replace(claim, span=piece) for piece in claim.span.minus(stronger)]
    return kept


def _winner(claims: Sequence[Claim], piece: Span) -> Claim | None:
    here = [claim for claim in claims if claim.span.holds(piece)]
    best = min(claim.standing for claim in here)
    top = [claim for claim in here if claim.standing == best]
    return top[0] if len({claim.bearer for claim in top}) == 1 else None


def api_key_mappings(
    keys: Keys,
    mapped: Mapping[KeyRef, Sequence[Mapped]],
    people: People,
    activity: Activity,
    now: datetime,
) -> list[dict[str, Any]]:
    """Rows of `api_key_mappings`: one a key, source and period over which it wins or loses.

    `now` says what today is, for is_active and the person's present team, and fills the timestamp.
    """
    last_seen = _last_seen(keys, activity)
    rows = [
        _row(mapping, keys, people, last_seen.get(ref), now)
        for ref, own in mapped.items()
        for mapping in own
    ]
    return sorted(rows, key=lambda row: (row["platform"], row["api_key_id"], row["mapping_id"]))


def _last_seen(keys: Keys, activity: Activity) -> dict[KeyRef, date]:
    """Last day with an event of the key. A name counts where only one key ever bore it."""
    bearers: dict[tuple[str, str], set[KeyRef]] = {}
    for ref, runs in keys.names.items():
        for _span, name in runs:
            bearers.setdefault((ref[0], name), set()).add(ref)
    found: dict[KeyRef, date] = {}
    for (platform, kind, value), (_first, last) in activity.items():
        refs: Iterable[KeyRef] = ()
        if kind == "api_key_id":
            refs = [(platform, value)]
        elif kind == "api_key_name" and len(bearers.get((platform, value), ())) == 1:
            refs = bearers[platform, value]
        for ref in refs:
            found[ref] = max(found.get(ref, last), last)
    return found


def _row(
    mapping: Mapped, keys: Keys, people: People, last_activity: date | None, now: datetime
) -> dict[str, Any]:
    claim, span = mapping.claim, mapping.span
    platform, key = claim.ref
    listed = keys.directory.get(claim.ref)
    person = people.on(claim.user_email, now.date())
    names = keys.names.get(claim.ref, ())
    entry = claim.row
    limit = entry.get("auto_deactivate_after_days") or DEFAULT_AUTO_DEACTIVATE_DAYS
    workspace = listed.key.workspace_id if listed else None
    return {
        "mapping_id": mapping.mapping_id,
        "api_key_id": key,
        "api_key_name": names[-1][1] if names else key.removeprefix(NAME_PREFIX),
        "user_email": claim.user_email,
        "user_full_name": person["full_name"] if person else None,
        "department": person["department"] if person else None,
        "team": person["team"] if person else None,
        "manager_email": person["manager_email"] if person else None,
        "platform": platform,
        "platform_subtype": entry.get("platform_subtype"),
        "workspace_id": entry.get("workspace_id") or workspace,
        "environment": entry.get("environment"),
        "intended_use": entry.get("intended_use"),
        "cost_center": entry.get("cost_center"),
        "project_codes": list(entry.get("project_codes") or ()),
        "is_active": _is_active(mapping, keys, last_activity, limit, now.date()),
        "created_date": None if span.first == FIRST_DAY else span.first,
        "last_verified_date": claim.last_verified,
        "expires_date": None if span.last == LAST_DAY else span.last,
        "auto_deactivate_after_days": limit,
        "confidence_score": CONFIDENCE[claim.source],
        "attribution_source": claim.source,
        "source_rank": claim.rank,
        "is_winner": mapping.is_winner,
        "last_activity_date": last_activity,
        "created_by": entry.get("created_by"),
        "updated_by": entry.get("updated_by"),
        "updated_timestamp": now,
        "change_history": msgspec.json.encode(list(claim.history)).decode(),
    }


def _is_active(
    mapping: Mapped, keys: Keys, last_activity: date | None, limit: int, today: date
) -> bool:
    """Whether the key may still be used today; past days attribute all the same."""
    claim, listed = mapping.claim, keys.directory.get(mapping.claim.ref)
    if claim.row.get("is_active") is False or mapping.span.last < today:
        return False
    if listed and (listed.off_since or not is_on(listed.key) or listed.life.last < today):
        return False
    # A key that never was seen has been idle since it was made, or first heard of.
    begun = mapping.claim.span.first
    heard = [day for day in (claim.first_seen, begun if begun != FIRST_DAY else None) if day]
    idle_since = last_activity or max(heard, default=today)
    return (today - idle_since).days <= limit
