"""What a SCIM directory says of people's logins at vendors that give no address."""

from __future__ import annotations

from typing import Any

from ai_usage.directories.scim import AI_USAGE
from ai_usage_tests.directories.test_scim import user
from ai_usage_tests.directories.test_scim_accounts import read


def person(number: int, *logins: Any) -> dict[str, Any]:
    return user(number, **{AI_USAGE: {"vendorLogins": list(logins)}})


def test_logins_fill_their_column_as_a_cell_of_users_csv_would() -> None:
    hub = {"platform": "github_copilot", "value": "Ann-X"}
    own = {"platform": "Other", "value": "user_01Ab"}
    found = read(person(1, hub, own, {"platform": "other", "value": 7}), user(2))
    assert [row["vendor_logins"] for row in found.people] == [
        ("github_copilot:ann-x", "other:user_01Ab", "other:7"),
        None,
    ]
    assert found.left_out == []


def test_a_login_without_its_platform_is_left_out_and_the_person_comes() -> None:
    found = read(person(1, {"value": "ann-x"}))
    assert [row["vendor_logins"] for row in found.people] == [None]
    assert [(left.columns, left.source) for left in found.left_out] == [
        (("vendor_logins",), "scim")
    ]


def test_a_login_of_two_people_is_nobodys() -> None:
    hub = {"platform": "hub", "value": "ann-x"}
    found = read(person(1, hub), person(2, hub, {"platform": "hub", "value": "bob-y"}))
    assert [row["vendor_logins"] for row in found.people] == [None, ("hub:bob-y",)]
