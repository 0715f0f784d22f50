"""bridge_user_identity by hand: addresses, keys and key names joined to versions of people."""

from __future__ import annotations

from datetime import UTC, datetime

from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.identity.sources import (
    FIRST,
    LAST,
    directory,
    entry,
    identity,
    key,
    member,
    members,
    nov,
    only,
    owners,
    register,
    user,
    users,
)

PEOPLE = members(nov(1), member("u1", "ann@x.com"), member("u2", "bob@x.com"))


def test_an_address_means_the_version_of_the_day() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="A", cost_center="C1", aliases=("a@x.com",))),
        users(nov(9), user("ann@x.com", team="B", cost_center="C2", aliases=("a@x.com",))),
    )
    teams = {row["user_sk"]: row["team"] for row in found.dim_users()}
    rows = [
        (
            r["identity_value"],
            r["valid_from"],
            r["valid_to"],
            teams[r["user_sk"]],
            r["cost_center"],
            r["attribution_source"],
        )
        for r in found.bridge_user_identity()
    ]
    assert rows == [
        ("a@x.com", FIRST, nov(8), "A", "C1", "alias"),
        ("a@x.com", nov(9), LAST, "B", "C2", "alias"),
        ("ann@x.com", FIRST, nov(8), "A", "C1", "directory"),
        ("ann@x.com", nov(9), LAST, "B", "C2", "directory"),
    ]
    assert {r["platform"] for r in found.bridge_user_identity()} == {"*"}


def test_a_key_is_cut_where_its_owner_moved_and_its_own_cost_centre_counts_first() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", cost_center="C1")),
        users(nov(9), user("ann@x.com", cost_center="C2")),
        register(
            nov(1),
            entry("ann@x.com", "k1", created_date=nov(3), project_codes=("P",)),
            entry("ann@x.com", "k2", cost_center="C7"),
        ),
    )
    rows = found.bridge_user_identity()
    assert [
        (r["valid_from"], r["valid_to"], r["cost_center"], r["project_codes"])
        for r in rows
        if r["identity_value"] == "k1"
    ] == [(nov(3), nov(8), "C1", ["P"]), (nov(9), LAST, "C2", ["P"])]
    assert {r["cost_center"] for r in rows if r["identity_value"] == "k2"} == {"C7"}
    # Whose centre it is: a rule that moves a key's cost keeps the key's own only.
    whose = {(r["identity_value"], r["is_owners_cost_center"]) for r in rows}
    assert whose == {("ann@x.com", None), ("k1", True), ("k2", False)}


def test_a_key_of_someone_no_directory_knows_is_unknown() -> None:
    found = identity(PEOPLE, register(nov(1), entry("ghost@x.com", "k1")))
    assert owners(found, "api_key_id", "k1") == []
    assert found.api_key_mappings()[0]["is_winner"]


def test_a_key_name_means_the_owner_of_the_key_that_bears_it() -> None:
    found = identity(PEOPLE, directory(nov(1), key("k1", "laptop", "u1")))
    assert owners(found, "api_key_name", "laptop") == [(FIRST, LAST, "ann@x.com")]
    row = only(r for r in found.bridge_user_identity() if r["identity_type"] == "api_key_name")
    mapping = only(found.api_key_mappings())
    assert row["mapping_id"] == mapping["mapping_id"]
    assert (row["platform"], row["confidence_score"]) == ("anthropic", 0.8)


def test_a_name_on_keys_of_different_people_is_unknown_while_both_can_be_meant() -> None:
    made = datetime(2026, 11, 5, tzinfo=UTC)
    ends = datetime(2026, 11, 9, tzinfo=UTC)
    found = identity(
        PEOPLE,
        directory(
            nov(1),
            key("k1", "ci", "u1"),
            key("k2", "ci", "u2", created_at=made, expires_at=ends),
        ),
    )
    assert owners(found, "api_key_name", "ci") == [
        (FIRST, nov(4), "ann@x.com"),
        (nov(10), LAST, "ann@x.com"),
    ]
    assert owners(found, "api_key_id", "k2") == [(nov(5), nov(9), "bob@x.com")]


def test_a_name_on_two_keys_of_one_person_means_that_person() -> None:
    found = identity(PEOPLE, directory(nov(1), key("k1", "ci", "u1"), key("k2", "ci", "u1")))
    assert owners(found, "api_key_name", "ci") == [(FIRST, LAST, "ann@x.com")]


def test_a_name_also_on_a_key_without_an_owner_could_be_anybodys() -> None:
    found = identity(PEOPLE, directory(nov(1), key("k1", "ci", "u1"), key("k2", "ci", "svc")))
    assert owners(found, "api_key_name", "ci") == []


def test_a_name_taken_over_from_a_switched_off_key_means_the_new_owner() -> None:
    old = key("k1", "ci", "u1")
    off = key("k1", "ci", "u1", status="archived")
    new = key("k2", "ci", "u2", created_at=datetime(2026, 11, 9, tzinfo=UTC))
    found = identity(PEOPLE, directory(nov(1), old), directory(nov(8), off, new))
    assert owners(found, "api_key_name", "ci") == [
        (FIRST, nov(8), "ann@x.com"),
        (nov(9), LAST, "bob@x.com"),
    ]


def test_a_name_of_registered_keys_means_the_key_that_is_claimed_on_the_day() -> None:
    found = identity(
        PEOPLE,
        register(
            nov(1),
            entry("ann@x.com", "k1", "laptop", expires_date=nov(8)),
            entry("bob@x.com", "k2", "laptop", created_date=nov(10)),
        ),
    )
    assert owners(found, "api_key_name", "laptop") == [
        (FIRST, nov(8), "ann@x.com"),
        (nov(10), LAST, "bob@x.com"),
    ]


def test_a_name_on_one_switched_off_key_still_attributes() -> None:
    found = identity(PEOPLE, directory(nov(1), key("k1", "ci", "u1", status="inactive")))
    assert {who for _, _, who in owners(found, "api_key_name", "ci")} == {"ann@x.com"}


def test_a_renamed_key_answers_to_each_name_in_its_time() -> None:
    found = identity(
        PEOPLE,
        directory(nov(1), key("k1", "old", "u1")),
        directory(nov(9), key("k1", "new", "u1")),
    )
    assert owners(found, "api_key_name", "old") == [(FIRST, nov(9), "ann@x.com")]
    assert owners(found, "api_key_name", "new") == [(nov(9), LAST, "ann@x.com")]


def test_a_name_on_shared_keys_keeps_only_what_both_say() -> None:
    both = {"intended_use": "team", "cost_center": "C1"}
    found = identity(
        PEOPLE,
        register(
            nov(1),
            entry("ann@x.com", "k1", "ci", **both, project_codes=("P1",)),
            entry("bob@x.com", "k2", "ci", **both, project_codes=("P2",)),
        ),
    )
    row = only(r for r in found.bridge_user_identity() if r["identity_type"] == "api_key_name")
    assert (row["user_sk"], row["cost_center"], row["project_codes"]) == (-1, "C1", [])


def test_last_activity_counts_events_under_every_identity_of_the_person() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", aliases=("a@x.com",)), user("bob@x.com")),
        register(
            nov(1),
            entry("ann@x.com", "k1", expires_date=nov(8)),
            entry("bob@x.com", "k1", created_date=nov(9)),
        ),
        activity={
            ("anthropic", "api_key_id", "k1"): (nov(3), nov(20)),
            ("cursor", "email", "a@x.com"): (nov(2), nov(2)),
        },
    )
    assert {r["user_email"]: r["last_activity_date"] for r in found.dim_users()} == {
        "ann@x.com": nov(3),
        "bob@x.com": nov(20),
        "shared": None,
        "unattributed": None,
    }


def test_the_rows_fit_the_declared_table() -> None:
    found = identity(PEOPLE, directory(nov(1), key("k1", "ci", "u1")))
    schema = table_schema("bridge_user_identity")
    table = schema.to_arrow(found.bridge_user_identity())
    for column in schema.columns:
        assert column.nullable or table[column.name].null_count == 0
