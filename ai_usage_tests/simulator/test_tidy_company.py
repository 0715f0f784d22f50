"""A tidy company's registers name whom it uses anything as, but for one old key."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest

from ai_usage.simulator import Company, write_reference_files
from ai_usage.simulator import github_copilot_books as copilot
from ai_usage.simulator.enterprise_books import own_facts
from ai_usage.simulator.roster import CONTRACTOR

TODAY = date(2026, 3, 18)
DAYS = [TODAY - timedelta(days=n) for n in range(60)]

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=TODAY, tidy=True)


@pytest.fixture(scope="module")
def files(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("tidy")
    write_reference_files(company, folder, invoiced_periods=0)
    found = {}
    for name in ("users.csv", "api_keys.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            found[name] = list(csv.DictReader(file))
    return found


def test_every_login_is_in_the_register_or_the_directory(
    company: Company, files: dict[str, Rows]
) -> None:
    listed = {login for row in files["users.csv"] for login in row["vendor_logins"].split(";")}
    for day in DAYS:
        for spend in copilot.spending(company, day):
            by_directory = copilot.is_in_directory(company.people[spend.person])
            assert (f"github_copilot:{spend.login}" in listed) != by_directory


def test_every_account_of_a_service_is_in_the_register(
    company: Company, files: dict[str, Rows]
) -> None:
    registered = {(row["platform"], row["api_key_id"]) for row in files["api_keys.csv"]}
    people = {person.number for person in company.people if person.employed(TODAY)}
    for day in DAYS:
        for used in company.openai_usage(day):
            assert used.key_id or used.user_id, "no usage names nobody"
        for event in company.cursor_events(day):
            account = event.service_account
            assert account is None or ("cursor", account[0]) in registered
    unlisted = [key for key in company.openai.keys if key.person not in people]
    assert {key.person is None for key in unlisted} == {True, False}, "services' and a leaver's"
    assert {("openai", key.id) for key in unlisted} <= registered


def test_one_key_alone_is_nobodys_and_no_two_have_one_name(company: Company) -> None:
    nobodys = [key.name for key in company.keys if key.knowable_owner.kind == "unknown"]
    assert nobodys == ["legacy-script"]
    names = [key.name for key in company.keys]
    assert len(set(names)) == len(names)


def test_the_contractor_tries_what_nobody_approved_on_two_days_of_a_month(
    company: Company, files: dict[str, Rows]
) -> None:
    contractor = company.people[CONTRACTOR].email
    approved = {
        row["user_email"]: set(row["approved_platforms"].split(";")) for row in files["users.csv"]
    }
    everything = {"anthropic", "claude_enterprise", "cursor", "github_copilot", "openai"}
    assert approved.pop(contractor) == {"anthropic", "cursor", "github_copilot"}
    assert set(map(frozenset, approved.values())) == {frozenset(everything)}
    (key,) = [key.id for key in company.openai.keys if key.person == CONTRACTOR]
    tried = [d for d in DAYS if any(used.key_id == key for used in company.openai_usage(d))]
    assert tried
    assert {day.day for day in tried} <= {5, 6}


def test_reports_name_somebody_for_what_is_billed_beyond_seats(
    company: Company, files: dict[str, Rows]
) -> None:
    """By an address, or a member who is gone by the id that users.csv lists."""
    listed = {login for row in files["users.csv"] for login in row["vendor_logins"].split(";")}
    while_all_were_there = TODAY - timedelta(days=110)
    facts = [fact for day in (*DAYS, while_all_were_there) for fact in own_facts(company, day)]
    assert any(fact.lines for fact in facts)
    actors = [fact.groups["actor"] for fact in facts]
    gone = {f"claude_enterprise:{one['user_id']}" for one in actors if not one["email_address"]}
    assert gone
    assert gone <= listed


def test_any_other_company_keeps_its_oddities() -> None:
    company = Company(today=TODAY)
    assert [key.name for key in company.keys].count("laptop") == 2
    assert any(used.key_id is used.user_id is None for used in company.openai_usage(TODAY))
    assert any(not (fact.groups["actor"] or {}) for fact in own_facts(company, TODAY))
