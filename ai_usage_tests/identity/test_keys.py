"""api_key_mappings by hand: who wins a key on which day, what it says of the key, its history."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ai_usage.identity import Identity, Snapshot, decayed
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.identity.sources import (
    NOW,
    directory,
    entry,
    identity,
    key,
    mappings,
    member,
    members,
    nov,
    only,
    owners,
    register,
    user,
    users,
)

PEOPLE = (
    members(nov(1), member("u1", "ann@x.com", "Ann Lee"), member("u2", "bob@x.com", "Bob Ray")),
    users(nov(1), user("cy@x.com", full_name="Cy Dee", team="C")),
)


def row_of(found: Identity, key_id: str) -> dict[str, Any]:
    """The key's one mapping."""
    row: dict[str, Any] = only(r for r in found.api_key_mappings() if r["api_key_id"] == key_id)
    return row


def test_the_creator_owns_a_key_that_no_register_lists() -> None:
    made = datetime(2026, 5, 4, 23, tzinfo=UTC)
    found = identity(*PEOPLE, directory(nov(2), key("k1", "laptop", "u1", created_at=made)))
    assert mappings(found, "k1") == [
        ("ann@x.com", "vendor_directory", date(2026, 5, 4), None, True)
    ]
    row = row_of(found, "k1")
    assert (row["confidence_score"], row["last_verified_date"]) == (0.8, nov(2))
    assert (row["user_full_name"], row["api_key_name"]) == ("Ann Lee", "laptop")


def test_a_creator_who_was_removed_is_found_in_older_lists() -> None:
    found = identity(
        members(nov(1), member("u9", "old@x.com")),
        members(nov(9), member("u1", "ann@x.com")),
        directory(nov(9), key("k1", by="u9"), key("k2", by="svc")),
    )
    assert mappings(found, "k1") == [("old@x.com", "vendor_directory", None, None, True)]
    assert mappings(found, "k2") == []


def test_precedence_of_the_source_decides_and_the_others_stay_visible() -> None:
    name = "claude_code_key_bob.ray_ab"
    found = identity(
        *PEOPLE,
        directory(nov(1), key("k1", name, "u1")),
        register(nov(1), entry("cy@x.com", "k1")),
        register(nov(1), entry("bob@x.com", "k1"), source="sso"),
        register(nov(1), entry("ann@x.com", "k1"), source="google_sheets"),
    )
    assert mappings(found, "k1") == [
        ("cy@x.com", "manual_entry", None, None, True),
        ("bob@x.com", "sso_sync", None, None, False),
        ("ann@x.com", "google_sheets", None, None, False),
        ("ann@x.com", "vendor_directory", None, None, False),
        ("bob@x.com", "key_name_pattern", None, None, False),
    ]
    scores = [r["confidence_score"] for r in found.api_key_mappings()]
    assert sorted(scores, reverse=True) == [1.0, 0.95, 0.9, 0.8, 0.6]


def test_a_stronger_source_cuts_a_weaker_one_to_the_days_it_leaves() -> None:
    found = identity(
        *PEOPLE,
        directory(nov(1), key("k1", by="u1")),
        register(nov(1), entry("cy@x.com", "k1", created_date=nov(5), expires_date=nov(9))),
    )
    assert mappings(found, "k1") == [
        ("cy@x.com", "manual_entry", nov(5), nov(9), True),
        ("ann@x.com", "vendor_directory", None, nov(4), True),
        ("ann@x.com", "vendor_directory", nov(5), nov(9), False),
        ("ann@x.com", "vendor_directory", nov(10), None, True),
    ]
    ids = [row["mapping_id"] for row in found.api_key_mappings()]
    assert len(set(ids)) == len(ids)


def test_a_key_handed_to_another_person_attributes_each_day_to_its_owner() -> None:
    found = identity(
        *PEOPLE,
        register(
            nov(1),
            entry("ann@x.com", "k1", expires_date=nov(4)),
            entry("bob@x.com", "k1", created_date=nov(5)),
        ),
    )
    assert [(first, last, who) for first, last, who in owners(found, "api_key_id", "k1")] == [
        (date(1900, 1, 1), nov(4), "ann@x.com"),
        (nov(5), date(9999, 12, 31), "bob@x.com"),
    ]


@pytest.mark.parametrize("use", ["team", "service"])
def test_a_shared_key_belongs_to_shared_with_its_cost_centre_and_projects(use: str) -> None:
    shared = entry(
        "cy@x.com", "k1", intended_use=use, cost_center="CC-9", project_codes=("P1", "P2")
    )
    found = identity(*PEOPLE, register(nov(1), shared))
    row = only(r for r in found.bridge_user_identity() if r["identity_value"] == "k1")
    assert (row["user_sk"], row["user_email"]) == (-1, None)
    assert (row["cost_center"], row["project_codes"]) == ("CC-9", ["P1", "P2"])
    assert row_of(found, "k1")["user_email"] == "cy@x.com"


def test_a_register_entry_by_name_speaks_for_every_key_of_the_name() -> None:
    found = identity(
        *PEOPLE,
        directory(
            nov(1),
            key("k1", "ci", "u1", workspace_id="w1"),
            key("k2", "ci", "u1", workspace_id="w2"),
        ),
        register(nov(1), entry("cy@x.com", name="ci", workspace_id="w2")),
    )
    assert mappings(found, "k1") == [("ann@x.com", "vendor_directory", None, None, True)]
    assert mappings(found, "k2")[0] == ("cy@x.com", "manual_entry", None, None, True)


def test_an_entry_by_id_wins_over_one_by_name_in_the_same_register() -> None:
    found = identity(
        *PEOPLE,
        directory(nov(1), key("k1", "ci"), key("k2", "ci")),
        register(nov(1), entry("cy@x.com", name="ci"), entry("bob@x.com", "k1")),
    )
    assert mappings(found, "k1") == [("bob@x.com", "manual_entry", None, None, True)]
    assert mappings(found, "k2") == [("cy@x.com", "manual_entry", None, None, True)]


def test_a_name_that_no_list_holds_is_a_key_of_its_own() -> None:
    found = identity(*PEOPLE, register(nov(1), entry("cy@x.com", name="ci")))
    assert mappings(found, "name:ci") == [("cy@x.com", "manual_entry", None, None, True)]
    assert row_of(found, "name:ci")["api_key_name"] == "ci"


def test_a_key_that_claude_code_made_serves_claude_code_whoever_owns_it() -> None:
    """A directory knows no products; the key's tokens would be counted as other API use."""
    made = "claude_code_key_ann_ab12"
    found = identity(
        *PEOPLE,
        directory(nov(1), key("k1", made, "u1"), key("k2", "ci", "u1"), key("k3", made, "u1")),
        register(nov(1), entry("bob@x.com", "k3", platform_subtype="claude_api")),
    )
    said = {
        row["api_key_id"]: row["platform_subtype"]
        for row in found.api_key_mappings()
        if row["is_winner"]
    }
    assert said == {"k1": "claude_code", "k2": None, "k3": "claude_api"}
    bridged = {
        row["identity_value"]: row["platform_subtype"]
        for row in found.bridge_user_identity()
        if row["identity_type"] == "api_key_id"
    }
    assert bridged == said


def test_equal_claims_of_two_people_win_nothing() -> None:
    rows = [entry("ann@x.com", name="ci", workspace_id="w1"), entry("bob@x.com", name="ci")]
    found = identity(*PEOPLE, register(nov(1), *rows))
    assert [row[-1] for row in mappings(found, "name:ci")] == [False, False]
    assert owners(found, "api_key_name", "ci") == []


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("claude_code_key_ann_ab12", "ann@x.com"),
        ("claude_code_key_bob.ray_ab12", "bob@x.com"),
        ("claude_code_key_jose.nunez_ab12", "jn@x.com"),
        ("claude_code_key_sam.fox_ab12", None),
        ("claude_code_key_nobody.here_ab12", None),
        ("ann", None),
    ],
)
def test_a_key_name_tells_its_owner_only_where_it_fits_exactly_one_person(
    name: str, owner: str | None
) -> None:
    found = identity(
        *PEOPLE,
        users(
            nov(2),
            user("jn@x.com", full_name="José Núñez"),
            user("sam.fox@x.com"),
            user("sfox@x.com", full_name="Sam Fox"),
        ),
        activity={("anthropic", "api_key_name", name): (nov(1), nov(3))},
    )
    expected = [] if owner is None else [(owner, "key_name_pattern", None, None, True)]
    assert mappings(found, f"name:{name}") == expected


def activity_until(day: date) -> dict[tuple[str, str, str], tuple[date, date]]:
    return {("anthropic", "api_key_id", "k1"): (date(2025, 1, 1), day)}


@pytest.mark.parametrize(
    ("cells", "last_seen", "active"),
    [
        ({}, nov(29), True),
        ({"is_active": False}, nov(29), False),
        ({"expires_date": nov(29)}, nov(29), False),
        ({"expires_date": nov(30)}, nov(29), True),
        ({"auto_deactivate_after_days": 10}, nov(20), True),
        ({"auto_deactivate_after_days": 10}, nov(19), False),
        ({}, NOW.date() - timedelta(days=365), True),
        ({}, NOW.date() - timedelta(days=366), False),
    ],
)
def test_a_key_is_inactive_once_switched_off_expired_or_not_seen(
    cells: dict[str, Any], last_seen: date, active: bool
) -> None:
    found = identity(
        *PEOPLE,
        register(nov(1), entry("cy@x.com", "k1", **cells)),
        activity=activity_until(last_seen),
    )
    row = row_of(found, "k1")
    assert row["is_active"] is active
    assert row["last_activity_date"] == last_seen


def test_a_key_never_seen_is_idle_from_the_day_it_was_made_or_first_heard_of() -> None:
    for created, active in [(None, True), (nov(25), True), (date(2026, 1, 1), True)]:
        cells: dict[str, Any] = {"created_date": created, "auto_deactivate_after_days": 29}
        found = identity(*PEOPLE, register(nov(1), entry("cy@x.com", "k1", **cells)))
        assert row_of(found, "k1")["is_active"] is active
    late = identity(
        *PEOPLE,
        register(nov(1), entry("cy@x.com", "k1", auto_deactivate_after_days=28)),
    )
    assert row_of(late, "k1")["is_active"] is False


@pytest.mark.parametrize(
    "cells",
    [
        {"created_date": date(9999, 12, 31)},
        {"auto_deactivate_after_days": 9_999_999},
        {"auto_deactivate_after_days": 2**62},
    ],
)
def test_a_key_may_be_idle_for_longer_than_the_calendar(cells: dict[str, Any]) -> None:
    found = identity(*PEOPLE, register(nov(1), entry("cy@x.com", "k1", **cells)))
    assert row_of(found, "k1")["is_active"] is True


def test_an_auto_deactivated_key_attributes_again_when_it_is_seen_again() -> None:
    quiet = entry("cy@x.com", "k1", auto_deactivate_after_days=5)
    found = identity(*PEOPLE, register(nov(1), quiet), activity=activity_until(nov(2)))
    assert row_of(found, "k1")["is_active"] is False
    assert owners(found, "api_key_id", "k1") == [(date(1900, 1, 1), date(9999, 12, 31), "cy@x.com")]


@pytest.mark.parametrize("status", ["inactive", "archived", "expired"])
def test_a_key_that_the_vendor_switched_off_is_inactive_with_its_past_untouched(
    status: str,
) -> None:
    found = identity(*PEOPLE, directory(nov(2), key("k1", by="u1", status=status)))
    assert row_of(found, "k1")["is_active"] is False
    assert owners(found, "api_key_id", "k1") == [
        (date(1900, 1, 1), date(9999, 12, 31), "ann@x.com")
    ]


def test_a_key_that_vanished_from_the_vendors_list_is_inactive_with_its_past_untouched() -> None:
    made = key("k1", by="u1")
    found = identity(*PEOPLE, directory(nov(2), made), directory(nov(30)))
    row = row_of(found, "k1")
    assert (row["is_active"], row["expires_date"]) == (False, None)
    assert row["last_verified_date"] == nov(2)


def test_an_entry_by_name_ends_where_the_key_was_renamed() -> None:
    found = identity(
        *PEOPLE,
        directory(nov(2), key("k1", "ci", "u1")),
        directory(nov(6), key("k1", "other", "u1")),
        register(nov(2), entry("cy@x.com", name="ci")),
    )
    assert [row for row in mappings(found, "k1") if row[-1]] == [
        ("cy@x.com", "manual_entry", None, nov(6), True),
        ("ann@x.com", "vendor_directory", nov(7), None, True),
    ]


def test_an_expired_key_maps_to_its_last_day() -> None:
    ends = datetime(2026, 11, 10, 8, tzinfo=UTC)
    found = identity(*PEOPLE, directory(nov(2), key("k1", by="u1", expires_at=ends)))
    row = row_of(found, "k1")
    assert (row["expires_date"], row["is_active"]) == (nov(10), False)


def register_days(*states: tuple[int, list[dict[str, Any]]]) -> list[Snapshot]:
    return [register(nov(day), *rows) for day, rows in states]


def test_an_edit_corrects_the_owner_and_is_kept_in_the_history() -> None:
    found = identity(
        *PEOPLE,
        *register_days(
            (1, [entry("ann@x.com", "k1")]),
            (3, [entry("ann@x.com", "k1")]),
            (5, [entry("bob@x.com", "k1", project_codes=("P",))]),
        ),
    )
    assert mappings(found, "k1") == [("bob@x.com", "manual_entry", None, None, True)]
    row = row_of(found, "k1")
    assert json.loads(row["change_history"]) == [
        {"day": "2026-11-05", "field": "project_codes", "old": None, "new": ["P"]},
        {"day": "2026-11-05", "field": "user_email", "old": "ann@x.com", "new": "bob@x.com"},
    ]
    assert row["last_verified_date"] == nov(5)


def test_a_corrected_created_date_is_an_edit_of_the_entry_not_another_one() -> None:
    found = identity(
        *PEOPLE,
        *register_days(
            (1, [entry("ann@x.com", "k1")]),
            (5, [entry("ann@x.com", "k1", created_date=nov(3))]),
        ),
    )
    assert mappings(found, "k1") == [("ann@x.com", "manual_entry", nov(3), None, True)]
    assert json.loads(row_of(found, "k1")["change_history"]) == [
        {"day": "2026-11-05", "field": "created_date", "old": None, "new": "2026-11-03"}
    ]


def test_an_entry_that_vanished_ends_the_day_before_and_says_so() -> None:
    found = identity(*PEOPLE, *register_days((1, [entry("ann@x.com", "k1")]), (5, [])))
    assert mappings(found, "k1") == [("ann@x.com", "manual_entry", None, nov(4), True)]
    row = row_of(found, "k1")
    assert row["is_active"] is False
    assert json.loads(row["change_history"]) == [
        {"day": "2026-11-05", "field": "entry", "old": "present", "new": "removed"}
    ]


def test_an_entry_that_returns_is_the_same_entry() -> None:
    line = entry("ann@x.com", "k1")
    found = identity(*PEOPLE, *register_days((1, [line]), (5, []), (9, [line])))
    assert mappings(found, "k1") == [("ann@x.com", "manual_entry", None, None, True)]
    assert len(json.loads(row_of(found, "k1")["change_history"])) == 2


def test_handing_a_key_on_edits_the_old_entry_and_adds_a_new_one() -> None:
    found = identity(
        *PEOPLE,
        *register_days(
            (1, [entry("ann@x.com", "k1")]),
            (
                5,
                [
                    entry("ann@x.com", "k1", expires_date=nov(4)),
                    entry("bob@x.com", "k1", created_date=nov(5)),
                ],
            ),
        ),
    )
    assert mappings(found, "k1") == [
        ("ann@x.com", "manual_entry", None, nov(4), True),
        ("bob@x.com", "manual_entry", nov(5), None, True),
    ]


def test_a_mapping_names_the_persons_present_team_under_their_own_address() -> None:
    found = identity(
        users(nov(1), user("cy@x.com", team="C", aliases=("c@x.com",))),
        users(nov(9), user("cy@x.com", team="D", manager_email="m@x.com", aliases=("c@x.com",))),
        register(nov(1), entry("c@x.com", "k1")),
    )
    row = row_of(found, "k1")
    assert (row["user_email"], row["team"], row["manager_email"]) == ("cy@x.com", "D", "m@x.com")


def test_confidence_falls_linearly_to_half_over_180_days_and_no_further() -> None:
    assert decayed(0.8, nov(1), nov(1)) == 0.8
    assert decayed(0.8, nov(1), date(2026, 1, 1)) == 0.8
    assert decayed(0.8, nov(1), nov(1) + timedelta(days=90)) == pytest.approx(0.6)
    assert decayed(0.8, nov(1), nov(1) + timedelta(days=180)) == pytest.approx(0.4)
    assert decayed(0.8, nov(1), nov(1) + timedelta(days=999)) == pytest.approx(0.4)
    assert decayed(0.6, None, nov(1)) == 0.6


def test_the_rows_fit_the_declared_table() -> None:
    found = identity(
        *PEOPLE,
        directory(nov(1), key("k1", "ci", "u1")),
        register(nov(1), entry("cy@x.com", "k1"), entry("cy@x.com", name="x")),
    )
    schema = table_schema("api_key_mappings")
    table = schema.to_arrow(found.api_key_mappings())
    assert table.num_rows == 3
    for column in schema.columns:
        assert column.nullable or table[column.name].null_count == 0
