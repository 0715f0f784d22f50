"""SCIM accounts are judged one by one: an odd one is named, the others come in."""

from __future__ import annotations

from typing import Any

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.directories.cells import cell
from ai_usage.directories.scim import AI_USAGE, ENTERPRISE, VENDOR, read_listing
from ai_usage.errors import VendorError
from ai_usage.reference import reference_file
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.rows import LeftOut
from ai_usage_tests.directories.test_scim import DAY, NOW, USERS, keep, listing, user
from ai_usage_tests.vendors.support import ScriptedVendor, as_json, client

ODD: dict[str, Any] = {
    "id": "9",
    "userName": "odd@acme.test",
    "active": True,
    "emails": [{"value": "odd@acme.test"}],
}


def read(*users: Any) -> Any:
    return read_listing([bytes(as_json(listing(*users)).body)])


def told(*users: Any) -> list[tuple[str, str]]:
    return [(left.who, left.what) for left in read(*users).left_out]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"emails": {"value": "odd@acme.test"}}, "emails is an object, not a list"),
        ({"emails": [7]}, "emails[0] is a whole number, not a text or an object"),
        ({"active": "Inactive"}, "active is a text, not true or false"),
        ({"active": ""}, "active is a text, not true or false"),
        ({"title": ["Dev"]}, "title is a list, not a whole number or a text"),
        ({"name": "Odd One"}, "name is a text, not an object"),
        (
            {ENTERPRISE: {"manager": [{"value": "1"}]}},
            "manager is a list, not a text or an object",
        ),
        ({AI_USAGE: {"apiKeys": {"value": "apikey_1"}}}, "apikeys is an object, not a list"),
    ],
)
def test_an_odd_account_is_named_and_the_others_come(
    server: ScriptedVendor, tmp_path: Any, more: dict[str, Any], what: str
) -> None:
    """The whole directory was refused, by the account's number, with "try again later"."""
    server.answers(listing(user(1), user(2), {**ODD, **more}, user(3)))
    archive = keep(server, tmp_path)
    ((kept, _days),) = archive.coverage("scim", "users", DAY)
    found = read_listing(archive.pages(kept))
    assert [row["user_email"] for row in found.people] == ["p1@x.io", "p2@x.io", "p3@x.io"]
    (left,) = found.left_out
    assert (left.who, left.what) == ("odd@acme.test (id 9)", what)
    assert (left.ids, left.addresses, left.columns) == (("9",), ("odd@acme.test",), None)
    assert left.remedy == (
        "mend it in the directory: the next run reads it again; a line in users.csv wins meanwhile"
    )


def test_a_number_that_is_whole_is_no_oddity() -> None:
    found = read({**ODD, ENTERPRISE: {"employeeNumber": 4711.0}})
    assert [row["employee_id"] for row in found.people] == ["4711"]
    assert found.left_out == []


def test_an_account_that_names_itself_by_nothing_is_named_by_its_place() -> None:
    assert told(user(1), "no account", {"id": ["9"], "userName": {}}) == [
        ("account 2 of page 1", "it is a text, not an object"),
        ("account 3 of page 1", "id is a list, not a whole number or a text"),
    ]


def test_a_list_without_one_account_that_can_be_read_is_of_another_shape(
    server: ScriptedVendor, tmp_path: Any
) -> None:
    server.answers(listing({**ODD, "active": "x"}, {**ODD, "id": "8", "name": "x"}))
    with pytest.raises(VendorError) as caught:
        keep(server, tmp_path)
    assert str(caught.value) == (
        "scim users 2026-03-18: a record has another shape than documented (odd@acme.test (id 9): "
        "active is a text, not true or false). Nothing of it is used; the last good answer stays."
    )


def test_a_secret_is_refused_wherever_it_stands_in_an_odd_account(server: ScriptedVendor) -> None:
    secret = {"apiKeys": {"deeper": [["sk-ant-api03-leaked"]]}}
    server.answers(listing(user(1), {**ODD, AI_USAGE: secret}))
    with (
        client(VENDOR, server.url) as asking,
        pytest.raises(VendorError, match=r"apiKeys of odd@acme\.test holds a secret key"),
    ):
        list(USERS.fetch(asking, DAY, NOW))


def test_values_that_a_spreadsheet_could_run_are_taken_as_they_are() -> None:
    """The field case: from SCIM they vanished silently. Neutralising is the export's business."""
    cases = [
        ("1", "sean.o'brien@acme.test", "Eng", "CC-1"),
        ("2", "ann@acme.test", "@Platform", "CC-1"),
        ("3", "bob@acme.test", "Eng", "-100"),
        ("4", "eve@acme.test", "+1 Team", "=CC-4"),
        ("5", "müller@acme.test", "Eng", "CC-5"),
    ]
    users = [
        {
            "id": number,
            "userName": email,
            "emails": [{"value": email, "primary": True}],
            ENTERPRISE: {"department": department, "costCenter": cost_center},
        }
        for number, email, department, cost_center in cases
    ]
    found = read(*users)
    assert found.left_out == []
    assert {
        (row["user_id"], row["user_email"], row["department"], row["cost_center"])
        for row in found.people
    } == set(cases)


def test_a_value_that_is_refused_is_named_and_the_person_comes() -> None:
    """It was left empty without a word."""
    spoiled = {"costCenter": "2.02609E+11", "department": "#N/A", "employeeNumber": "4711"}
    found = read({**ODD, "displayName": "=HYPERLINK(1)", ENTERPRISE: spoiled})
    (row,) = found.people
    assert (row["user_email"], row["employee_id"]) == ("odd@acme.test", "4711")
    assert (row["cost_center"], row["department"], row["display_name"]) == (None, None, None)
    assert [(left.columns, left.what) for left in found.left_out] == [
        (("display_name",), "display_name: '=HYPERLINK(1)' is a formula, not its value"),
        (("department",), "department: '#N/A' is an error of a spreadsheet, not a value"),
        (
            ("cost_center",),
            "cost_center: '2.02609E+11' is what a spreadsheet leaves of a long number",
        ),
    ]


def test_what_stands_for_an_address_and_is_none_is_named() -> None:
    two = [{"value": "no address", "primary": True}, {"value": "odd@acme.test"}]
    assert told({**ODD, "emails": two}) == [
        ("odd@acme.test (id 9)", "'no address' is not an e-mail address")
    ]
    found = read(user(1), {"id": "9", "userName": "odd@acme", "emails": []})
    (left,) = found.left_out
    assert (left.who, left.what) == ("odd@acme (id 9)", "'odd@acme' is not an e-mail address")
    assert (left.columns, left.why) == (None, "odd")


def test_an_account_that_is_nobodys_is_told_apart_from_an_odd_one() -> None:
    found = read(user(1), {"id": "8", "userName": "robot"}, {"id": "9", "active": False})
    (left,) = found.left_out
    assert (left.who, left.what, left.why) == (
        "robot (id 8)",
        "it has no e-mail address",
        "nobody",
    )


def test_whoever_reports_to_an_account_that_is_left_out_still_does() -> None:
    report = user(1, **{ENTERPRISE: {"manager": {"value": "9"}}})
    follows = [left for left in read(report, {**ODD, "name": "x"}).left_out if left.ids == ("u1",)]
    assert [(left.columns, left.source, left.why) for left in follows] == [
        (("manager_email",), "scim", "follows")
    ]


def test_an_entry_of_keys_that_names_no_key_and_a_cell_of_one_are_named() -> None:
    keys = [
        {"platform": "anthropic", "value": "apikey_1", "expires": "soon"},
        {"platform": "anthropic"},
    ]
    found = read(user(1, **{AI_USAGE: {"apiKeys": keys}}))
    assert [row["api_key_id"] for row in found.keys] == ["apikey_1"]
    whole: list[tuple[str, bool, str | None]] = [
        (left.what, left.columns is None, left.source) for left in found.left_out
    ]
    assert whole == [
        (
            "entry 1 of its apiKeys: expires_date 'soon' is not a date",
            False,
            "sso",
        ),
        ("entry 2 of its apiKeys names no platform and key", True, "sso"),
    ]


def test_the_rows_that_are_left_out_are_no_records_of_the_fetch(
    server: ScriptedVendor, tmp_path: Any
) -> None:
    server.answers(listing(user(1), {**ODD, "name": "x"}))
    with client(VENDOR, server.url) as asking:
        report = fetch_window(
            VENDOR, USERS, DAY, client=asking, archive=Archive(str(tmp_path)), now=NOW
        )
    assert report.records == 1
    rows = list(
        USERS.read([bytes(as_json(listing(user(1), {**ODD, "name": "x"})).body)], ReadContext(DAY))
    )
    assert [isinstance(row, LeftOut) for row in rows] == [False, True]


def test_a_cell_is_told_that_two_conventions_read_differently() -> None:
    """As a line of users.csv is refused for it: a directory's budget of 1.000 is one, or 1,000."""
    refused: list[tuple[str, str]] = []
    budget = cell(
        reference_file("users.csv"),
        "ai_budget_monthly_usd",
        "1.000",
        lambda column, error: refused.append((column, error.what)),
    )
    assert budget is None
    assert refused == [("ai_budget_monthly_usd", "'1.000' is 1000 to some and 1.00 to others")]
