"""What an answer leaves out keeps its last good state: no leaver, no deleted key, no lost value."""

from __future__ import annotations

from typing import Any

from ai_usage.identity import Snapshot
from ai_usage.identity.last_good import last_good
from ai_usage.identity.snapshots import by_source
from ai_usage.vendors.rows import LeftOut
from ai_usage_tests.identity.sources import (
    FIRST,
    LAST,
    entry,
    identity,
    key,
    member,
    members,
    nov,
    register,
    scim,
    user,
    versions,
)


def person(number: int, **cells: Any) -> dict[str, Any]:
    return user(f"p{number}@x.com", user_id=str(number), **cells)


def odd(number: int | None = None, *addresses: str, **more: Any) -> LeftOut:
    ids = () if number is None else (str(number),)
    said = {"who": f"account {number}", "what": "active is a text, not true or false"}
    return LeftOut(ids=ids, addresses=addresses, **{**said, **more})


def states(*snapshots: Snapshot) -> list[list[str]]:
    """The addresses of the last source, snapshot by snapshot."""
    sources = last_good(by_source(snapshots)).snapshots
    return [sorted(row["user_email"] for row in s.rows) for s in sources[snapshots[-1].source]]


def test_an_account_that_cannot_be_read_is_as_it_was_until_it_can_be_again() -> None:
    found = identity(
        scim(nov(1), person(1, team="A"), person(2)),
        scim(nov(2), person(2), odd(1)),
        scim(nov(3), person(2), odd(1)),
        scim(nov(5), person(2), person(1, team="B")),
    )
    assert versions(found, "p1@x.com", "team", "is_active") == [
        (FIRST, nov(4), "A", True),
        (nov(5), LAST, "B", True),
    ]


def test_who_was_never_read_is_not_there_and_who_left_has_left() -> None:
    assert states(
        scim(nov(1), person(1), person(3)), scim(nov(2), person(1), odd(2, "p2@x.com"))
    ) == [["p1@x.com", "p3@x.com"], ["p1@x.com"]]


def test_by_its_id_it_keeps_its_address_though_it_names_another_one() -> None:
    assert states(scim(nov(1), person(1), person(2)), scim(nov(2), odd(1, "p2@x.com"))) == [
        ["p1@x.com", "p2@x.com"],
        ["p1@x.com"],
    ]


def test_an_address_that_somebody_else_has_now_is_theirs() -> None:
    new = user("p1@x.com", user_id="7")
    found = last_good(by_source([scim(nov(1), person(1)), scim(nov(2), new, odd(1))]))
    assert found.snapshots["scim"][-1].rows == [new]


def test_what_may_be_anybody_lets_nobody_leave() -> None:
    """A page that drops an account does not say whose: p3 is gone, or is the one it dropped."""
    assert states(
        scim(nov(1), person(1), person(2), person(3)),
        scim(nov(2), person(1), person(2), odd()),
        scim(nov(3), person(1), person(2)),
    ) == [
        ["p1@x.com", "p2@x.com", "p3@x.com"],
        ["p1@x.com", "p2@x.com", "p3@x.com"],
        ["p1@x.com", "p2@x.com"],
    ]


def test_a_place_that_was_never_given_keeps_nobody_who_leaves() -> None:
    """The directory hides one account for ever: p3 leaves, p2 is hidden for a day, p1 stays."""
    assert states(
        scim(nov(1), person(1), person(2), person(3), odd()),
        scim(nov(2), person(1), person(2), odd()),
        scim(nov(3), person(1), odd(), odd(None, who="another")),
        scim(nov(4), person(1), odd(), odd(None, who="another")),
        scim(nov(5), person(1), person(2), odd()),
        scim(nov(6), person(1), odd()),
    ) == [
        ["p1@x.com", "p2@x.com", "p3@x.com"],
        ["p1@x.com", "p2@x.com"],
        ["p1@x.com", "p2@x.com"],
        ["p1@x.com", "p2@x.com"],
        ["p1@x.com", "p2@x.com"],
        ["p1@x.com"],
    ]


def test_a_member_without_a_name_is_nobody_whose_place_others_are_kept_for() -> None:
    """Read anew or the same object: it stands, and who leaves beside it has left."""
    nameless = member("", None)
    for again in nameless, member("", None):
        ann, bo = member("u1", "ann@x.com"), member("u2", "bo@x.com")
        source = [
            members(nov(1), ann, bo, nameless),
            members(nov(2), ann, bo, again, odd()),
            members(nov(3), ann, again, odd()),
        ]
        (told,) = last_good(by_source(source)).snapshots.values()
        assert [sorted(str(row.user_email) for row in s.rows) for s in told] == [
            ["None", "ann@x.com", "bo@x.com"],
            ["None", "ann@x.com", "bo@x.com"],
            ["None", "ann@x.com"],
        ]


def test_a_page_that_drops_another_account_every_day_lets_nobody_leave() -> None:
    assert (
        states(
            scim(nov(1), person(1), person(2)),
            scim(nov(2), person(1), odd()),
            scim(nov(3), person(2), odd()),
        )
        == [["p1@x.com", "p2@x.com"]] * 3
    )


def test_what_an_earlier_answer_of_the_day_said_stands() -> None:
    """The first run of the day read p1; the next one, an hour later, could not."""
    first, second = [person(1), person(2)], [person(2), odd(1)]
    found = last_good(by_source([Snapshot(nov(1), "scim", second, (first,))]))
    (snapshot,) = found.snapshots["scim"]
    assert sorted(row["user_email"] for row in snapshot.rows) == ["p1@x.com", "p2@x.com"]
    assert [standing.kept for standing in found.standing] == [1]


def test_what_is_known_by_name_is_kept_before_what_may_be_anybody() -> None:
    found = last_good(
        by_source([scim(nov(1), person(1), person(2)), scim(nov(2), odd(), odd(1), odd())])
    )
    assert [(s.left.ids, s.kept) for s in found.standing] == [(("1",), 1), ((), 1), ((), 0)]


def test_what_may_be_anybody_of_one_list_says_nothing_of_another() -> None:
    """Two vendors' records without a name look alike: each list keeps its own people."""
    snapshots = [
        members(nov(day), *rows, vendor=vendor)
        for vendor, own in (("anthropic", "a"), ("cursor", "c"))
        for day, rows in ((1, (member("1", f"{own}@x.com"),)), (2, (odd(),)))
    ]
    found = last_good(by_source(snapshots)).snapshots
    assert [row.user_email for row in found["anthropic members"][-1].rows] == ["a@x.com"]
    assert [row.user_email for row in found["cursor members"][-1].rows] == ["c@x.com"]


def test_a_value_that_is_left_out_is_the_former_one_and_the_others_are_new() -> None:
    left = odd(1, "p1@x.com", columns=("cost_center",), source="scim")
    found = identity(
        scim(nov(1), person(1, team="A", cost_center="CC-1")),
        scim(nov(2), person(1, team="B"), left),
    )
    assert versions(found, "p1@x.com", "team", "cost_center") == [
        (FIRST, nov(1), "A", "CC-1"),
        (nov(2), LAST, "B", "CC-1"),
    ]


def test_the_keys_of_an_account_that_cannot_be_read_stay_its_owners() -> None:
    """The account's id alone is read: its address, and so its keys, are known from before."""
    mine, other = entry("p1@x.com", "apikey_1"), entry("p2@x.com", "apikey_2")
    found = last_good(
        by_source(
            [
                scim(nov(1), person(1), person(2)),
                register(nov(1), mine, other, source="sso"),
                scim(nov(2), person(2), odd(1)),
                register(nov(2), odd(1), source="sso"),
            ]
        )
    )
    assert found.snapshots["sso"][-1].rows == [mine]
    assert [(s.source, s.kept) for s in found.standing] == [("scim", 1), ("sso", 1)]


def test_a_place_that_is_not_given_keeps_the_keys_of_whoever_may_be_there_alone() -> None:
    """p1 was read, so that its second key is gone for good; p2 may be whom the page drops."""
    keys = [entry("p1@x.com", "apikey_1"), entry("p1@x.com", "apikey_2")]
    other = entry("p2@x.com", "apikey_3")
    found = last_good(
        by_source(
            [
                scim(nov(1), person(1), person(2)),
                register(nov(1), *keys, other, source="sso"),
                scim(nov(2), person(1), odd()),
                register(nov(2), keys[0], odd(), source="sso"),
            ]
        )
    )
    assert found.snapshots["sso"][-1].rows == [keys[0], other]


def test_a_vendors_member_and_key_that_cannot_be_read_stand() -> None:
    keys = [
        Snapshot(nov(1), "anthropic api_keys", [key("apikey_1", "ci", "user_1")]),
        Snapshot(nov(2), "anthropic api_keys", [LeftOut(who="k", what="w", ids=("apikey_1",))]),
    ]
    found = identity(
        members(nov(1), member("user_1", "p1@x.com"), member("user_2", "p2@x.com")),
        members(nov(2), member("user_2", "p2@x.com"), odd(None, "p1@x.com")),
        *keys,
    )
    assert versions(found, "p1@x.com", "is_active") == [(FIRST, LAST, True)]
    (mapping,) = found.api_key_mappings()
    assert (mapping["user_email"], mapping["is_active"]) == ("p1@x.com", True)


def test_only_the_newest_answer_is_told_of() -> None:
    healed = [scim(nov(1), person(1)), scim(nov(2), odd(1)), scim(nov(3), person(1))]
    assert last_good(by_source(healed)).standing == []
    (standing,) = last_good(by_source(healed[:2])).standing
    assert (standing.source, standing.day, standing.kept) == ("scim", nov(2), 1)
