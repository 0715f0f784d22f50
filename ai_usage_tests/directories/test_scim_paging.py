"""SCIM lists whose totals are wrong, and pages that leave an account out: pages are believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.responses import Response

from ai_usage.directories.scim import read_listing
from ai_usage.errors import VendorError
from ai_usage.vendors.kit.promises import PagesShiftedError
from ai_usage_tests.directories.test_scim import fetch, listing, refusal, user
from ai_usage_tests.vendors.support import Asked, ScriptedVendor, as_json

Total = Callable[[int, int], int]
"""What a page announces, of the records it has and of those that there are."""


def script(
    count: int, most: int, total: Total, dropped: frozenset[int] = frozenset()
) -> Callable[[Asked], Response]:
    """A server with `count` places, `most` a page; the accounts at `dropped` places stay hidden."""

    def answer(asked: Asked) -> Response:
        start, size = int(asked.first("startIndex") or 1), int(asked.first("count") or 100)
        places = range(start, min(start + min(size, most), count + 1))
        page = [user(place) for place in places if place not in dropped]
        return as_json(listing(*page, total=total(len(page), count)))

    return answer


def own(page: int, count: int) -> int:
    return page


def right(page: int, count: int) -> int:
    return count


def everyone(server: ScriptedVendor) -> list[int]:
    rows = read_listing(fetch(server)).people
    return sorted(int(row["user_id"].removeprefix("u")) for row in rows)


def starts(server: ScriptedVendor) -> list[int]:
    return [int(asked.first("startIndex") or 0) for asked in server.asked]


@pytest.mark.parametrize(
    ("count", "most", "total", "asked"),
    [
        # A total that is the page's own count: the field case, and a server with another limit.
        (150, 100, own, [1, 101, 151]),
        (200, 100, own, [1, 101, 201]),
        (120, 50, own, [1, 51, 101, 121]),
        # A total that stops at the server's limit, the same on every page.
        (150, 100, lambda page, count: 100, [1, 101]),
        (350, 100, lambda page, count: 200, [1, 101, 201, 301]),
        # A right total costs a question more where the last page is full, or is the only one.
        (100, 100, right, [1, 101]),
        (150, 100, right, [1, 101]),
        (3, 100, right, [1, 4]),
        (9, 4, own, [1, 5, 9, 10]),
        (4, 4, own, [1, 5]),
    ],
)
def test_a_full_page_means_that_more_may_follow_whatever_the_total_says(
    server: ScriptedVendor, count: int, most: int, total: Total, asked: list[int]
) -> None:
    server.script = script(count, most, total)
    assert everyone(server) == list(range(1, count + 1))
    assert starts(server) == asked


@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_refuses_a_place_beyond_the_end_has_told_the_end(
    server: ScriptedVendor, status: int
) -> None:
    within = script(100, 100, right)
    server.script = lambda asked: (
        within(asked) if asked.first("startIndex") == "1" else as_json({"detail": "no"}, status)
    )
    assert everyone(server) == list(range(1, 101))


def test_a_server_that_fails_beyond_the_total_has_told_nothing(server: ScriptedVendor) -> None:
    within = script(150, 100, own)
    server.script = lambda asked: (
        within(asked) if asked.first("startIndex") == "1" else as_json({}, 503)
    )
    assert "page 2: answered 503" in refusal(server, attempts=1)


def test_a_server_that_gives_its_last_page_for_what_is_beyond_has_told_the_end(
    server: ScriptedVendor,
) -> None:
    for nameless in ({}, {"id": None}):
        server.answers(listing(*(user(n) for n in range(1, 100)), user(100, **nameless)))
        found = read_listing(fetch(server))
        assert {row["user_email"] for row in found.people} == {f"p{n}@x.io" for n in range(1, 101)}
        assert (len(server.asked), found.left_out) == (2, [])


@pytest.mark.parametrize(
    ("count", "dropped"),
    [
        (4, {1}),
        (4, {2}),
        (4, {4}),
        (150, {1}),
        (150, {100}),
        (150, {7, 60, 100}),
        (150, {101}),
        (150, {130}),
        (150, {150}),
        (250, {5, 205}),
        (100, {100}),
    ],
)
def test_a_page_that_leaves_an_account_out_is_understood_by_place(
    server: ScriptedVendor, count: int, dropped: set[int]
) -> None:
    """All others come once; it was refused for ever, with "Try again later"."""
    server.script = script(count, 100, right, frozenset(dropped))
    pages = fetch(server)
    found = read_listing(pages)
    ids = [row["user_id"] for row in found.people]
    assert sorted(ids) == sorted(f"u{n}" for n in range(1, count + 1) if n not in dropped)
    assert [left.what for left in found.left_out] == [
        f"the directory counts {count} accounts and gives {count - len(dropped)}"
    ] * len(dropped)
    assert not any(left.ids or left.addresses for left in found.left_out)


def test_what_does_not_read_the_same_twice_has_shifted(server: ScriptedVendor) -> None:
    server.answers(
        listing(user(1), user(2), user(4), total=4),
        listing(user(4), total=4),
        listing(user(1), user(3), user(4), total=4),
        listing(user(4), total=4),
    )
    with pytest.raises(PagesShiftedError, match="page 2 repeats a record of an earlier page"):
        fetch(server)


@pytest.mark.parametrize("count", [60, 100, 150])
def test_a_server_that_ignores_the_place_is_refused(server: ScriptedVendor, count: int) -> None:
    page = [user(n) for n in range(1, 51)]
    server.answers(listing(*page, total=count))
    with pytest.raises(VendorError):
        fetch(server)


def test_a_list_that_ends_a_page_early_is_refused(server: ScriptedVendor) -> None:
    within = script(100, 100, lambda page, count: 200)
    server.script = within
    assert "100 records came of 200 announced" in refusal(server)
