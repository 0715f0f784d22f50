"""An answer is complete or a failure: how each vendor's paging is followed, and when not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.kit.promises import PagesShiftedError
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    DAY,
    NOW,
    WINDOW,
    Asked,
    ScriptedVendor,
    as_json,
    fetch,
    fixture,
    read,
)

TODAY = NOW.date()


def bucket(day: date, *results: Any) -> dict[str, Any]:
    return {"starting_at": f"{day}T00:00:00Z", "results": list(results)}


def report(*data: Any, more: bool | None = False, token: str | None = None) -> dict[str, Any]:
    return {"data": list(data), "has_more": more, "next_page": token}


def failing(vendor_server: ScriptedVendor, endpoint: str, *bodies: Any) -> str:
    vendor = CURSOR if endpoint in {e.name for e in CURSOR.endpoints} else ANTHROPIC
    vendor_server.answers(*bodies)
    with pytest.raises(VendorError) as caught:
        fetch(vendor, endpoint, vendor_server.url)
    assert str(caught.value).startswith(f"{vendor.name} {endpoint} 2026-11-03")
    return str(caught.value)


# --- Anthropic -------------------------------------------------------------------------------


def test_a_report_is_asked_in_whole_days_with_bracketed_groups(
    vendor_server: ScriptedVendor,
) -> None:
    window = Window(DAY, DAY + timedelta(days=31))
    vendor_server.answers(report(*map(bucket, window.days())))
    fetch(ANTHROPIC, "usage_report", vendor_server.url, window)
    (asked,) = vendor_server.asked
    assert asked.path == "/v1/organizations/usage_report/messages"
    assert asked.query == [
        ("starting_at", "2026-11-03T00:00:00Z"),
        ("ending_at", "2026-12-04T00:00:00Z"),
        ("bucket_width", "1d"),
        ("limit", "31"),
        ("group_by[]", "api_key_id"),
        ("group_by[]", "workspace_id"),
        ("group_by[]", "model"),
        ("group_by[]", "service_tier"),
        ("group_by[]", "context_window"),
    ]


def test_pages_are_followed_to_the_end(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(
        report(bucket(DAY, 1), more=True, token="b"),
        report(bucket(DAY + timedelta(days=1), 2), token="left over"),
    )
    window = Window(DAY, DAY + timedelta(days=2))
    pages = fetch(ANTHROPIC, "cost_report", vendor_server.url, window)
    assert [asked.first("page") for asked in vendor_server.asked] == [None, "b"]
    assert len(pages) == 2


def test_todays_cost_is_asked_with_a_complete_day_before_it(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(report())
    fetch(ANTHROPIC, "cost_report", vendor_server.url, Window.day(TODAY))
    (asked,) = vendor_server.asked
    assert asked.first("starting_at") == "2026-11-22T00:00:00Z"
    assert asked.first("ending_at") == "2026-11-24T00:00:00Z"


def test_claude_code_is_asked_a_call_a_day(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(report())
    fetch(ANTHROPIC, "claude_code", vendor_server.url, Window(DAY, DAY + timedelta(days=3)))
    assert [asked.first("starting_at") for asked in vendor_server.asked] == [
        "2026-11-03",
        "2026-11-04",
        "2026-11-05",
    ]


def test_lists_are_followed_by_the_last_id(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(
        {"data": [{"id": "a"}], "has_more": True, "last_id": "a"},
        {"data": [{"id": "b"}], "has_more": False, "last_id": "b"},
    )
    fetch(ANTHROPIC, "workspaces", vendor_server.url)
    assert [asked.query for asked in vendor_server.asked] == [
        [("limit", "1000"), ("include_archived", "true")],
        [("limit", "1000"), ("include_archived", "true"), ("after_id", "a")],
    ]


def test_more_without_a_place_is_a_failure(vendor_server: ScriptedVendor) -> None:
    assert "not where" in failing(vendor_server, "usage_report", report(more=True))
    assert "not where" in failing(vendor_server, "users", {"data": [{"id": "a"}], "has_more": True})


@pytest.mark.parametrize(("endpoint", "settled"), [("usage_report", 3), ("cost_report", 2)])
def test_a_day_without_its_bucket_is_a_failure_once_it_has_settled(
    vendor_server: ScriptedVendor, endpoint: str, settled: int
) -> None:
    """A day without usage has an empty bucket.

    At noon, today may have none yet, and of cost, which settles within a day, nor may yesterday.
    """
    last = TODAY - timedelta(days=3)
    window = Window(last, TODAY + timedelta(days=1))
    days = window.days()
    vendor_server.answers(report(*map(bucket, days[:settled])))
    assert len(fetch(ANTHROPIC, endpoint, vendor_server.url, window)) == 1
    vendor_server.answers(report(*map(bucket, days[1:])))
    with pytest.raises(VendorError, match=rf"1 of {settled} days are missing, the first is {last}"):
        fetch(ANTHROPIC, endpoint, vendor_server.url, window)
    vendor_server.answers(report())
    with pytest.raises(VendorError, match=rf"{settled} of {settled} days are missing, the first"):
        fetch(ANTHROPIC, endpoint, vendor_server.url, window)


@pytest.mark.parametrize(
    ("endpoint", "body"), [("users", report()), ("members", {"teamMembers": []})]
)
def test_a_directory_without_anybody_is_a_failure(
    vendor_server: ScriptedVendor, endpoint: str, body: Any
) -> None:
    """Folded, it would say that everybody has left; and the key that asks is somebody's."""
    assert "it lists nobody" in failing(vendor_server, endpoint, body)


def code(n: int, terminal: str = "vscode") -> dict[str, Any]:
    """A record of Claude Code, in which nothing tells two of one person and day apart."""
    actor = {"type": "api_actor", "api_key_name": "ci"}
    return {"date": f"{DAY}", "actor": actor, "terminal_type": terminal, "n": n}


def by_page(vendor_server: ScriptedVendor, *readings: dict[str, Any]) -> None:
    """Script: what each page says (None is the first) whenever the list is read once more."""
    vendor_server.asked.clear()

    def script(asked: Asked) -> Response:
        token = asked.first("page") or "first"
        times = sum((a.first("page") or "first") == token for a in vendor_server.asked)
        return as_json(readings[min(times, len(readings)) - 1][token])

    vendor_server.script = script


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([code(1)], [code(1)]),
        ([code(1), code(2)], [code(2), code(3)]),
        ([code(1), code(1)], [code(1), code(1)]),
        ([code(1), code(2)], [code(1), code(2)]),
    ],
    ids=["a record each", "at the seam", "all alike", "two of one person and day"],
)
def test_records_without_identity_that_read_the_same_twice_all_count(
    vendor_server: ScriptedVendor, first: list[Any], second: list[Any]
) -> None:
    """Two keys of one name with the same small day, on two pages as on one."""
    by_page(vendor_server, {"first": report(*first, more=True, token="b"), "b": report(*second)})
    pages = fetch(ANTHROPIC, "claude_code", vendor_server.url)
    found = [row for page in pages for row in read(ANTHROPIC, "claude_code", page.body)]
    assert len(found) == len(first) + len(second)
    assert len(vendor_server.asked) == 4, "the day is read once more, for proof"


def test_a_record_that_was_pushed_onto_the_next_page_is_a_shift(
    vendor_server: ScriptedVendor,
) -> None:
    """Read again, the record that came in front meanwhile is seen."""
    moving = {
        "first": report(code(1), code(2), more=True, token="b"),
        "b": report(code(2), code(3)),
    }
    settled = {
        "first": report(code(0), code(1), more=True, token="b"),
        "b": report(code(2), code(3)),
    }
    by_page(vendor_server, moving, settled)
    with pytest.raises(PagesShiftedError, match="stands on two pages, and read again they differ"):
        fetch(ANTHROPIC, "claude_code", vendor_server.url)
    by_page(vendor_server, settled)
    assert len(fetch(ANTHROPIC, "claude_code", vendor_server.url)) == 2
    assert len(vendor_server.asked) == 2, "nothing to prove"


def test_a_page_of_different_records_that_comes_again_is_a_failure(
    vendor_server: ScriptedVendor,
) -> None:
    bodies = [report(code(1, "vscode"), code(1, "tmux"), more=True, token=str(n)) for n in range(3)]
    assert "page 2 repeats an earlier page" in failing(vendor_server, "claude_code", *bodies)


def test_a_bucket_that_comes_again_is_a_shift_whatever_it_says(
    vendor_server: ScriptedVendor,
) -> None:
    """A bucket has an identity, its day: restated meanwhile, it is not another one."""
    bodies = report(bucket(DAY, 1), more=True, token="b"), report(bucket(DAY, 2))
    assert "page 2 repeats a record" in failing(vendor_server, "cost_report", *bodies)


def test_a_repeated_token_is_a_failure(vendor_server: ScriptedVendor) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    bodies = [report(bucket(day), more=True, token="same") for day in days]
    assert "same next page" in failing(vendor_server, "usage_report", *bodies)
    assert len(vendor_server.asked) == 2


def test_a_repeated_page_is_a_failure(vendor_server: ScriptedVendor) -> None:
    bodies = [report(bucket(DAY, 1), more=True, token=str(n)) for n in range(3)]
    assert "page 2 repeats" in failing(vendor_server, "usage_report", *bodies)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"results": [], "data": "no"}])
@pytest.mark.parametrize("endpoint", ["cost_report", "claude_code", "api_keys", "daily_usage"])
def test_a_missing_list_is_a_failure_not_an_empty_answer(
    vendor_server: ScriptedVendor, endpoint: str, body: Any
) -> None:
    assert "another shape" in failing(vendor_server, endpoint, body)


def test_a_failing_second_page_fails_the_window(vendor_server: ScriptedVendor) -> None:
    first = report(bucket(DAY, 1), more=True, token="b")
    message = failing(vendor_server, "cost_report", first, as_json({"error": "no"}, 400))
    assert message.startswith("anthropic cost_report 2026-11-03 page 2: answered 400 (no)")


# --- Cursor ----------------------------------------------------------------------------------


def events(vendor_server: ScriptedVendor, total: int, size: int, *, lies: int = 0) -> None:
    """A list of `total` events in pages of `size`, announced as `total + lies`."""
    vendor_server.asked.clear()

    def script(asked: Asked) -> Response:
        at = (asked.body["page"] - 1) * size
        return as_json(
            {
                "totalUsageEventsCount": total + lies,
                "usageEvents": [{"timestamp": str(n)} for n in range(total)][at : at + size],
                "pagination": {"hasNextPage": at + size < total},
            }
        )

    vendor_server.script = script


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(total=st.integers(0, 40), size=st.integers(1, 9))
def test_every_event_comes_once_however_it_is_paged(
    vendor_server: ScriptedVendor, total: int, size: int
) -> None:
    events(vendor_server, total, size)
    pages = fetch(CURSOR, "usage_events", vendor_server.url)
    assert len(pages) == max(1, -(-total // size))


def test_both_ends_are_inclusive_so_the_window_ends_a_millisecond_early(
    vendor_server: ScriptedVendor,
) -> None:
    events(vendor_server, 1, 10)
    fetch(CURSOR, "usage_events", vendor_server.url)
    assert vendor_server.asked[0].body == {
        "startDate": 1793664000000,
        "endDate": 1793750399999,
        "page": 1,
        "pageSize": 1000,
    }


def test_today_is_asked_until_now(vendor_server: ScriptedVendor) -> None:
    events(vendor_server, 1, 10)
    fetch(CURSOR, "usage_events", vendor_server.url, Window.day(TODAY))
    assert datetime.fromtimestamp(vendor_server.asked[0].body["endDate"] / 1000, NOW.tzinfo) == NOW


@pytest.mark.parametrize("lies", [-1, 1, 100])
def test_a_count_that_is_not_kept_is_a_failure(vendor_server: ScriptedVendor, lies: int) -> None:
    events(vendor_server, 5, 2, lies=lies)
    with pytest.raises(PagesShiftedError, match=rf"5 records came of {5 + lies} announced"):
        fetch(CURSOR, "usage_events", vendor_server.url)


def test_a_total_that_moves_while_paging_is_a_shift(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(
        {"totalUsageEventsCount": 2, "usageEvents": [1], "pagination": {"hasNextPage": True}},
        {"totalUsageEventsCount": 3, "usageEvents": [2], "pagination": {"hasNextPage": True}},
    )
    with pytest.raises(PagesShiftedError, match="went from 2 to 3"):
        fetch(CURSOR, "usage_events", vendor_server.url)


def test_a_server_that_ignores_the_page_is_a_failure(vendor_server: ScriptedVendor) -> None:
    page = {"totalUsageEventsCount": 2, "usageEvents": [1], "pagination": {"hasNextPage": True}}
    assert "page 2 repeats" in failing(vendor_server, "usage_events", page)


def two_pages(*pages: list[Any], number: str = "currentPage") -> list[dict[str, Any]]:
    """Pages of Cursor's events that say which they are."""
    return [
        {
            "totalUsageEventsCount": sum(map(len, pages)),
            "usageEvents": page,
            "pagination": {number: at, "hasNextPage": at < len(pages)},
        }
        for at, page in enumerate(pages, 1)
    ]


@pytest.mark.parametrize("size", [1, 2])
def test_events_alike_in_all_values_count_on_two_pages_as_on_one(
    vendor_server: ScriptedVendor, size: int
) -> None:
    alike = [{"timestamp": "1793700645123", "kind": "Usage-based", "chargedCents": 8}] * size
    vendor_server.answers(*two_pages(alike, alike))
    assert len(fetch(CURSOR, "usage_events", vendor_server.url)) == 2


def test_a_page_of_several_moments_that_comes_again_is_a_failure(
    vendor_server: ScriptedVendor,
) -> None:
    page = [{"timestamp": "1793700645123"}, {"timestamp": "1793700645124"}]
    message = failing(vendor_server, "usage_events", *two_pages(page, page))
    assert "page 2 repeats an earlier page" in message


def test_a_page_that_says_that_it_is_another_one_is_a_failure(
    vendor_server: ScriptedVendor,
) -> None:
    first, second = two_pages([{"timestamp": "1"}], [{"timestamp": "2"}])
    second["pagination"]["currentPage"] = 3
    assert "page 2 says that it is page 3" in failing(vendor_server, "usage_events", first, second)


def idle(**who: Any) -> dict[str, Any]:
    return {"date": 1793664000000, "isActive": False, **who}


def test_idle_members_whom_nothing_names_may_be_alike(vendor_server: ScriptedVendor) -> None:
    pages = [
        {"data": [idle(), idle()], "pagination": {"page": 1, "hasNextPage": True}},
        {"data": [idle(), idle()], "pagination": {"page": 2, "hasNextPage": False}},
    ]
    vendor_server.answers(*pages)
    assert len(fetch(CURSOR, "daily_usage", vendor_server.url)) == 2


@pytest.mark.parametrize("who", [{"userId": 7}, {"userId": "user_7"}, {"email": "a@acme.test"}])
def test_a_member_on_two_pages_is_a_shift_whatever_the_rows_say(
    vendor_server: ScriptedVendor, who: dict[str, Any]
) -> None:
    pages = [
        {"data": [idle(**who)], "pagination": {"hasNextPage": True}},
        {"data": [idle(**who, totalAccepts=1)], "pagination": {"hasNextPage": False}},
    ]
    assert "page 2 repeats a record" in failing(vendor_server, "daily_usage", *pages)


def test_daily_usage_asks_for_all_members_page_by_page(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(
        {"data": [1], "pagination": {"hasNextPage": True, "totalUsers": 2}},
        {"data": [2], "pagination": {"hasNextPage": False, "totalUsers": 2}},
    )
    fetch(CURSOR, "daily_usage", vendor_server.url)
    assert [(a.body["page"], a.body["pageSize"]) for a in vendor_server.asked] == [
        (1, 100),
        (2, 100),
    ]


def test_daily_usage_that_ends_before_all_users_came_is_a_failure(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers({"data": [1], "pagination": {"hasNextPage": False, "totalUsers": 101}})
    with pytest.raises(PagesShiftedError, match="ends with page 1, and 101 users are announced"):
        fetch(CURSOR, "daily_usage", vendor_server.url)


def test_members_come_in_one_page_and_spend_in_as_many_as_it_says(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(Response(fixture("cursor/members.json")))
    assert len(fetch(CURSOR, "members", vendor_server.url)) == 1
    vendor_server.answers(
        {"teamMemberSpend": [1], "totalMembers": 2, "totalPages": 2},
        {"teamMemberSpend": [2], "totalMembers": 2, "totalPages": 2},
    )
    assert len(fetch(CURSOR, "spend", vendor_server.url)) == 2
    assert all(asked.body["sortBy"] == "user" for asked in vendor_server.asked)


def test_no_vendor_is_asked_for_more_than_it_allows() -> None:
    assert {e.name: e.max_days for e in (*CURSOR.endpoints, *ANTHROPIC.endpoints)} == {
        "daily_usage": 30,
        "usage_events": 30,
        "members": 1,
        "spend": 1,
        "groups": 1,
        "usage_report": 31,
        "cost_report": 31,
        "claude_code": 31,
        "api_keys": 1,
        "users": 1,
        "workspaces": 1,
    }
    assert WINDOW.days() == [DAY]
