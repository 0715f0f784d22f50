"""`bridge_user_identity`: what events carry, joined to the person's version, day by day.

A day on which an identity means nobody, or several people, has no row: the facts make it Unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ai_usage.days.spans import EVER, Span, atoms
from ai_usage.dimensions.surrogate_keys import SHARED_SK
from ai_usage.identity.claim import CONFIDENCE, NAME_PREFIX, KeyRef
from ai_usage.identity.claims import Keys
from ai_usage.identity.history import People, Version
from ai_usage.identity.keys import Activity, Mapped

EVERYWHERE = "*"
"""The platform of e-mail addresses: they are the same person's on all."""

BridgeRow = dict[str, Any]


def bridge_user_identity(
    keys: Keys, mapped: Mapping[KeyRef, Sequence[Mapped]], people: People
) -> list[BridgeRow]:
    """Rows of the bridge: one an identity, range of days and version; they never overlap."""
    rows = [*_addresses(people), *_logins(people), *_accounts(people, mapped)]
    for ref, own in mapped.items():
        if not ref[1].startswith(NAME_PREFIX):
            for mapping in own:
                if mapping.is_winner:
                    rows += _mapped_rows("api_key_id", ref[1], mapping.span, [mapping], people)
    rows += _names(keys, mapped, people)
    return sorted(
        rows,
        key=lambda r: (r["identity_type"], r["platform"], r["identity_value"], r["valid_from"]),
    )


def last_activity_by_person(
    bridge: Iterable[BridgeRow], activity: Activity, people: People
) -> dict[str, date]:
    """Each person's last day with an event that the bridge attributes to them, by person_id."""
    persons = {v.user_sk: one.person_id for one in people.everyone for v in one.versions}
    rows: dict[tuple[str, str, str], list[BridgeRow]] = defaultdict(list)
    for row in bridge:
        rows[row["platform"], row["identity_type"], row["identity_value"]].append(row)
    found: dict[str, date] = {}
    for (platform, kind, value), days in activity.items():
        place = EVERYWHERE if kind == "email" else platform
        for row in rows.get((place, kind, value), ()):
            # Only the first and the last day are known to have events, none between them.
            for day in days:
                person = persons.get(row["user_sk"])
                if person and row["valid_from"] <= day <= row["valid_to"]:
                    found[person] = max(found.get(person, day), day)
    return found


def _addresses(people: People) -> Iterator[BridgeRow]:
    """Every address that is or was somebody's, and every alias, joined to the versions it means."""
    addresses = [(email, email, "directory") for email in people.versions]
    addresses += [
        (alias, email, "alias")
        for alias, email in people.aliases.own.items()
        if alias not in people.versions
    ]
    for address, email, source in addresses:
        yield from _persons_rows("email", address, EVERYWHERE, email, source, people)


def _logins(people: People) -> Iterator[BridgeRow]:
    """Every id of a person at a vendor, joined to the versions it means.

    What a directory of the company says of a login counts before what the vendor's list says.
    """
    listed = {own: email for own, email in people.members.items() if own not in people.logins}
    for logins, source in ((people.logins, "login"), (listed, "vendor_directory")):
        for (platform, login), email in logins.items():
            yield from _persons_rows("vendor_user_id", login, platform, email, source, people)


def _accounts(people: People, mapped: Mapping[KeyRef, Sequence[Mapped]]) -> Iterator[BridgeRow]:
    """Logins where keys stand: some vendors' accounts act without a key, under their own id.

    What any list or register of keys says of the id counts before.
    """
    for ref, email in people.logins.items():
        if ref not in mapped:
            yield from _persons_rows("api_key_id", ref[1], ref[0], email, "login", people)


def _persons_rows(
    kind: str, value: str, platform: str, email: str, source: str, people: People
) -> Iterator[BridgeRow]:
    """What names a person and no key, on the days of every version of theirs."""
    for version in people.versions.get(email, ()):
        yield {
            "identity_type": kind,
            "identity_value": value,
            "platform": platform,
            "valid_from": version.span.first,
            "valid_to": version.span.last,
            "user_sk": version.user_sk,
            "user_email": version.user_email,
            "mapping_id": None,
            "platform_subtype": None,
            "cost_center": version["cost_center"],
            "is_owners_cost_center": None,
            "project_codes": [],
            "confidence_score": 1.0,
            "last_verified_date": None,
            "attribution_source": source,
        }


def _mapped_rows(
    kind: str, value: str, span: Span, agreeing: Sequence[Mapped], people: People
) -> Iterator[BridgeRow]:
    """The identity's rows over days on which all the mappings mean the same bearer."""
    best = min(agreeing, key=lambda m: (m.claim.standing, m.mapping_id))
    versions: Sequence[Version | None] = [None]
    if not best.claim.is_shared:
        versions = people.versions.get(best.claim.user_email, ())
    cost_center = _agreed(agreeing, "cost_center")
    for version in versions:
        days = span & (version.span if version else EVER)
        if days:
            yield {
                "identity_type": kind,
                "identity_value": value,
                "platform": best.claim.ref[0],
                "valid_from": days.first,
                "valid_to": days.last,
                "user_sk": version.user_sk if version else SHARED_SK,
                "user_email": version.user_email if version else None,
                "mapping_id": best.mapping_id,
                "platform_subtype": _agreed(agreeing, "platform_subtype"),
                "cost_center": cost_center or (version["cost_center"] if version else None),
                "is_owners_cost_center": cost_center is None and version is not None,
                "project_codes": list(_agreed(agreeing, "project_codes") or ()),
                "confidence_score": CONFIDENCE[best.claim.source],
                "last_verified_date": best.claim.last_verified,
                "attribution_source": best.claim.source,
            }


def _agreed(agreeing: Sequence[Mapped], column: str) -> Any:
    """What all the keys of a name say alike; a name can't tell which of them it was."""
    first, *others = (mapping.claim.row.get(column) for mapping in agreeing)
    return first if all(value == first for value in others) else None


def _names(
    keys: Keys, mapped: Mapping[KeyRef, Sequence[Mapped]], people: People
) -> Iterator[BridgeRow]:
    bearers: dict[tuple[str, str], list[tuple[KeyRef, Span]]] = defaultdict(list)
    for ref, runs in keys.names.items():
        for span, name in runs:
            bearers[ref[0], name].append((ref, span))
    for (_platform, name), refs in bearers.items():
        for span, agreeing in _agreements(refs, keys, mapped):
            yield from _mapped_rows("api_key_name", name, span, agreeing, people)


def _agreements(
    refs: Sequence[tuple[KeyRef, Span]], keys: Keys, mapped: Mapping[KeyRef, Sequence[Mapped]]
) -> Iterator[tuple[Span, list[Mapped]]]:
    """The days on which every key that the name can mean has the same bearer.

    A key without an owner could be anybody's. One that had not been made, or was switched off,
    cannot be meant, unless no other key can.
    """
    spans = [span for _ref, span in refs]
    spans += [span & keys.directory[ref].life for ref, span in refs if ref in keys.directory]
    spans += [span & m.span for ref, span in refs for m in mapped.get(ref, ())]
    merged: list[tuple[Span, list[Mapped]]] = []
    for piece in atoms(spans):
        here = [ref for ref, span in refs if span.holds(piece)]
        living = [ref for ref in here if _lives(ref, piece, keys, mapped)]
        found = [_winner(ref, piece, mapped) for ref in living or here]
        agreeing = [mapping for mapping in found if mapping]
        if len(agreeing) < len(found) or len({m.claim.bearer for m in agreeing}) > 1:
            continue
        if merged and merged[-1][1] == agreeing and _adjoin(merged[-1][0], piece):
            merged[-1] = (Span(merged[-1][0].first, piece.last), agreeing)
        else:
            merged.append((piece, agreeing))
    yield from merged


def _lives(ref: KeyRef, days: Span, keys: Keys, mapped: Mapping[KeyRef, Sequence[Mapped]]) -> bool:
    """Whether the key can have been used: as its vendor tells, else as its registers do."""
    if ref in keys.directory:
        return keys.directory[ref].life.holds(days)
    return any(mapping.span.holds(days) for mapping in mapped.get(ref, ()))


def _winner(ref: KeyRef, days: Span, mapped: Mapping[KeyRef, Sequence[Mapped]]) -> Mapped | None:
    return next((m for m in mapped.get(ref, ()) if m.is_winner and m.span.holds(days)), None)


def _adjoin(one: Span, next_one: Span) -> bool:
    return (next_one.first - one.last).days == 1
