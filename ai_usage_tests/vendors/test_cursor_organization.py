"""Cursor's groups, and its Organization API: the same dollars as its teams', once.

Against the simulated API over HTTP, and the company's own books.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.simulator import CURSOR_KEY, Company
from ai_usage.simulator.cursor_organization_api import (
    KEY,
    ORGANIZATION,
    TEAMS,
    contract,
    teams_of,
)
from ai_usage.vendors.configured import options_of
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.values import UnreadableAmount
from ai_usage_tests.vendors.support import CURSOR, ScriptedVendor, as_json, client, read

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = Window.day(NOW.date())
DAYS = Window(date(2026, 11, 16), date(2026, 11, 19))
OPTIONS = {"CURSOR_ORGANIZATION_ID": ORGANIZATION}


def asked(folder: Path, url: str, endpoint: str, window: Window, *, organization: bool) -> Any:
    """What the endpoint has of the window, asked with a team's key or the organisation's."""
    declared = CURSOR.endpoint(endpoint)
    archive = Archive(str(folder / f"{organization}"))
    key = SecretStr(KEY if organization else CURSOR_KEY)
    options = OPTIONS if organization else {}
    with VendorClient(CURSOR, key, base_url=f"{url}/cursor", options=options) as asking:
        fetch_window(CURSOR, declared, window, client=asking, archive=archive, now=NOW)
    return [
        row
        for reading in read_rows(CURSOR, declared, window, archive)
        for row in reading.rows
        if not hasattr(row, "event_date") or row.event_date in window.days()
    ]


def cents(dollars: Decimal | None) -> int:
    assert dollars is not None
    return int((dollars * 100).quantize(Decimal(1), ROUND_HALF_UP))


# --- One source ------------------------------------------------------------------------------


def test_the_organisations_events_are_the_teams_own_by_id_and_dollar(
    simulator: str, tmp_path: Path
) -> None:
    """Whoever changes from one key to the other has each dollar once, under the id that it had."""
    of_team = asked(tmp_path, simulator, "usage_events", DAYS, organization=False)
    of_all = asked(tmp_path, simulator, "usage_events", DAYS, organization=True)
    dollars = {row.event_id: (row.cost_usd, row.included_value_usd) for row in of_team}
    assert {row.event_id: (row.cost_usd, row.included_value_usd) for row in of_all} == dollars
    assert len(of_all) == len(of_team) == len(dollars) > 100
    assert sum(cost or 0 for cost, _ in dollars.values()) > 0


def test_one_key_asks_one_of_the_two_and_never_the_other(vendor_server: ScriptedVendor) -> None:
    page = {"totalUsageEventsCount": 0, "usageEvents": [], "pagination": {}}
    for options, root in (({}, "/teams"), (OPTIONS, "/organizations")):
        vendor_server.answers(page)
        with client(CURSOR, vendor_server.url, options=options) as asking:
            list(CURSOR.endpoint("usage_events").fetch(asking, DAYS, NOW))
        (request,) = vendor_server.asked
        assert request.path == f"{root}/filtered-usage-events"
        assert request.body.get("organizationId") == options.get("CURSOR_ORGANIZATION_ID")
        # Inclusive on both sides, in both.
        assert request.body["endDate"] - request.body["startDate"] == 3 * 86_400_000 - 1


def test_a_members_day_in_two_teams_is_two_rows_that_come_to_the_day(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    of_team = asked(tmp_path, simulator, "daily_usage", DAYS, organization=False)
    of_all = asked(tmp_path, simulator, "daily_usage", DAYS, organization=True)
    counted = [
        Counter(
            {(row.event_date, row.user_email): row.request_count + row.lines_added for row in rows}
        )
        for rows in (of_team, of_all)
    ]
    assert counted[0] == counted[1]
    assert len(teams_of(company.people[0])) == 2


def test_a_member_of_two_teams_on_two_pages_is_no_record_that_comes_again(
    vendor_server: ScriptedVendor,
) -> None:
    def page(team: int, more: bool) -> dict[str, Any]:
        row = {"userId": "user_1", "teamId": team, "day": "2026-11-16", "agentRequests": team}
        return {"data": [row], "pagination": {"hasNextPage": more}}

    vendor_server.answers(page(7, True), page(8, False))
    with client(CURSOR, vendor_server.url, options=OPTIONS) as asking:
        pages = list(CURSOR.endpoint("daily_usage").fetch(asking, DAYS, NOW))
    rows = [row for one in pages for row in read(CURSOR, "daily_usage", one.body, DAYS)]
    assert len(rows) == 2


# --- Members, spend, groups ------------------------------------------------------------------


def test_an_organisation_lists_each_member_once_page_by_page(
    company: Company, simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.vendors.cursor.members.MEMBERS_PER_PAGE", 7)
    listed = asked(tmp_path, simulator, "members", TODAY, organization=True)
    there = {
        person.email
        for person in company.people
        if person.has_cursor_seat and person.employed(company.today)
    }
    assert Counter(row.user_email for row in listed) == Counter(there)
    # By the ids of the team's list, which has who left too.
    of_team = asked(tmp_path, simulator, "members", TODAY, organization=False)
    assert {row.vendor_user_id for row in listed} < {row.vendor_user_id for row in of_team}
    assert {row.role for row in listed} == {"admin", "member"}


@pytest.mark.parametrize("body", [{}, {"teamMembers": None}, {"pagination": {"page": 1}}])
def test_an_answer_without_a_list_of_members_is_a_failure(
    vendor_server: ScriptedVendor, body: dict[str, Any]
) -> None:
    vendor_server.answers(body)
    with (
        client(CURSOR, vendor_server.url, options=OPTIONS) as asking,
        pytest.raises(VendorError, match="another shape than documented: no list of members"),
    ):
        list(CURSOR.endpoint("members").fetch(asking, TODAY, NOW))


def test_an_organisations_spend_is_what_its_pool_covered_and_never_what_is_billed(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    """`spendCents` of a team is on demand, of an organisation included in the contract."""
    found = asked(tmp_path, simulator, "spend", TODAY, organization=True)
    start, _ = contract(company)
    assert {row.cycle_start.date() for row in found} == {start}
    assert {row.spend_usd for row in found} == {None}
    covered: dict[str, Decimal] = defaultdict(Decimal)
    for day in company.days(start, company.today):
        for event in company.cursor_events(day):
            if event.service_account is None and not event.is_chargeable:
                covered[company.people[event.person].email] += event.charged_cents
    said: Counter[str] = Counter()
    for row in found:
        said[row.user_email] += cents(row.included_spend_usd)
    assert {who: n for who, n in said.items() if n} == {
        who: cents(total / 100) for who, total in covered.items() if cents(total / 100)
    }
    assert max(Counter(row.user_email for row in found).values()) == 2, "a row for each team"


def test_billing_groups_come_to_what_is_billed_in_the_cycle_those_in_none_included(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    groups = asked(tmp_path, simulator, "groups", TODAY, organization=False)
    billed = Decimal()
    for day in company.days(date(2026, 11, 15), company.today):
        billed += sum(e.charged_cents for e in company.cursor_events(day) if e.is_chargeable)
    assert abs(sum(cents(group.spend_usd) for group in groups) - billed) <= len(groups)
    assert [group.group_name for group in groups if group.is_unassigned] == ["Unassigned"]
    (cycle,) = {(group.cycle_start, group.cycle_end) for group in groups}
    assert cycle == (datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC))
    members = [who for group in groups for who in group.current_members]
    assert len(members) == len(set(members)) > 10, "each in one group"


def test_an_organisations_teams_have_used_of_the_pool_what_their_events_say(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    teams = asked(tmp_path, simulator, "groups", TODAY, organization=True)
    covered: dict[str, Decimal] = defaultdict(Decimal)
    for day in company.days(contract(company)[0], company.today):
        for event in company.cursor_events(day):
            if not event.is_chargeable:
                team = teams_of(company.people[event.person])[0]
                covered[f"{team}"] += event.charged_cents
    assert {team.group_id: team.kind for team in teams} == {f"{team}": "team" for team in TEAMS}
    for team in teams:
        assert team.spend_usd is None
        assert abs(team.included_spend_usd - covered[team.group_id] / 100) < Decimal("0.000001")
    assert [team.budget_usd for team in teams] == [Decimal(25_000), None]


@pytest.mark.parametrize("status", [403, 404])
def test_a_plan_without_billing_groups_has_none_and_fails_nothing(
    vendor_server: ScriptedVendor, status: int
) -> None:
    vendor_server.answers(as_json({"error": "Forbidden", "message": "Enterprise"}, status))
    with client(CURSOR, vendor_server.url) as asking:
        assert list(CURSOR.endpoint("groups").fetch(asking, TODAY, NOW)) == []


def test_a_wrong_key_is_no_plan_without_groups(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(as_json({"error": "Unauthorized", "message": "Invalid"}, 401))
    with (
        client(CURSOR, vendor_server.url) as asking,
        pytest.raises(VendorError, match="Check CURSOR_API_KEY"),
    ):
        list(CURSOR.endpoint("groups").fetch(asking, TODAY, NOW))


def test_who_left_a_group_stays_beside_what_was_spent_there() -> None:
    """Usage belongs to the group at the time of use."""
    body = b"""{"groups": [{"id": "group_1", "name": "Design", "spendCents": 150.5,
      "directoryGroupId": "dir_1", "currentMembers": [{"userId": "user_2"}],
      "formerMembers": [{"userId": "user_1", "email": "Ann@x.io", "spendCents": 100}]}],
      "billingCycle": {"cycleStart": "2026-11-01T00:00:00.000Z"}}"""
    (group,) = read(CURSOR, "groups", body)
    assert (group.spend_usd, group.directory_group_id) == (Decimal("1.505"), "dir_1")
    assert (group.current_members, group.former_members) == (["user_2"], ["ann@x.io"])
    with pytest.raises(UnreadableAmount, match="a group without spendCents"):
        read(CURSOR, "groups", body.replace(b'"spendCents": 150.5', b'"spentCents": 1'))


# --- Keys and limits -------------------------------------------------------------------------


@pytest.mark.parametrize("organization", [True, False])
def test_a_key_of_the_other_kind_is_refused_with_what_to_check(
    simulator: str, organization: bool
) -> None:
    key = SecretStr(CURSOR_KEY if organization else KEY)
    options = OPTIONS if organization else {}
    with (
        VendorClient(CURSOR, key, base_url=f"{simulator}/cursor", options=options) as asking,
        pytest.raises(VendorError, match="Check CURSOR_API_KEY"),
    ):
        list(CURSOR.endpoint("usage_events").fetch(asking, DAYS, NOW))


def test_the_organisations_setting_is_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def options(text: str) -> dict[str, str]:
        monkeypatch.setenv("CURSOR_ORGANIZATION_ID", text)
        return options_of(CURSOR, Settings.load())

    assert options(" org_abc1 ") == {"CURSOR_ORGANIZATION_ID": "org_abc1"}
    with pytest.raises(SettingsError, match="write the organisation's id org_…"):
        options("Acme Inc")


@pytest.mark.parametrize(
    ("route", "change", "status", "says"),
    [
        ("daily-usage-data", {"organizationId": None}, 400, "organizationId is required"),
        ("daily-usage-data", {"organizationId": "org_other"}, 403, "Not authorized"),
        ("daily-usage-data", {"teamIds": [7] * 101}, 400, "teamIds must name at most 100 teams"),
        ("daily-usage-data", {"teamIds": [9]}, 403, "Not authorized"),
        ("daily-usage-data", {"pageSize": 1001}, 400, "pageSize must be between 1 and 1000"),
        ("filtered-usage-events", {"endDate": 31 * 86_400_000}, 400, "cannot exceed 30 days"),
        ("spend", {"sortBy": "user"}, 400, "Invalid sortBy or sortDirection"),
    ],
)
def test_the_simulated_organisation_keeps_its_limits_in_its_own_words(
    simulator: str, route: str, change: dict[str, Any], status: int, says: str
) -> None:
    body = {"organizationId": ORGANIZATION, "startDate": 0, "endDate": 86_400_000} | change
    answer = httpx.post(f"{simulator}/cursor/organizations/{route}", json=body, auth=(KEY, ""))
    assert answer.status_code == status
    assert answer.json()["code"] == "error"
    assert says in answer.json()["message"]


def test_events_can_be_asked_of_one_team(company: Company, simulator: str) -> None:
    day = DAYS.start
    body = {
        "organizationId": ORGANIZATION,
        "startDate": int(Window.day(day).start_at.timestamp()) * 1000,
        "endDate": int((Window.day(day).start_at + timedelta(days=1)).timestamp()) * 1000 - 1,
        "pageSize": 1000,
    }
    url = f"{simulator}/cursor/organizations/filtered-usage-events"
    counts = [
        httpx.post(url, json=body | {"teamIds": [team]}, auth=(KEY, "")).json() for team in TEAMS
    ]
    assert [{e["teamId"] for e in one["usageEvents"]} for one in counts] == [{7}, {8}]
    total = sum(one["totalUsageEventsCount"] for one in counts)
    assert total == len(company.cursor_events(day))
