"""A vendor that gives no address: its logins mean who a directory of the company says they do."""

from __future__ import annotations

from datetime import date

from ai_usage.finance.holders import read_holders
from ai_usage.identity import Identity, Snapshot
from ai_usage.reference import reference_file
from ai_usage.reference.reading import read_text
from ai_usage_tests.identity.sources import LAST, identity, member, members, nov, user, users

FIRST = date(1900, 1, 1)
ANN = user("ann@x.com", vendor_logins=("hub:ann-x", "hub:ann-old"))
BOB = user("bob@x.com", vendor_logins=("other:ann-x",))


def meant(found: Identity, login: str, platform: str = "hub") -> list[tuple[date, date, str]]:
    """The days on which the login is a person's, and whose."""
    return [
        (row["valid_from"], row["valid_to"], row["user_email"])
        for row in found.bridge_user_identity()
        if (row["identity_type"], row["platform"], row["identity_value"])
        == ("vendor_user_id", platform, login)
    ]


def test_every_login_of_a_person_means_them_on_its_platform_alone() -> None:
    found = identity(users(nov(1), ANN, BOB))
    assert meant(found, "ann-x") == [(FIRST, LAST, "ann@x.com")]
    assert meant(found, "ann-old") == [(FIRST, LAST, "ann@x.com")]
    assert meant(found, "ann-x", "other") == [(FIRST, LAST, "bob@x.com")]
    assert meant(found, "bob-y") == []


def test_a_login_means_each_version_of_the_person() -> None:
    found = identity(
        users(
            nov(1),
            user("ann@x.com", team="Core", vendor_logins=("hub:ann-x",)),
            user("ann@x.com", team="Web", vendor_logins=("hub:ann-x",), effective_date=nov(9)),
        )
    )
    assert meant(found, "ann-x") == [
        (FIRST, nov(8), "ann@x.com"),
        (nov(9), LAST, "ann@x.com"),
    ]


def test_of_two_claims_the_newer_counts_and_a_leavers_login_stays_theirs() -> None:
    taken = user("bob@x.com", vendor_logins=("hub:ann-x",))
    found = identity(users(nov(1), ANN), users(nov(5), taken))
    assert {email for _, _, email in meant(found, "ann-x")} == {"bob@x.com"}
    assert {email for _, _, email in meant(found, "ann-old")} == {"ann@x.com"}


def test_an_id_as_the_company_writes_it_means_the_person_upper_case_included() -> None:
    file = "user_email,vendor_logins\nann@x.com,openai:user-Ab1;github_copilot:Ann-X\n"
    found = identity(users(nov(1), *read_text(reference_file("users.csv"), file).rows))
    assert meant(found, "user-Ab1", "openai") == [(FIRST, LAST, "ann@x.com")]
    assert meant(found, "user-ab1", "openai") == []
    assert meant(found, "ann-x", "github_copilot") == [(FIRST, LAST, "ann@x.com")]


def test_a_login_of_scim_means_the_person() -> None:
    row = user("ann@x.com", vendor_logins=("hub:ann-x",))
    assert meant(identity(Snapshot(nov(1), "scim", [row])), "ann-x") == [(FIRST, LAST, "ann@x.com")]


def test_a_row_accepted_before_the_column_existed_names_no_login() -> None:
    row = user("ann@x.com")
    del row["vendor_logins"]
    assert meant(identity(users(nov(1), row)), "ann-x") == []


def test_a_login_under_an_alias_is_the_persons_own() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", aliases=("a@x.com",))),
        Snapshot(nov(1), "scim", [user("a@x.com", vendor_logins=("hub:ann-x",))]),
    )
    assert meant(found, "ann-x") == [(FIRST, LAST, "ann@x.com")]


def test_a_seat_that_a_vendor_gives_to_a_login_is_its_persons() -> None:
    people = identity(users(nov(1), ANN)).people
    seats = members(nov(2), member("ann-x", None), member("stranger", None), vendor="hub")
    held = read_holders([], [seats], people).holdings
    assert [(one.platform, one.user_email) for one in held] == [("hub", "ann@x.com")]


def test_an_id_of_a_member_list_means_whom_its_address_means_on_its_platform_alone() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", aliases=("a@x.com",))),
        members(nov(2), member("user_1", "a@x.com"), member("robot", None)),
        members(nov(2), member("user_1", "bob@x.com"), vendor="hub"),
    )
    assert meant(found, "user_1", "anthropic") == [(FIRST, LAST, "ann@x.com")]
    assert {email for _, _, email in meant(found, "user_1")} == {"bob@x.com"}
    # A service account has no address: its id is nobody's.
    assert meant(found, "robot", "anthropic") == []


def test_an_id_is_the_persons_under_each_of_their_addresses_and_who_left_keeps_theirs() -> None:
    found = identity(
        members(nov(1), member("user_1", "ann@x.com"), member("user_2", "bob@x.com")),
        members(nov(5), member("user_1", "ann-new@x.com")),
    )
    renamed = {email for _, _, email in meant(found, "user_1", "anthropic")}
    assert renamed == {"ann@x.com", "ann-new@x.com"}
    assert {email for _, _, email in meant(found, "user_2", "anthropic")} == {"bob@x.com"}


def test_what_the_company_says_of_an_id_counts_before_the_vendors_list() -> None:
    found = identity(
        users(nov(1), user("ann@x.com", vendor_logins=("hub:user_1",))),
        members(nov(2), member("user_1", "bob@x.com"), vendor="hub"),
    )
    assert {email for _, _, email in meant(found, "user_1")} == {"ann@x.com"}
