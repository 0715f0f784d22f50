"""The maintained files hold what the company knows on `today`, readable by any CSV reader."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from ai_usage.simulator import Company, Truth, write_reference_files
from ai_usage.simulator.reference import API_KEYS_COLUMNS, PLATFORMS_COLUMNS, USERS_COLUMNS
from ai_usage.simulator.roster import (
    ALIAS,
    CONTRACTOR,
    EARLIER_LEAVER,
    MOVER,
    RECENT_JOINER,
)
from ai_usage_tests.simulator.conftest import TODAY


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("files") / "reference"
    write_reference_files(company, target, invoiced_periods=1)
    return target


@pytest.fixture(scope="module")
def users(folder: Path) -> list[dict[str, str]]:
    return read(folder / "users.csv")


@pytest.fixture(scope="module")
def keys(folder: Path) -> list[dict[str, str]]:
    return read(folder / "api_keys.csv")


def test_the_files_have_the_agreed_columns(folder: Path) -> None:
    for name, columns in (
        ("users.csv", USERS_COLUMNS),
        ("api_keys.csv", API_KEYS_COLUMNS),
        ("platforms.csv", PLATFORMS_COLUMNS),
    ):
        assert (folder / name).read_text("utf-8").splitlines()[0] == ",".join(columns)


def test_writing_twice_gives_the_same_bytes(company: Company, folder: Path, tmp_path: Path) -> None:
    for path in write_reference_files(Company(today=TODAY), tmp_path, invoiced_periods=1):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_everybody_has_one_line_and_the_mover_one_for_each_team(
    users: list[dict[str, str]], company: Company
) -> None:
    mover = company.people[MOVER]
    own = [row for row in users if row["user_email"] == mover.email]
    assert [row["effective_date"] for row in own] == [
        str(mover.start_date),
        str(mover.teams[1][0]),
    ]
    assert [row["cost_center"] for row in own] == ["CC-1100", "CC-2200"]
    others = [row["user_email"] for row in users if row["user_email"] != mover.email]
    assert len(set(others)) == len(others) == len(company.people) - 1
    assert {row["effective_date"] for row in users if row not in own} == {""}


def test_leavers_are_inactive_with_their_last_day(
    users: list[dict[str, str]], company: Company
) -> None:
    left = {row["user_email"]: row["end_date"] for row in users if row["is_active"] == "false"}
    assert left == {
        p.email: str(p.end_date) for p in company.people if p.end_date and p.end_date < TODAY
    }
    assert company.people[EARLIER_LEAVER].email in left
    assert {row["end_date"] for row in users if row["is_active"] == "true"} == {""}


def test_every_manager_has_a_line_of_his_own(users: list[dict[str, str]]) -> None:
    people = {row["user_email"] for row in users}
    for row in users:
        for column in ("manager_email", "director_email"):
            assert not row[column] or row[column] in people - {row["user_email"]}


def test_lists_are_separated_by_semicolons(
    users: list[dict[str, str]], keys: list[dict[str, str]], company: Company
) -> None:
    by_email = {row["user_email"]: row for row in users}
    assert by_email[company.people[ALIAS].email]["aliases"] == company.people[ALIAS].aliases[0]
    assert by_email[company.people[CONTRACTOR].email]["approved_platforms"] == "cursor"
    approved = "anthropic;claude_enterprise;cursor;github_copilot;openai"
    assert by_email[company.people[MOVER].email]["approved_platforms"] == approved
    assert "ATLAS;LEDGER" in {row["project_codes"] for row in keys}


def test_the_register_is_what_the_truth_says_it_says(
    keys: list[dict[str, str]], truth: Truth
) -> None:
    said = {key.api_key_id: key.register_says for key in truth.key_owners()}
    assert {row["api_key_id"]: row["user_email"] for row in keys} == {
        key_id: email for key_id, email in said.items() if email
    }
    assert 3 <= sum(email is None for email in said.values()) <= 6


def test_a_registered_key_was_used_only_while_its_line_holds(
    keys: list[dict[str, str]], company: Company
) -> None:
    lines = {row["api_key_id"]: row for row in keys}
    used: dict[str, list[date]] = {}
    for day in company.days(TODAY - timedelta(days=499), TODAY):
        for usage in company.api_usage(day):
            if usage.key_id in lines:
                used.setdefault(usage.key_id, []).append(day)
    assert used.keys() == lines.keys()
    for key_id, days in used.items():
        line = lines[key_id]
        assert date.fromisoformat(line["created_date"]) <= days[0]
        if line["expires_date"]:
            assert days[-1] <= date.fromisoformat(line["expires_date"])
        assert line["created_date"] <= line["last_verified_date"] <= str(TODAY)


def test_the_future_is_not_written(company: Company, tmp_path: Path) -> None:
    joiner = company.people[RECENT_JOINER]
    past = company.on(joiner.start_date - timedelta(days=60))
    write_reference_files(past, tmp_path, invoiced_periods=1)
    users = read(tmp_path / "users.csv")
    assert joiner.email not in {row["user_email"] for row in users}
    mover = [row for row in users if row["user_email"] == company.people[MOVER].email]
    assert [row["effective_date"] for row in mover] == [""]
    assert [row["team"] for row in mover] == ["Platform"]
