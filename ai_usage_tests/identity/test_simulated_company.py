"""The simulated company's keys and teams, from its served directories and its reference files."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from ai_usage.days.windows import Window
from ai_usage.identity import Identity, IdentityInputs, Snapshot
from ai_usage.reference import read_path, reference_file
from ai_usage.simulator import (
    ANTHROPIC_KEY,
    CURSOR_KEY,
    Company,
    serve,
    write_directory_files,
)
from ai_usage.vendors import anthropic, cursor
from ai_usage.vendors.base import ReadContext
from ai_usage_tests.identity.sources import only

TODAY = date(2026, 3, 18)


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=TODAY)


@pytest.fixture(scope="module")
def found(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Identity from one day's snapshots: what a new installation knows on its first day."""
    folder = tmp_path_factory.mktemp("reference")
    write_directory_files(company, folder)
    snapshots = [
        Snapshot(TODAY, name, read_path(reference_file(name), folder).rows)
        for name in ("users.csv", "api_keys.csv")
    ]
    headers = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"}
    with serve(company) as url, httpx.Client(headers=headers) as console:
        lists = f"{url}/anthropic/v1/organizations"
        keys = console.get(f"{lists}/api_keys", params={"limit": 1000}).content
        people = console.get(f"{lists}/users", params={"limit": 1000}).content
        seats = httpx.get(f"{url}/cursor/teams/members", auth=(CURSOR_KEY, "")).content
    context = ReadContext(Window.day(TODAY))
    for source, vendor, endpoint, body in [
        ("anthropic api_keys", anthropic.VENDOR, "api_keys", keys),
        ("anthropic members", anthropic.VENDOR, "users", people),
        ("cursor members", cursor.VENDOR, "members", seats),
    ]:
        rows = list(vendor.endpoint(endpoint).read([body], context))
        snapshots.append(Snapshot(TODAY, source, rows))
    patterns = {"anthropic": anthropic.VENDOR.key_name_patterns}
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    return Identity(IdentityInputs(snapshots, now, key_name_patterns=patterns))


def test_every_key_is_attributed_to_whom_the_registers_allow_to_name(
    company: Company, found: Identity
) -> None:
    bridge = [r for r in found.bridge_user_identity() if r["identity_type"] == "api_key_id"]
    checked = set()
    for key in company.keys:
        if key.created > TODAY:
            continue
        day = min(TODAY, key.last_day or TODAY)
        rows = [
            row
            for row in bridge
            if row["identity_value"] == key.id and row["valid_from"] <= day <= row["valid_to"]
        ]
        checked.add(key.knowable_owner.kind)
        if key.knowable_owner.kind == "unknown":
            assert rows == []
        elif key.knowable_owner.kind == "team":
            assert (only(rows)["user_sk"], only(rows)["cost_center"]) == (-1, key.cost_center)
        else:
            assert only(rows)["user_email"] == key.knowable_owner.name
    assert checked == {"person", "team", "unknown"}


def test_everyone_is_in_the_team_of_the_day_on_every_day(company: Company, found: Identity) -> None:
    movers = 0
    for person in company.people:
        if person.start_date > TODAY:
            continue
        versions = [r for r in found.dim_users() if r["user_email"] == person.email]
        teams = [(since, team.name) for since, team in person.teams if since <= TODAY]
        movers += len(teams) > 1
        for since, _team in teams:
            for day in (max(since, person.start_date) - timedelta(days=1), since, TODAY):
                if day < person.start_date:
                    continue
                row = only(
                    r for r in versions if r["effective_date"] <= day <= r["expiration_date"]
                )
                assert row["team"] == [name for first, name in teams if first <= day][-1]
                assert row["is_active"] == (person.end_date is None or day <= person.end_date)
    assert movers
