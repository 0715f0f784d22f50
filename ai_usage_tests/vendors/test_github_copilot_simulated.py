"""Copilot's endpoints from its simulated API over HTTP, against the company's own books."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.simulator import Company
from ai_usage.simulator import github_copilot_books as books
from ai_usage.simulator.github_copilot_api import ACCOUNT, ORGANISATION_ACCOUNT, TOKEN
from ai_usage.vendors.fetching import fetch_window, read_rows
from ai_usage.vendors.github_copilot import VENDOR
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import Person, RawEvent

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTLED = Window(date(2026, 11, 2), date(2026, 11, 20))
"""The 19th is the last day after which three full days have passed."""


def rows(
    folder: Path, url: str, endpoint: str, window: Window, account: str = ACCOUNT
) -> list[RawEvent | Person]:
    archive = Archive(str(folder))
    declared = VENDOR.endpoint(endpoint)
    base = f"{url}/github_copilot"
    options = {"COPILOT_ACCOUNT": account}
    with VendorClient(VENDOR, SecretStr(TOKEN), base_url=base, options=options) as client:
        fetch_window(VENDOR, declared, window, client=client, archive=archive, now=NOW)
    return [
        row  # type: ignore[misc]
        for reading in read_rows(VENDOR, declared, window, archive)
        for row in reading.rows
    ]


def booked(company: Company, window: Window) -> dict[tuple[date, str], Decimal]:
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for day in window.days():
        for spend in books.spending(company, day):
            found[day, spend.login.lower()] += spend.net
    return dict(found)


@pytest.mark.parametrize("account", [ACCOUNT, ORGANISATION_ACCOUNT])
def test_reports_of_settled_days_have_everyone(
    company: Company, simulator: str, tmp_path: Path, account: str
) -> None:
    found = rows(tmp_path, simulator, "user_reports", SETTLED, account)
    expected = {
        (row.day, row.login.lower(), row.interactions, row.lines)
        for day in SETTLED.days()
        for row in books.days_of(company, day)
    }
    assert len(expected) > 100
    assert {
        (row.event_date, row.vendor_user_id, row.request_count, row.lines_accepted)
        for row in found
        if isinstance(row, RawEvent)
    } == expected


def test_a_report_before_it_is_final_has_fewer_and_one_of_today_none(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    friday = Window.day(date(2026, 11, 20))
    found = rows(tmp_path, simulator, "user_reports", friday)
    assert 0 < len(found) < len(books.days_of(company, friday.start))
    assert rows(tmp_path, simulator, "user_reports", Window.day(NOW.date())) == []


def test_the_export_bills_each_person_what_the_books_have(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for row in rows(tmp_path, simulator, "billing", SETTLED):
        assert isinstance(row, RawEvent)
        assert row.cost_usd is not None
        assert row.vendor_user_id is not None
        found[row.event_date, row.vendor_user_id] += row.cost_usd
    expected = booked(company, SETTLED)
    assert found == expected
    # The pool covers the month's beginning, and ends within it.
    assert min(expected.values()) == 0 < max(expected.values())


def test_an_organisation_has_the_same_dollars_without_people(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    found = rows(tmp_path, simulator, "billing", SETTLED, ORGANISATION_ACCOUNT)
    total = sum(row.cost_usd or Decimal(0) for row in found if isinstance(row, RawEvent))
    assert total == sum(booked(company, SETTLED).values())
    assert {row.vendor_user_id for row in found} == {None}


def test_seats_are_those_of_the_books_each_person_once(
    company: Company, simulator: str, tmp_path: Path
) -> None:
    today = Window.day(NOW.date())
    found = rows(tmp_path, simulator, "seats", today)
    logins = sorted(row.vendor_user_id or "" for row in found)
    expected = [books.login(person).lower() for person in books.holders(company, today.start)]
    assert logins == sorted(expected)


def test_a_link_is_refused_with_a_credential_beside_its_own(simulator: str) -> None:
    base = f"{simulator}/github_copilot"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = f"{base}/{ACCOUNT}/copilot/metrics/reports/users-1-day?day=2026-11-03"
    (link, _) = httpx.get(path, headers=headers).json()["download_links"]
    assert httpx.get(link).status_code == 200
    assert httpx.get(link, headers=headers).status_code == 400
    assert httpx.get(link.replace("sig=", "sig=x")).status_code == 403


def test_another_account_and_a_wrong_token_are_told(simulator: str, tmp_path: Path) -> None:
    with pytest.raises(VendorError, match="Check COPILOT_ACCOUNT"):
        rows(tmp_path, simulator, "seats", Window.day(NOW.date()), "orgs/other")
    assert httpx.get(f"{simulator}/github_copilot/{ACCOUNT}/copilot/billing/seats").json() == {
        "message": "Bad credentials",
        "documentation_url": "https://docs.github.com/rest",
        "status": "401",
    }


def test_the_simulated_export_refuses_more_than_31_days(simulator: str) -> None:
    path = f"{simulator}/github_copilot/{ACCOUNT}/settings/billing/reports"
    start = date(2026, 10, 1)
    body = {"report_type": "ai_credit", "start_date": f"{start}"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for days, status in ((30, 202), (31, 422)):
        last = start + timedelta(days=days)
        answer = httpx.post(path, json={**body, "end_date": f"{last}"}, headers=headers)
        assert answer.status_code == status
