"""Cursor's endpoints through real HTTP: shapes, pages, limits and refusals of the contract."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.simulator import Company, Truth
from ai_usage.simulator.roster import NEVER_ACTIVE, RECENT_JOINER, RECENT_LEAVER
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import DAY_MS, all_events, exact, ms, span

DAILY = "/teams/daily-usage-data"
EVENTS = "/teams/filtered-usage-events"
MONDAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    "auth", [None, ("key_wrong", ""), ("key_simulated", "password"), ("", "key_simulated")]
)
def test_a_wrong_key_is_401_in_cursors_shape(base_url: str, auth: tuple[str, str] | None) -> None:
    answer = httpx.get(f"{base_url}/cursor/teams/members", auth=auth)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Unauthorized", "message": "Invalid API key"}


def test_an_unknown_path_is_404_in_json(cursor: httpx.Client) -> None:
    answer = cursor.get("/teams/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"


def test_the_wrong_method_is_405_in_json(cursor: httpx.Client) -> None:
    answer = cursor.get(EVENTS)
    assert answer.status_code == 405
    assert set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize("path", [DAILY, EVENTS])
def test_thirty_days_are_answered_and_a_millisecond_more_is_refused(
    cursor: httpx.Client, path: str
) -> None:
    start = ms(date(2026, 2, 1))
    body = {"startDate": start, "endDate": start + 30 * DAY_MS, "page": 1, "pageSize": 1}
    assert cursor.post(path, json=body).status_code == 200
    refused = cursor.post(path, json={**body, "endDate": start + 30 * DAY_MS + 1})
    assert refused.status_code == 400
    assert refused.json() == {"error": "Bad Request", "message": "Date range cannot exceed 30 days"}


@pytest.mark.parametrize(
    "change",
    [
        {"startDate": None},
        {"endDate": "2026-03-09"},
        {"endDate": 0},
        {"startDate": -1},
        {"page": 0},
        {"pageSize": 0},
        {"pageSize": 1001},
        {"page": True},
    ],
)
@pytest.mark.parametrize("path", [DAILY, EVENTS])
def test_an_unreadable_request_is_400(
    cursor: httpx.Client, path: str, change: dict[str, object]
) -> None:
    body = {"startDate": ms(MONDAY), "endDate": ms(MONDAY), "page": 1, "pageSize": 10} | change
    answer = cursor.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"


def test_a_body_that_is_no_json_is_400(cursor: httpx.Client) -> None:
    assert cursor.post(EVENTS, content=b"{").status_code == 400
    assert cursor.post(EVENTS, content=b"[]").status_code == 400


def test_without_paging_only_active_users_and_with_paging_all_members(
    cursor: httpx.Client, company: Company
) -> None:
    body = {"startDate": ms(MONDAY), "endDate": ms(MONDAY)}
    active = exact(cursor.post(DAILY, json=body))
    assert "pagination" not in active
    assert all(row["isActive"] for row in active["data"])
    everybody = exact(cursor.post(DAILY, json={**body, "page": 1, "pageSize": 1000}))
    members = [p for p in company.people if p.has_cursor_seat and p.employed(MONDAY)]
    assert {row["email"] for row in everybody["data"]} == {person.email for person in members}
    assert [row for row in everybody["data"] if row["isActive"]] == active["data"]
    assert len(active["data"]) < len(members)
    idle = next(r for r in everybody["data"] if r["email"] == company.people[NEVER_ACTIVE].email)
    assert idle["isActive"] is False
    assert idle["mostUsedModel"] is None
    assert idle["clientVersion"] is None
    assert {v for k, v in idle.items() if isinstance(v, int) and k not in ("userId", "date")} == {0}
    assert idle["day"] == "2026-03-09"
    assert idle["date"] == ms(MONDAY)


def test_history_keeps_the_rows_of_who_has_left(cursor: httpx.Client, company: Company) -> None:
    leaver = company.people[RECENT_LEAVER]
    assert leaver.end_date is not None
    first = leaver.end_date - timedelta(days=3)
    body = {"startDate": ms(first), "endDate": ms(first + timedelta(days=9)), "pageSize": 1000}
    rows = exact(cursor.post(DAILY, json=body))["data"]
    days = [row["day"] for row in rows if row["email"] == leaver.email]
    assert days == [str(day) for day in span(first, 4)]


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 60))
def test_pages_of_members_add_up_to_the_whole(cursor: httpx.Client, size: int) -> None:
    body = {"startDate": ms(MONDAY), "endDate": ms(MONDAY + timedelta(days=2))}
    whole = exact(cursor.post(DAILY, json={**body, "page": 1, "pageSize": 1000}))
    rows: list[object] = []
    page = 1
    while True:
        part = exact(cursor.post(DAILY, json={**body, "page": page, "pageSize": size}))
        shown = part["pagination"]
        assert len({row["userId"] for row in part["data"]}) <= size
        assert shown["totalUsers"] == whole["pagination"]["totalUsers"]
        assert shown["hasPreviousPage"] is (page > 1)
        rows += part["data"]
        if not shown["hasNextPage"]:
            assert shown["totalPages"] == page
            break
        page += 1
    key = lambda row: (row["day"], str(row["userId"]))  # noqa: E731
    assert sorted(rows, key=key) == sorted(whole["data"], key=key)


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(7, 400),
    start=st.integers(0, 2 * DAY_MS),
    length=st.integers(0, 2 * DAY_MS),
)
def test_pages_of_events_add_up_to_every_event_of_the_window(
    cursor: httpx.Client, company: Company, size: int, start: int, length: int
) -> None:
    begin = ms(MONDAY) + start
    events = all_events(cursor, begin, begin + length, size)
    stamps = [int(event["timestamp"]) for event in events]
    expected = [
        event.timestamp_ms
        for day in span(MONDAY, 5)
        for event in company.cursor_events(day)
        if begin <= event.timestamp_ms <= begin + length
    ]
    assert stamps == sorted(expected, reverse=True)


def test_ten_events_a_page_unless_asked(cursor: httpx.Client) -> None:
    body = {"startDate": ms(MONDAY), "endDate": ms(MONDAY) + DAY_MS - 1}
    answer = exact(cursor.post(EVENTS, json=body))
    assert len(answer["usageEvents"]) == answer["pagination"]["pageSize"] == 10
    assert answer["pagination"]["numPages"] == -(-answer["totalUsageEventsCount"] // 10)
    assert answer["pagination"]["currentPage"] == 1


def test_both_ends_of_the_window_are_inclusive(cursor: httpx.Client) -> None:
    at_midnight = all_events(cursor, ms(MONDAY), ms(MONDAY))
    assert [event["timestamp"] for event in at_midnight] == [str(ms(MONDAY))]
    assert at_midnight[0]["isHeadless"] is True
    last = ms(MONDAY) + DAY_MS - 1
    assert [event["timestamp"] for event in all_events(cursor, last, last)] == [str(last)]
    # So a day asked for up to the next midnight also brings the next day's first event.
    assert len(all_events(cursor, ms(MONDAY), ms(MONDAY) + DAY_MS)) == 1 + len(
        all_events(cursor, ms(MONDAY), last)
    )


def test_events_can_be_asked_for_one_person(cursor: httpx.Client, company: Company) -> None:
    person = company.people[RECENT_JOINER]
    body = {"startDate": ms(MONDAY), "endDate": ms(MONDAY) + 5 * DAY_MS, "pageSize": 1000}
    by_email = exact(cursor.post(EVENTS, json={**body, "email": person.email}))
    by_id = exact(cursor.post(EVENTS, json={**body, "userId": person.cursor_id}))
    assert by_email == by_id
    assert {e.get("userEmail", person.email) for e in by_email["usageEvents"]} == {person.email}
    nobody = exact(cursor.post(EVENTS, json={**body, "email": "nobody@example.com"}))
    assert nobody["totalUsageEventsCount"] == 0
    assert nobody["usageEvents"] == []


@pytest.fixture(scope="module")
def month(cursor: httpx.Client) -> list[dict[str, object]]:
    return all_events(cursor, ms(date(2026, 2, 1)), ms(date(2026, 3, 1)) - 1)


def test_every_kind_of_event_occurs_with_its_money(month: list[dict[str, object]]) -> None:
    kinds = Counter(str(event["kind"]) for event in month)
    assert set(kinds) == {"Included in Business", "Usage-based", "Errored, Not Charged"}
    for event in month:
        charged = Decimal(str(event["chargedCents"]))
        assert event["isChargeable"] is (event["kind"] == "Usage-based")
        assert (charged == 0) == (event["kind"] == "Errored, Not Charged")
        usage = event.get("tokenUsage")
        assert event["isTokenBasedCall"] is (usage is not None)
        if isinstance(usage, dict):
            discount = Decimal(100 - usage.get("discountPercentOff", 0)) / 100
            model_cost = Decimal(str(usage["totalCents"])) * discount
            fee = Decimal(str(event["cursorTokenFee"]))
            # The fee is inside; the vendor cuts the discounted cost at a millionth of a cent.
            assert 0 <= model_cost + fee - charged < Decimal("0.000001")
    assert any(Decimal(str(event["chargedCents"])) % 1 for event in month)


def test_the_vendors_quirks_occur(month: list[dict[str, object]]) -> None:
    nameless = sum("userEmail" not in event for event in month)
    assert 0 < nameless < len(month) / 100
    assert any("tokenUsage" not in event for event in month)
    same = Counter(str(event) for event in month)
    assert any(count == 2 for count in same.values())
    assert any(event["model"] == "default" for event in month)
    assert all(isinstance(event["timestamp"], str) for event in month)


def test_served_events_add_up_to_the_truth(month: list[dict[str, object]], truth: Truth) -> None:
    billed = sum(Decimal(str(event["chargedCents"])) for event in month if event["isChargeable"])
    direct = truth.direct_dollars(date(2026, 2, 1), date(2026, 2, 28))
    assert sum(direct.values()) == billed / 100
    by_email: Counter[str] = Counter()
    for event in month:
        if event["isChargeable"]:
            by_email[str(event.get("userEmail", ""))] += Decimal(str(event["chargedCents"]))  # type: ignore[assignment]
    expected: Counter[str] = Counter()
    for (_, owner), dollars in direct.items():
        expected[owner.name] += dollars * 100  # type: ignore[assignment]
    assert by_email == expected


def test_served_days_add_up_to_the_truth(cursor: httpx.Client, truth: Truth) -> None:
    first, last = date(2026, 2, 2), date(2026, 2, 15)
    body = {"startDate": ms(first), "endDate": ms(last)}
    served = {
        (row["day"], row["email"]): row for row in exact(cursor.post(DAILY, json=body))["data"]
    }
    known = {
        (str(key.day), key.owner.name): activity
        for key, activity in truth.usage_by_person_day(first, last).items()
        if key.platform_subtype == "cursor" and key.owner.kind == "person"
    }
    assert served.keys() == known.keys()
    for key, row in served.items():
        activity = known[key]
        assert row["totalLinesAdded"] == activity.lines_added >= activity.lines_accepted
        assert row["acceptedLinesAdded"] == activity.lines_accepted
        asked = row["subscriptionIncludedReqs"] + row["usageBasedReqs"] + row["apiKeyReqs"]
        assert asked == activity.requests
        shown = row["totalAccepts"] + row["totalRejects"] + row["totalTabsShown"]
        assert shown == activity.suggestions_shown
        assert row["totalAccepts"] + row["totalTabsAccepted"] == activity.suggestions_accepted


def test_daily_request_counts_are_the_events_own(cursor: httpx.Client) -> None:
    day = date(2026, 2, 10)
    rows = exact(cursor.post(DAILY, json={"startDate": ms(day), "endDate": ms(day)}))["data"]
    kinds = Counter(event["kind"] for event in all_events(cursor, ms(day), ms(day) + DAY_MS - 1))
    assert sum(row["subscriptionIncludedReqs"] for row in rows) == kinds["Included in Business"]
    assert sum(row["usageBasedReqs"] for row in rows) == kinds["Usage-based"]


def test_members_lists_who_left_as_removed(cursor: httpx.Client, company: Company) -> None:
    members = exact(cursor.get("/teams/members"))["teamMembers"]
    removed = {member["email"] for member in members if member["isRemoved"]}
    assert removed == {
        p.email for p in company.people if p.has_cursor_seat and not p.employed(TODAY)
    }
    assert company.people[RECENT_LEAVER].email in removed
    assert {type(member["id"]) for member in members} == {int, str}
    assert {member["role"] for member in members} == {"owner", "member"}


def test_spend_is_the_running_billing_cycles_events_by_member(
    cursor: httpx.Client, company: Company
) -> None:
    """Billed from the 15th, as the invoices are."""
    answer = exact(cursor.post("/teams/spend", json={"pageSize": 1000}))
    begun = TODAY.replace(day=15)
    assert answer["subscriptionCycleStart"] == ms(begun)
    spends = [member["spendCents"] for member in answer["teamMemberSpend"]]
    assert spends == sorted(spends, reverse=True)
    assert len(spends) == answer["totalMembers"]
    billed = sum(
        (
            event.charged_cents
            for day in span(begun, TODAY.day - begun.day + 1)
            for event in company.cursor_events(day)
            if event.is_chargeable
        ),
        Decimal(),
    )
    assert billed > 0
    assert abs(sum(spends) - billed) <= Decimal("0.5") * len(spends)


@pytest.mark.parametrize(("sort_by", "field"), [("user", "name"), ("amount", "spendCents")])
def test_spend_pages_in_the_asked_order(cursor: httpx.Client, sort_by: str, field: str) -> None:
    asked = {"sortBy": sort_by, "sortDirection": "asc", "pageSize": 7}
    first = exact(cursor.post("/teams/spend", json=asked))
    values = [
        member[field]
        for page in range(1, first["totalPages"] + 1)
        for member in exact(cursor.post("/teams/spend", json={**asked, "page": page}))[
            "teamMemberSpend"
        ]
    ]
    assert values == sorted(values)
    assert len(values) == first["totalMembers"] > 7


def test_spend_refuses_an_unknown_order(cursor: httpx.Client) -> None:
    assert cursor.post("/teams/spend", json={"sortBy": "name"}).status_code == 400
