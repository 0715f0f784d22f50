"""Who is one person, by hand: renames, addresses given away, sources that disagree."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ai_usage.identity import Identity, IdentityInputs, Snapshot, surrogate_key
from ai_usage.identity.reported import Reported
from ai_usage_tests.identity.sources import (
    FIRST,
    LAST,
    NOW,
    entry,
    identity,
    member,
    members,
    nov,
    only,
    owners,
    register,
    scim,
    user,
    users,
    versions,
)

DOE, SMITH = "jane.doe@x.com", "jane.smith@x.com"


def people(found: Identity) -> dict[str, set[str]]:
    """Every person's id, with the addresses of their versions."""
    told: dict[str, set[str]] = {}
    for row in found.dim_users():
        if row["user_sk"] > 0:
            told.setdefault(row["person_id"], set()).add(row["user_email"])
    return told


def named(found: Identity) -> dict[str, str]:
    """Every person's id, with what reports call them."""
    return {r["person_id"]: r["person"] for r in found.dim_users() if r["user_sk"] > 0}


def doubts(found: Identity) -> dict[str, list[str]]:
    return {
        row["user_email"]: row["identity_doubts"]
        for row in found.dim_users()
        if row["is_current"] and row["identity_doubts"]
    }


def renamed() -> Identity:
    return identity(
        scim(nov(9), user(DOE, user_id="42", employee_id="E42", team="A")),
        scim(nov(10), user(SMITH, user_id="42", employee_id="E42", team="A")),
    )


def test_who_is_renamed_is_one_person_under_the_newest_address() -> None:
    found = renamed()
    assert people(found) == {"directory:42": {DOE, SMITH}}
    assert named(found) == {"directory:42": SMITH}
    assert versions(found, DOE, "is_current", "is_active") == [(FIRST, nov(9), False, True)]
    assert versions(found, SMITH, "is_current", "is_active") == [(nov(10), LAST, True, True)]


def test_either_address_means_the_version_of_the_day() -> None:
    expected = [(FIRST, nov(9), DOE), (nov(10), LAST, SMITH)]
    assert owners(renamed(), "email", DOE) == expected
    assert owners(renamed(), "email", SMITH) == expected


def test_versions_keep_the_keys_that_they_had_when_addresses_were_people() -> None:
    keys = {row["user_email"]: row["user_sk"] for row in renamed().dim_users()}
    assert keys[DOE] == surrogate_key(DOE, "1900-01-01")
    assert keys[SMITH] == surrogate_key(SMITH, "1900-01-01")


def test_a_version_whose_days_are_another_accounts_is_still_found_by_its_key() -> None:
    """Facts name it until they are built anew: it is nobody's day, and the same person's."""
    found = identity(
        users(nov(1), user(DOE, employee_id="E42", team="A", is_active=False)),
        scim(nov(1), user(SMITH, user_id="42", employee_id="E42", team="B")),
    )
    before = date(1899, 12, 31)
    row = only(row for row in found.dim_users() if row["user_email"] == DOE)
    assert (row["effective_date"], row["expiration_date"]) == (before, before)
    assert (row["team"], row["is_current"]) == ("A", False)
    assert versions(found, SMITH, "team", "is_current") == [(FIRST, LAST, "B", True)]
    assert row["user_sk"] == surrogate_key(DOE, "1900-01-01")
    assert (row["person_id"], row["person"]) == ("directory:42", SMITH)


def test_the_history_has_the_evidence() -> None:
    histories = {row["change_history"] for row in renamed().dim_users() if row["user_sk"] > 0}
    assert json.loads(only(histories)) == [
        {
            "day": "2026-11-10",
            "field": "user_email",
            "old": DOE,
            "new": SMITH,
            "evidence": "directory id 42",
        }
    ]


def test_an_account_made_anew_under_the_same_employee_number_is_the_same_persons() -> None:
    found = identity(
        scim(nov(9), user("bob@x.com", user_id="7", employee_id="E7")),
        scim(
            nov(10),
            user("bob@x.com", user_id="7", employee_id="E7", is_active=False),
            user("robert@x.com", user_id="70", employee_id="E7"),
        ),
    )
    assert people(found) == {"directory:7": {"bob@x.com", "robert@x.com"}}
    assert named(found) == {"directory:7": "robert@x.com"}


def test_a_rename_back_is_no_second_person_and_no_key_is_used_twice() -> None:
    def jane(email: str) -> dict[str, Any]:
        return user(email, user_id="42")

    found = identity(scim(nov(1), jane(DOE)), scim(nov(5), jane(SMITH)), scim(nov(9), jane(DOE)))
    assert versions(found, DOE) == [(FIRST, nov(4)), (nov(9), LAST)]
    assert versions(found, SMITH) == [(nov(5), nov(8))]
    assert named(found) == {"directory:42": DOE}
    assert len({row["user_sk"] for row in found.dim_users()}) == len(found.dim_users()) == 7


def test_an_address_given_to_a_new_hire_is_another_person_from_then_on() -> None:
    found = identity(
        scim(nov(9), user(DOE, user_id="42", team="A")),
        scim(nov(10), user(SMITH, user_id="42", team="A")),
        scim(nov(12), user(SMITH, user_id="42", team="A"), user(DOE, user_id="99", team="B")),
    )
    assert named(found) == {"directory:42": SMITH, "directory:99": DOE}
    assert owners(found, "email", DOE) == [
        (FIRST, nov(9), DOE),
        (nov(10), nov(11), SMITH),
        (nov(12), LAST, DOE),
    ]
    keys = {
        row["user_sk"]: row["person_id"]
        for row in found.dim_users()
        if row["user_email"] == DOE and row["effective_date"] >= FIRST
    }
    assert keys == {
        surrogate_key(DOE, "1900-01-01"): "directory:42",
        surrogate_key(DOE, "2026-11-12"): "directory:99",
    }


def test_a_leaver_whose_address_is_given_away_keeps_a_name_of_their_own() -> None:
    found = identity(
        scim(nov(1), user(DOE, user_id="42")),
        scim(nov(5)),
        scim(nov(9), user(DOE, user_id="99")),
    )
    assert named(found) == {"directory:42": f"{DOE} (until 2026-11-08)", "directory:99": DOE}


def test_an_id_that_is_learned_or_forgotten_changes_nobody() -> None:
    found = identity(
        scim(nov(1), user(DOE)),
        scim(nov(2), user(DOE, user_id="42")),
        scim(nov(3), user(DOE)),
        scim(nov(4), user(DOE, user_id="42", employee_id="E42")),
    )
    assert people(found) == {"directory:42": {DOE}}


def test_a_directory_that_numbers_everybody_anew_makes_no_new_people() -> None:
    names = [f"{name}@x.com" for name in ("ann", "bob", "cy")]
    found = identity(
        scim(nov(1), *(user(name, user_id=f"old-{name}") for name in names)),
        scim(nov(9), *(user(name, user_id=f"new-{name}") for name in names)),
    )
    assert people(found) == {f"directory:old-{name}": {name} for name in names}


def test_without_a_directory_a_vendors_id_joins_addresses() -> None:
    found = identity(members(nov(1), member("u1", DOE)), members(nov(9), member("u1", SMITH)))
    assert people(found) == {"anthropic:u1": {DOE, SMITH}}
    assert owners(found, "email", DOE)[-1] == (nov(9), LAST, SMITH)


def test_employee_numbers_join_what_two_directories_list() -> None:
    found = identity(
        users(nov(1), user(DOE, employee_id="E42", cost_center="CC")),
        scim(nov(1), user(DOE, user_id="42", employee_id="E42")),
        scim(nov(9), user(SMITH, user_id="42", employee_id="E42")),
    )
    assert people(found) == {"directory:42": {DOE, SMITH}}
    assert named(found) == {"directory:42": SMITH}


def test_one_number_on_two_live_accounts_joins_nobody_and_both_are_listed() -> None:
    ann, bob = (user(f"{name}@x.com", employee_id="E7") for name in ("ann", "bob"))
    found = identity(users(nov(1), ann, bob))
    assert people(found) == {"ann@x.com": {"ann@x.com"}, "bob@x.com": {"bob@x.com"}}
    why = "employee number E7 is on both, which have been active at once"
    assert doubts(found) == {
        name: [f"ann@x.com and bob@x.com: {why}"] for name in ("ann@x.com", "bob@x.com")
    }


def test_a_number_that_is_on_everybody_is_told_to_each_in_one_line() -> None:
    names = [f"{name}@x.com" for name in ("ann", "bob", "cy", "di", "ed")]
    found = identity(users(nov(1), *(user(name, employee_id="0") for name in names)))
    assert people(found) == {name: {name} for name in names}
    told = (
        "ann@x.com, bob@x.com, cy@x.com and 2 more: employee number 0 is on all, which have been "
        "active at once"
    )
    assert doubts(found) == {name: [told] for name in names}


@pytest.mark.parametrize("bobs", ["E8", None])
def test_a_number_put_right_is_listed_no_more_and_makes_no_new_person(bobs: str | None) -> None:
    wrong = [user(f"{name}@x.com", employee_id="E7") for name in ("ann", "bob")]
    right = [wrong[0], user("bob@x.com", employee_id=bobs)]
    found = identity(users(nov(1), *wrong), users(nov(9), *right))
    bob = "employee:E8" if bobs else "bob@x.com"
    assert people(found) == {"employee:E7": {"ann@x.com"}, bob: {"bob@x.com"}}
    assert doubts(found) == {}


def test_a_number_that_somebody_else_had_for_a_day_by_mistake_parts_nobody() -> None:
    """Jane's accounts are joined by her number alone, which Bob's line bears on the 20th."""

    def day(n: int, bobs: str) -> Snapshot:
        jane = user(DOE if n < 10 else SMITH, employee_id="E42")
        return users(nov(n), jane, user("bob@x.com", employee_id=bobs))

    found = identity(day(1, "E8"), day(10, "E8"), day(20, "E42"), day(21, "E8"))
    assert people(found) == {"employee:E42": {DOE, SMITH}, "employee:E8": {"bob@x.com"}}
    assert doubts(found) == {}


def test_an_id_that_another_directory_adds_is_no_other_persons() -> None:
    found = identity(
        scim(nov(1), user(DOE, user_id="42")),
        users(nov(5), user(DOE, team="A")),
        users(nov(9), user(DOE, team="A", user_id="jdoe")),
    )
    assert people(found) == {"directory:42": {DOE}}


def test_sources_that_give_one_number_to_two_live_accounts_join_nobody_and_both_are_listed() -> (
    None
):
    found = identity(
        users(nov(1), user("bob@x.com", employee_id="E42")),
        scim(nov(1), user(DOE, user_id="42", employee_id="E42")),
    )
    assert len(people(found)) == 2
    told = (
        f"bob@x.com and {DOE}: employee number E42 is on bob@x.com in users.csv and on {DOE} in "
        "scim, both active on 2026-11-01"
    )
    assert doubts(found) == {"bob@x.com": [told], DOE: [told]}


def test_what_another_id_settles_is_in_doubt_no_more() -> None:
    """Anthropic saw Jane's account get the address under which SCIM lists her."""
    found = identity(
        users(nov(1), user(DOE, employee_id="E42")),
        scim(nov(1), user(SMITH, user_id="42", employee_id="E42")),
        members(nov(1), member("u1", DOE)),
        members(nov(9), member("u1", SMITH)),
    )
    assert people(found) == {"directory:42": {DOE, SMITH}}
    assert doubts(found) == {}


def test_who_left_on_a_day_that_an_unchanged_list_names_is_not_live_after_it() -> None:
    rows = [user(DOE, employee_id="E42", end_date=nov(5))]
    found = identity(
        *(Snapshot(nov(day), "users.csv", rows) for day in (1, 6)),
        scim(nov(1)),
        scim(nov(10), user(SMITH, user_id="42", employee_id="E42")),
    )
    assert people(found) == {"directory:42": {DOE, SMITH}}
    assert doubts(found) == {}


def test_who_left_one_directory_and_is_in_the_other_under_the_same_number_is_one_person() -> None:
    found = identity(
        users(nov(1), user(DOE, employee_id="E42", is_active=False)),
        scim(nov(1), user(SMITH, user_id="42", employee_id="E42")),
    )
    assert people(found) == {"directory:42": {DOE, SMITH}}


def test_directories_that_disagree_keep_two_people_apart_and_are_listed() -> None:
    found = identity(
        users(nov(1), user(DOE, employee_id="E1"), user(SMITH, employee_id="E2", is_active=False)),
        scim(nov(1), user(DOE, user_id="42")),
        scim(nov(9), user(SMITH, user_id="42")),
    )
    assert people(found) == {"directory:42": {DOE}, "employee:E2": {SMITH}}
    told = (
        f"{DOE} and {SMITH}: directory id 42 joins them, but users.csv gives them "
        "employee number E1 and E2"
    )
    assert doubts(found) == {DOE: [told], SMITH: [told]}


def test_a_seat_given_to_a_colleague_joins_nobody() -> None:
    ann, bob = user("ann@x.com"), user("bob@x.com")
    found = identity(
        users(nov(1), ann, bob),
        members(nov(1), member("u1", "ann@x.com")),
        members(nov(9), member("u1", "bob@x.com")),
    )
    assert len(people(found)) == 2
    assert doubts(found).keys() == {"ann@x.com", "bob@x.com"}


def test_a_vendor_that_gives_everybody_another_id_splits_nobody() -> None:
    """Cursor's ids of members were numbers and became texts."""
    found = identity(
        members(nov(1), member("240101", DOE), member("240102", SMITH), vendor="cursor"),
        members(nov(2), member("user_a", DOE), member("user_b", SMITH), vendor="cursor"),
        members(nov(3), member("user_a", DOE), member("240102", SMITH), vendor="cursor"),
    )
    for address in (DOE, SMITH):
        assert versions(found, address, "is_current", "is_active") == [(FIRST, LAST, True, True)]
    assert sorted(map(sorted, people(found).values())) == [[DOE], [SMITH]]
    assert doubts(found) == {}


def test_an_alias_settles_what_ids_leave_open() -> None:
    found = identity(
        users(nov(1), user(DOE, employee_id="E7"), user(SMITH, employee_id="E7")),
        users(nov(9), user(SMITH, employee_id="E7", aliases=(DOE,))),
    )
    assert people(found) == {"employee:E7": {SMITH}}
    assert doubts(found) == {}


def test_a_managers_new_address_is_what_their_people_show() -> None:
    found = identity(
        scim(nov(1), user(DOE, user_id="42"), user("bob@x.com", manager_email=DOE)),
        scim(nov(9), user(SMITH, user_id="42"), user("bob@x.com", manager_email=DOE)),
    )
    assert {boss for *_days, boss in versions(found, "bob@x.com", "manager_email")} == {SMITH}


def test_a_key_registered_under_the_former_address_is_the_persons() -> None:
    found = identity(
        scim(nov(9), user(DOE, user_id="42")),
        scim(nov(10), user(SMITH, user_id="42")),
        register(nov(9), entry(DOE, "k1")),
    )
    assert owners(found, "api_key_id", "k1") == [(FIRST, nov(9), DOE), (nov(10), LAST, SMITH)]


def test_a_version_of_a_closed_month_is_whose_the_address_is_an_alias_by_now() -> None:
    closed = Reported(7, DOE, "Jane", "Eng", "A", "CC", date(2026, 11, 1))
    snapshots = [
        scim(nov(9), user(DOE, user_id="42")),
        scim(nov(10), user(SMITH, user_id="42", aliases=(DOE,))),
    ]
    rows = Identity(IdentityInputs(snapshots, NOW, reported=[closed])).dim_users()
    row = only(row for row in rows if row["user_sk"] == 7)
    assert (row["person_id"], row["person"]) == ("directory:42", SMITH)


def test_a_version_that_only_a_closed_month_knows_is_the_persons_of_that_month() -> None:
    """Before accounts were joined, a former address had a version of its own after the rename."""
    gone = surrogate_key(DOE, "2026-11-10")
    closed = Reported(gone, DOE, "Jane", "Eng", "A", "CC", date(2026, 11, 1))
    snapshots = [
        scim(nov(9), user(DOE, user_id="42", team="A")),
        scim(nov(10), user(SMITH, user_id="42", team="A")),
    ]
    rows = Identity(IdentityInputs(snapshots, NOW, reported=[closed])).dim_users()
    row = only(row for row in rows if row["user_sk"] == gone)
    assert (row["person_id"], row["person"]) == ("directory:42", SMITH)
    assert datetime(2026, 11, 30, 12, tzinfo=UTC) == row["created_timestamp"]
