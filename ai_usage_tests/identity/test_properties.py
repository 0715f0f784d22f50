"""Whatever the snapshots: their order does not matter, no day is lost, nothing overlaps."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.days.spans import EVER, Span, atoms
from ai_usage.identity import Identity, Snapshot, surrogate_key
from ai_usage.identity.history import NO_DAY
from ai_usage.vendors.rows import ApiKey, Person
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.identity.sources import (
    FIRST,
    LAST,
    directory,
    entry,
    every_address_a_person,
    identity,
    key,
    member,
    members,
    nov,
    register,
    scim,
    user,
    users,
)

_emails = st.sampled_from(["ann@x.com", "bob@x.com", "cy@x.com", "a@x.com", "b@x.com"])
_days = st.integers(1, 12).map(nov)
_maybe_day = st.none() | _days
_names = st.sampled_from(["ci", "laptop", "claude_code_key_ann_a1", "claude_code_key_b_a1"])
_ids = st.sampled_from(["k1", "k2", "k3"])


def _unique(rows: list[Any], *names: str) -> list[Any]:
    return list({tuple(row[name] for name in names): row for row in rows}.values())


_user = st.builds(
    user,
    _emails,
    effective_date=st.none() | _maybe_day,
    team=st.sampled_from([None, "A", "B"]),
    end_date=st.none() | st.none() | _days,
    is_active=st.sampled_from([True, True, False]),
    user_id=st.sampled_from([None, None, "1", "2"]),
    employee_id=st.sampled_from([None, None, "E1", "E2"]),
    aliases=st.lists(_emails, max_size=2).map(tuple),
)
_user_files = st.lists(_user, max_size=5).map(lambda r: _unique(r, "user_email", "effective_date"))
_member = st.builds(
    member, st.sampled_from(["u1", "u2"]), _emails | st.none(), _emails, is_removed=st.booleans()
)
_entry = st.builds(
    entry,
    _emails,
    _ids | st.none(),
    _names,
    created_date=_maybe_day,
    expires_date=_maybe_day,
    intended_use=st.sampled_from(["personal", "personal", "team"]),
    cost_center=st.sampled_from([None, "C1"]),
    workspace_id=st.sampled_from([None, "w1"]),
)
_key = st.builds(
    key,
    _ids,
    _names,
    st.sampled_from(["u1", "u2", "u3", None]),
    status=st.sampled_from(["active", "active", "archived"]),
    workspace_id=st.sampled_from([None, "w1"]),
    created_at=st.none() | _days.map(lambda d: datetime(d.year, d.month, d.day, tzinfo=UTC)),
    expires_at=st.none() | _days.map(lambda d: datetime(d.year, d.month, d.day, tzinfo=UTC)),
)
_registers = st.sampled_from(["api_keys.csv", "sso", "google_sheets"])
_snapshot = st.one_of(
    st.builds(lambda d, rows: users(d, *rows), _days, _user_files),
    st.builds(lambda d, rows: scim(d, *rows), _days, _user_files),
    st.builds(
        lambda d, rows, vendor: members(d, *rows, vendor=vendor),
        _days,
        st.lists(_member, max_size=3),
        st.sampled_from(["anthropic", "cursor"]),
    ),
    st.builds(
        lambda d, rows, source: register(d, *rows, source=source),
        _days,
        st.lists(_entry, max_size=4),
        _registers,
    ),
    st.builds(
        lambda d, rows: directory(d, *rows),
        _days,
        st.lists(_key, max_size=3),
    ),
)
_one_a_day = st.lists(_snapshot, max_size=10).map(
    lambda found: list({(s.day, s.source): s for s in found}.values())
)
ACTIVITY = {
    ("anthropic", "api_key_name", "claude_code_key_cy_zz"): (nov(1), nov(2)),
    ("anthropic", "api_key_id", "k1"): (nov(2), nov(9)),
    ("cursor", "email", "a@x.com"): (nov(3), nov(4)),
}


_pool = st.lists(_user, min_size=1, max_size=6)
_days_of_pool = _pool.flatmap(
    lambda pool: st.lists(
        st.tuples(_days, st.booleans(), st.lists(st.sampled_from(pool), max_size=6)), max_size=8
    )
)


def _tables(found: Identity) -> list[list[dict[str, Any]]]:
    return [
        found.dim_users(),
        found.api_key_mappings(),
        found.bridge_user_identity(),
        found.dim_cost_centers(),
    ]


@given(_one_a_day, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_folding_in_another_order_and_again_gives_the_same_tables(
    snapshots: list[Snapshot], chance: random.Random
) -> None:
    again = [*snapshots, *snapshots[: len(snapshots) // 2]]
    chance.shuffle(again)
    reordered = [Snapshot(s.day, s.source, chance.sample(s.rows, len(s.rows))) for s in again]
    assert _tables(identity(*snapshots, activity=ACTIVITY)) == (
        _tables(identity(*reordered, activity=ACTIVITY))
    )


@given(_days_of_pool)
@settings(max_examples=150)
def test_looking_at_rows_that_are_others_alone_gives_what_looking_at_all_of_them_gives(
    days: list[tuple[date, bool, list[dict[str, Any]]]],
) -> None:
    """A row that stands in two days' lists is one object, or read anew for each."""
    shared = [users(day, *rows) if is_file else scim(day, *rows) for day, is_file, rows in days]
    anew = [Snapshot(s.day, s.source, [dict(row) for row in s.rows]) for s in shared]
    assert _tables(identity(*shared)) == _tables(identity(*anew))


@given(_one_a_day)
@settings(max_examples=100)
def test_a_day_that_repeats_the_day_before_opens_no_version(snapshots: list[Snapshot]) -> None:
    held = {(s.day, s.source) for s in snapshots}
    repeated = [
        Snapshot(s.day + timedelta(days=1), s.source, s.rows)
        for s in snapshots
        if (s.day + timedelta(days=1), s.source) not in held
    ]
    with_repeats = identity(*snapshots, *repeated)
    assert identity(*snapshots).dim_users() == with_repeats.dim_users()


@given(_one_a_day)
@settings(max_examples=150)
def test_a_person_has_one_version_a_day_and_an_address_means_one_on_every_day(
    snapshots: list[Snapshot],
) -> None:
    people = defaultdict(list)
    found = identity(*snapshots)
    rows = found.dim_users()
    for row in rows:
        if row["effective_date"] != NO_DAY.first:
            people[row["person_id"]].append(row)
    for own in people.values():
        own.sort(key=lambda row: row["effective_date"])
        assert [row["is_current"] for row in own] == [False] * (len(own) - 1) + [True]
        assert _disjoint([(row["effective_date"], row["expiration_date"]) for row in own])
        for former, latter in itertools.pairwise(own):
            assert _description(former) != _description(latter) or not _adjoin(former, latter)
    assert len({row["user_sk"] for row in rows}) == len(rows)
    assert len({row["person"] for row in rows}) == len(people)
    table_schema("dim_users").to_arrow(rows)
    meant = defaultdict(list)
    for row in found.bridge_user_identity():
        if row["identity_type"] == "email":
            meant[row["identity_value"]].append((row["valid_from"], row["valid_to"]))
    for ranges in meant.values():
        ranges.sort()
        assert (ranges[0][0], ranges[-1][1]) == (FIRST, LAST)
        assert _disjoint(ranges)
        for one, two in itertools.pairwise(ranges):
            assert two[0] - one[1] == timedelta(days=1)


def _adjoin(former: dict[str, Any], latter: dict[str, Any]) -> bool:
    days: timedelta = latter["effective_date"] - former["expiration_date"]
    return days == timedelta(days=1)


@given(_one_a_day)
@settings(max_examples=100)
def test_versions_keep_their_keys_and_what_they_said_when_addresses_were_people(
    snapshots: list[Snapshot],
) -> None:
    """Facts of closed months name them: a key may not come to mean another state."""
    before = {row["user_sk"]: row for row in _as_addresses(snapshots)}
    after = identity(*snapshots).dim_users()
    assert before.keys() <= {row["user_sk"] for row in after}
    for row in after:
        first = row["effective_date"]
        known = before.get(row["user_sk"])
        if known is None:
            # The rest of a version of which an earlier part is somebody's too, or was theirs.
            assert row["user_sk"] == surrogate_key(row["user_email"], first.isoformat())
            continue
        if first != NO_DAY.first:
            assert known["effective_date"] <= first <= known["expiration_date"]
        same = ("user_email", "team", "is_active", "end_date", "user_id", "employee_id")
        assert [row[name] for name in same] == [known[name] for name in same]


def _as_addresses(snapshots: list[Snapshot]) -> list[dict[str, Any]]:
    with every_address_a_person():
        return identity(*snapshots).dim_users()


def _description(row: dict[str, Any]) -> dict[str, Any]:
    cut = {"user_sk", "effective_date", "expiration_date", "is_current"}
    return {name: value for name, value in row.items() if name not in cut}


def _disjoint(ranges: list[tuple[date, date]]) -> bool:
    ordered = sorted(ranges)
    return all(a <= b for a, b in ordered) and all(
        one[1] < two[0] for one, two in itertools.pairwise(ordered)
    )


@given(_one_a_day)
@settings(max_examples=200)
def test_an_identity_means_at_most_one_version_on_any_day(snapshots: list[Snapshot]) -> None:
    found = identity(*snapshots, activity=ACTIVITY)
    versions = {row["user_sk"]: row for row in found.dim_users()}
    mapped = {row["mapping_id"]: row for row in found.api_key_mappings()}
    ranges = defaultdict(list)
    for row in found.bridge_user_identity():
        identity_of = (row["identity_type"], row["platform"], row["identity_value"])
        ranges[identity_of].append((row["valid_from"], row["valid_to"]))
        version = versions[row["user_sk"]]
        assert version["effective_date"] <= row["valid_from"]
        assert row["valid_to"] <= version["expiration_date"]
        assert row["user_email"] == (version["user_email"] if row["user_sk"] > 0 else None)
        if row["mapping_id"]:
            assert mapped[row["mapping_id"]]["is_winner"]
    assert all(_disjoint(own) for own in ranges.values())


@given(_one_a_day)
@settings(max_examples=200)
def test_the_strongest_source_of_a_day_wins_it_and_no_one_else(snapshots: list[Snapshot]) -> None:
    rows = identity(*snapshots, activity=ACTIVITY).api_key_mappings()
    assert len({row["mapping_id"] for row in rows}) == len(rows)
    keys = defaultdict(list)
    for row in rows:
        span = Span(row["created_date"] or FIRST, row["expires_date"] or LAST)
        assert span
        keys[row["platform"], row["api_key_id"]].append((span, row))
    for own in keys.values():
        for atom in atoms(span for span, _row in own):
            here = [row for span, row in own if span.holds(atom)]
            winners = [row for row in here if row["is_winner"]]
            assert len(winners) <= 1
            strongest = min(row["source_rank"] for row in here)
            assert all(row["source_rank"] == strongest for row in winners)
            if len([row for row in here if row["source_rank"] == strongest]) == 1:
                assert winners


_spans = st.lists(
    st.builds(lambda a, b: Span(*sorted((a, b))), *[st.dates(FIRST, LAST) | _days] * 2), max_size=6
)


@given(_spans, st.dates(FIRST, LAST) | _days | st.sampled_from([FIRST, LAST]))
def test_atoms_cover_what_the_ranges_cover_and_are_cut_at_every_edge(
    spans: list[Span], day: date
) -> None:
    pieces = atoms([*spans, EVER])
    assert _disjoint(list(pieces))
    assert len([piece for piece in atoms(spans) if piece.first <= day <= piece.last]) == (
        1 if any(span.first <= day <= span.last for span in spans) else 0
    )
    assert all(span.holds(p) or not (span & p) for span in spans for p in pieces)


@given(_spans)
def test_what_is_left_of_a_range_and_what_is_taken_make_the_whole(spans: list[Span]) -> None:
    rest = EVER.minus(spans)
    assert sorted(atoms([*rest, *spans]))[0].first == FIRST
    assert all(not (piece & span) for piece in rest for span in spans)
    days = sum(p.last.toordinal() - p.first.toordinal() + 1 for p in [*rest, *atoms(spans)])
    assert days == LAST.toordinal() - FIRST.toordinal() + 1


def test_rows_of_vendors_are_what_the_vendors_modules_yield() -> None:
    assert isinstance(member("u", "a@x.com"), Person)
    assert isinstance(key("k"), ApiKey)
