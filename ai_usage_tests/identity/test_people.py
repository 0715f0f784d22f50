"""dim_users by hand: joiners, movers, leavers, rehires, aliases, and which source counts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ai_usage.identity import surrogate_key
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.identity.sources import (
    FIRST,
    LAST,
    NOW,
    identity,
    member,
    members,
    nov,
    only,
    user,
    users,
    versions,
)


def test_unknown_and_shared_are_members_of_their_own() -> None:
    rows = identity().dim_users()
    assert {(r["user_sk"], r["user_email"], r["full_name"]) for r in rows} == {
        (0, "unattributed", "Unattributed"),
        (-1, "shared", "Shared"),
    }
    assert all(r["is_current"] and r["effective_date"] == FIRST for r in rows)


def test_a_joiners_first_version_reaches_back_to_the_start_of_history() -> None:
    found = identity(users(nov(10)), users(nov(20), user("ann@x.com", team="A")))
    assert versions(found, "ann@x.com", "team", "is_active") == [(FIRST, LAST, "A", True)]


def test_a_movers_past_stays_with_the_old_team() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="A")),
        users(nov(5), user("ann@x.com", team="A")),
        users(nov(9), user("ann@x.com", team="B")),
    )
    assert versions(found, "ann@x.com", "team", "is_current") == [
        (FIRST, nov(8), "A", False),
        (nov(9), LAST, "B", True),
    ]


def test_surrogate_keys_hash_the_address_and_the_first_day_of_the_version() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="A")), users(nov(9), user("ann@x.com", team="B"))
    )
    keys = [row["user_sk"] for row in found.dim_users() if row["user_email"] == "ann@x.com"]
    assert keys == [
        surrogate_key("ann@x.com", "1900-01-01"),
        surrogate_key("ann@x.com", "2026-11-09"),
    ]


def test_a_leaver_closes_as_inactive_and_keeps_the_past() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="A"), user("bob@x.com")),
        users(nov(9), user("bob@x.com")),
    )
    assert versions(found, "ann@x.com", "team", "is_active") == [
        (FIRST, nov(8), "A", True),
        (nov(9), LAST, "A", False),
    ]


def test_a_rehire_is_active_again_from_the_day_they_are_listed_again() -> None:
    ann = user("ann@x.com")
    found = identity(users(nov(1), ann), users(nov(9)), users(nov(20), ann))
    assert versions(found, "ann@x.com", "is_active") == [
        (FIRST, nov(8), True),
        (nov(9), nov(19), False),
        (nov(20), LAST, True),
    ]


def test_who_leaves_on_a_day_is_inactive_from_the_next() -> None:
    expected = [(FIRST, nov(15), True), (nov(16), LAST, False)]
    for is_active in (True, False):
        ann = user("ann@x.com", end_date=nov(15), is_active=is_active)
        assert versions(identity(users(nov(1), ann)), "ann@x.com", "is_active") == expected


def test_who_vanishes_before_their_end_date_is_gone_at_once() -> None:
    ann = user("ann@x.com", end_date=nov(25))
    found = identity(users(nov(1), ann), users(nov(9)))
    assert versions(found, "ann@x.com", "is_active") == [
        (FIRST, nov(8), True),
        (nov(9), LAST, False),
    ]


def test_an_end_date_at_the_end_of_time_ends_nothing() -> None:
    found = identity(users(nov(1), user("ann@x.com", end_date=LAST)))
    assert versions(found, "ann@x.com", "is_active") == [(FIRST, LAST, True)]


def test_dated_lines_are_the_history_whatever_earlier_files_said() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="Wrong")),
        users(
            nov(9),
            user("ann@x.com", effective_date=date(2026, 3, 1), team="B"),
            user("ann@x.com", effective_date=date(2026, 1, 1), team="A"),
        ),
    )
    assert versions(found, "ann@x.com", "team") == [
        (FIRST, date(2026, 2, 28), "A"),
        (date(2026, 3, 1), LAST, "B"),
    ]


def test_dated_lines_that_vanish_close_as_inactive_on_that_day() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", effective_date=date(2026, 1, 1), team="A")),
        users(nov(9)),
    )
    assert versions(found, "ann@x.com", "team", "is_active") == [
        (FIRST, nov(8), "A", True),
        (nov(9), LAST, "A", False),
    ]


def test_a_line_that_loses_its_date_keeps_the_history_seen_before() -> None:
    found = identity(
        users(
            nov(1),
            user("ann@x.com", effective_date=date(2026, 1, 1), team="A"),
            user("ann@x.com", effective_date=nov(5), team="B"),
        ),
        users(nov(9), user("ann@x.com", team="C")),
    )
    assert versions(found, "ann@x.com", "team") == [
        (FIRST, nov(4), "A"),
        (nov(5), nov(8), "B"),
        (nov(9), LAST, "C"),
    ]


def test_a_change_that_is_taken_back_is_a_version_of_its_own() -> None:
    found = identity(
        *(
            users(nov(day), user("ann@x.com", team=team))
            for day, team in [(1, "A"), (2, "B"), (3, "A")]
        )
    )
    assert versions(found, "ann@x.com", "team") == [
        (FIRST, nov(1), "A"),
        (nov(2), nov(2), "B"),
        (nov(3), LAST, "A"),
    ]


def test_for_each_attribute_the_strongest_source_that_knows_it_counts() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", team="A")),
        members(nov(1), member("u1", "Ann@X.com", "Ann Vendor"), member("u2", "bob@x.com", "Bob")),
        members(nov(1), member("c1", "ann@x.com", "Ann Cursor"), vendor="cursor"),
    )
    row = only(r for r in found.dim_users() if r["user_email"] == "ann@x.com")
    assert (row["team"], row["full_name"]) == ("A", "Ann Vendor")
    assert row["data_source"] == "users.csv, anthropic members, cursor members"
    assert versions(found, "bob@x.com", "full_name", "team") == [(FIRST, LAST, "Bob", None)]


def test_to_learn_of_a_second_source_opens_no_version() -> None:
    found = identity(
        members(nov(1), member("u1", "ann@x.com", "Ann")),
        users(nov(20), user("ann@x.com", team="A", full_name="Ann B")),
    )
    assert versions(found, "ann@x.com", "team", "full_name") == [(FIRST, LAST, "A", "Ann B")]


def test_a_lost_seat_does_not_make_a_leaver() -> None:
    ann = member("u1", "ann@x.com")
    gone = member("c1", "ann@x.com", is_removed=True)
    found = identity(
        members(nov(1), ann),
        members(nov(1), member("c1", "ann@x.com"), vendor="cursor"),
        members(nov(9), gone, vendor="cursor"),
        members(nov(9), ann),
    )
    assert versions(found, "ann@x.com", "is_active") == [(FIRST, LAST, True)]


def test_who_is_gone_from_every_vendor_and_known_to_no_directory_is_inactive() -> None:
    found = identity(
        members(nov(1), member("u1", "ann@x.com"), member("u2", None)), members(nov(9))
    )
    assert versions(found, "ann@x.com", "is_active") == [
        (FIRST, nov(8), True),
        (nov(9), LAST, False),
    ]


def test_a_leaver_of_the_company_is_inactive_though_a_vendor_still_lists_them() -> None:
    found = identity(
        users(nov(1), user("ann@x.com")),
        users(nov(9)),
        members(nov(20), member("u1", "ann@x.com")),
    )
    assert versions(found, "ann@x.com", "is_active") == [
        (FIRST, nov(8), True),
        (nov(9), LAST, False),
    ]


def test_several_addresses_are_one_person() -> None:
    found = identity(
        users(
            nov(1),
            user("ann@x.com", aliases=("a@x.com",)),
            user("bob@x.com", manager_email="a@x.com"),
        ),
        members(nov(1), member("u1", "A@x.com", "Ann Lee")),
    )
    assert versions(found, "a@x.com") == []
    assert versions(found, "ann@x.com", "full_name") == [(FIRST, LAST, "Ann Lee")]
    assert versions(found, "bob@x.com", "manager_email") == [(FIRST, LAST, "ann@x.com")]


def test_a_new_address_continues_the_history_of_the_old_one() -> None:
    found = identity(
        users(nov(1), user("ann.lee@x.com", team="A")),
        users(nov(9), user("ann.kay@x.com", team="B", aliases=("ann.lee@x.com",))),
    )
    assert versions(found, "ann.kay@x.com", "team") == [(FIRST, nov(8), "A"), (nov(9), LAST, "B")]
    assert versions(found, "ann.lee@x.com") == []


def test_addresses_that_changed_places_do_not_run_in_a_circle() -> None:
    found = identity(
        users(nov(1), user("a@x.com", aliases=("b@x.com",), team="A")),
        users(nov(9), user("b@x.com", aliases=("a@x.com",), team="B")),
    )
    assert versions(found, "b@x.com", "team") == [(FIRST, nov(8), "A"), (nov(9), LAST, "B")]


def test_an_alias_taken_off_the_list_is_taken_off_the_person() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", aliases=("a@x.com",))),
        users(nov(9), user("ann@x.com")),
        members(nov(9), member("u1", "a@x.com")),
    )
    assert versions(found, "a@x.com") == [(FIRST, LAST)]


def test_a_day_without_a_snapshot_folds_nothing() -> None:
    ann = user("ann@x.com", team="A")
    assert identity(users(nov(1), ann), users(nov(30), ann)).dim_users() == (
        identity(*(users(nov(day), ann) for day in range(1, 31))).dim_users()
    )


def test_the_rows_fit_the_declared_table() -> None:
    ann = user(
        "ann@x.com",
        first_name="Ann",
        last_name="Lee",
        ai_budget_monthly_usd=Decimal("10.50"),
        approved_platforms=("cursor",),
        usage_restrictions='{"a":1}',
    )
    found = identity(
        users(nov(1), ann), activity={("cursor", "email", "ann@x.com"): (nov(2), nov(7))}
    )
    schema = table_schema("dim_users")
    table = schema.to_arrow(found.dim_users())
    row = only(r for r in table.to_pylist() if r["user_email"] == "ann@x.com")
    assert row["full_name"] == "Ann Lee"
    assert row["ai_budget_monthly_usd"] == Decimal("10.50")
    assert row["approved_platforms"] == ["cursor"]
    assert row["last_activity_date"] == nov(7)
    assert row["created_timestamp"] == row["updated_timestamp"] == NOW
    for column in schema.columns:
        assert column.nullable or table[column.name].null_count == 0
