"""The company: the same in every process, seen from any day, with everybody of the cast."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date, timedelta
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.simulator import Company, Truth
from ai_usage.simulator.company import DayCache
from ai_usage.simulator.roster import (
    ALIAS,
    CODE_KEY_PATTERN_ONLY,
    CONTRACTOR,
    EARLIER_JOINER,
    EARLIER_LEAVER,
    KEY_MADE_BY_ADMIN,
    MOVER,
    NEVER_ACTIVE,
    RECENT_JOINER,
    RECENT_LEAVER,
    SAME_KEY_NAME,
)
from ai_usage_tests.simulator.conftest import TODAY

STREAMS = (
    "cursor_events",
    "cursor_activity",
    "claude_code",
    "api_usage",
    "code_execution",
    "cost_lines",
)

_PRINT_DIGEST = """
import hashlib
from datetime import date
import httpx
from ai_usage.simulator import ANTHROPIC_KEY, CURSOR_KEY, Company, serve

digest = hashlib.sha256()
company = Company("promise", today=date(2026, 3, 18))
with serve(company) as url, httpx.Client(base_url=url) as client:
    window = {"startDate": 1773100800000, "endDate": 1773878399999, "page": 1, "pageSize": 1000}
    for path in ("daily-usage-data", "filtered-usage-events", "spend"):
        answer = client.post(f"/cursor/teams/{path}", json=window, auth=(CURSOR_KEY, ""))
        digest.update(answer.raise_for_status().content)
    headers = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"}
    for path in (
        "usage_report/messages?starting_at=2026-03-01T00:00:00Z&group_by[]=api_key_id&limit=31",
        "cost_report?starting_at=2026-03-01T00:00:00Z&group_by[]=description",
        "usage_report/claude_code?starting_at=2026-03-18",
        "api_keys",
        "users",
        "workspaces",
    ):
        answer = client.get(f"/anthropic/v1/organizations/{path}", headers=headers)
        digest.update(answer.raise_for_status().content)
print(digest.hexdigest())
"""


def records(company: Company, day: date) -> bytes:
    return msgspec.json.encode([getattr(company, stream)(day) for stream in STREAMS])


def test_same_seed_and_date_serve_the_same_bytes_in_every_process() -> None:
    digests = {
        subprocess.run(  # noqa: S603 (our own interpreter and text)
            [sys.executable, "-c", _PRINT_DIGEST],
            env={**os.environ, "PYTHONHASHSEED": salt, "TZ": zone},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for salt, zone in (("1", "UTC"), ("4242", "America/Los_Angeles"))
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 2 * hashlib.sha256().digest_size


def test_another_seed_is_another_company() -> None:
    one, other = Company("one", today=TODAY), Company("other", today=TODAY)
    assert {p.email for p in one.people} != {p.email for p in other.people}
    assert records(one, date(2026, 3, 10)) != records(other, date(2026, 3, 10))


def test_a_day_is_the_same_whichever_days_were_asked_before(company: Company) -> None:
    fresh = Company(today=TODAY)
    for day in (date(2026, 3, 12), date(2025, 7, 1), date(2026, 3, 11)):
        assert records(fresh, day) == records(company, day)


def test_a_past_day_is_the_same_seen_from_a_later_today(company: Company) -> None:
    later = company.on(TODAY + timedelta(days=30))
    assert later.anchor == company.anchor
    for day in (TODAY - timedelta(days=1), date(2025, 12, 1)):
        assert records(later, day) == records(company, day)


def test_today_reaches_to_noon_and_is_part_of_the_whole_day(company: Company) -> None:
    whole = company.on(TODAY + timedelta(days=1))
    noon = 1_773_835_200_000  # 2026-03-18T12:00:00Z
    partial = company.cursor_events(TODAY)
    assert partial
    assert max(event.timestamp_ms for event in partial) < noon
    assert partial == [e for e in whole.cursor_events(TODAY) if e.timestamp_ms < noon]
    for stream in ("claude_code", "api_usage"):
        assert 0 < len(getattr(company, stream)(TODAY)) <= len(getattr(whole, stream)(TODAY))
    spent = [sum(line.cents for line in c.cost_lines(TODAY)) for c in (company, whole)]
    assert 0 < spent[0] < spent[1]


@pytest.mark.parametrize("stream", STREAMS)
def test_nothing_happens_after_today_or_before_the_history(company: Company, stream: str) -> None:
    make = getattr(company, stream)
    assert make(TODAY + timedelta(days=1)) == []
    assert make(TODAY - timedelta(days=501)) == []
    assert make(TODAY - timedelta(days=499))


def test_weekends_are_quiet(company: Company) -> None:
    monday = date(2026, 2, 2)
    week = [len(company.cursor_events(monday + timedelta(days=n))) for n in range(7)]
    assert sum(week[5:]) < 0.1 * sum(week[:5])
    assert sum(week[:5]) > 0


def test_christmas_is_nobodys_working_day(company: Company) -> None:
    assert company.cursor_events(date(2025, 12, 25)) == []
    assert company.cost_lines(date(2025, 12, 25)) == []


def acted(company: Company, number: int) -> list[date]:
    """Days of the last year on which a person did anything."""
    found = []
    for day in company.days(TODAY - timedelta(days=365), TODAY):
        keys = {key.id for key in company.keys if key.person == number}
        if (
            any(event.person == number for event in company.cursor_events(day))
            or any(record.person == number for record in company.claude_code(day))
            or any(usage.key_id in keys for usage in company.api_usage(day) if usage.key_id)
        ):
            found.append(day)
    return found


@pytest.mark.parametrize("number", [RECENT_JOINER, EARLIER_JOINER])
def test_joiners_do_nothing_before_their_first_day(company: Company, number: int) -> None:
    person = company.people[number]
    days = acted(company, number)
    assert TODAY - timedelta(days=365) < person.start_date <= min(days)
    assert len(days) > 10


@pytest.mark.parametrize("number", [RECENT_LEAVER, EARLIER_LEAVER])
def test_leavers_do_nothing_after_their_last_day(company: Company, number: int) -> None:
    person = company.people[number]
    assert person.end_date is not None
    days = acted(company, number)
    assert person.end_date - timedelta(days=14) < max(days) <= person.end_date < TODAY


def test_the_mover_acts_on_both_sides_of_a_change_of_team_and_cost_center(
    company: Company, truth: Truth
) -> None:
    mover = company.people[MOVER]
    moved = mover.teams[1][0]
    before = truth.team_of(mover.email, moved - timedelta(days=1))
    after = truth.team_of(mover.email, moved)
    assert (before.name, after.name) == ("Platform", "Machine Learning")
    assert before.cost_center != after.cost_center
    assert before.department != after.department
    days = acted(company, MOVER)
    assert min(days) < moved < max(days)


def test_the_alias_is_used_in_claude_code_and_only_there(company: Company, truth: Truth) -> None:
    person = company.people[ALIAS]
    names = {
        record.actor_name
        for day in company.days(TODAY - timedelta(days=60), TODAY)
        for record in company.claude_code(day)
        if record.person == ALIAS
    }
    assert names == set(person.aliases)
    assert person.email not in names
    assert truth.canonical_email(person.aliases[0]) == person.email


def test_one_member_is_never_active_and_has_a_seat(company: Company) -> None:
    assert company.people[NEVER_ACTIVE].has_cursor_seat
    assert acted(company, NEVER_ACTIVE) == []


def test_the_cast_of_keys_is_there(company: Company, truth: Truth) -> None:
    keys = {key.api_key_name: key for key in truth.key_owners()}
    assert (
        sum(key.api_key_name == "laptop" for key in truth.key_owners()) == len(SAME_KEY_NAME) == 2
    )
    orphan = keys["legacy-script"]
    assert (orphan.register_says, orphan.directory_says, orphan.name_pattern_says) == (None,) * 3
    assert orphan.knowable_owner.kind == "unknown"
    pattern_only = company.people[CODE_KEY_PATTERN_ONLY]
    speaking = next(k for k in truth.key_owners() if k.owner.name == pattern_only.email)
    assert (speaking.register_says, speaking.directory_says) == (None, None)
    assert speaking.name_pattern_says == pattern_only.handle
    made = next(
        k for k in truth.key_owners() if k.owner.name == company.people[KEY_MADE_BY_ADMIN].email
    )
    assert made.register_says == made.owner.name != made.directory_says
    assert company.people[CONTRACTOR].employment_type == "contractor"
    assert {key.intended_use for key in company.keys} == {
        "personal",
        "team",
        "service",
        "project_specific",
    }


def test_no_two_people_or_keys_share_an_identifier() -> None:
    large = Company(today=TODAY, people=700)
    addresses = [a for p in large.people for a in (p.email, *p.aliases)]
    assert len(set(addresses)) == len(addresses)
    assert len({p.cursor_id for p in large.people}) == len({p.console_id for p in large.people})
    assert len({key.id for key in large.keys}) == len(large.keys)
    managers = {team.manager_email for team in large.roster.teams}
    assert len(managers) == len(large.roster.teams)
    for person in large.people:
        if person.email in managers:
            assert person.team(TODAY).manager_email == person.email


def test_a_company_too_small_for_the_cast_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 30 people"):
        Company(today=TODAY, people=29)


def test_scale_multiplies_the_events_to_ten_thousand_records_a_day() -> None:
    large = Company(today=TODAY, scale=50)
    assert sum(len(getattr(large, stream)(date(2026, 3, 10))) for stream in STREAMS) > 10_000


def test_nothing_unknowable_is_large(truth: Truth) -> None:
    """Finance expects more than 95 % attributed; the company leaves far less than 5 % open."""
    start = TODAY - timedelta(days=90)
    spent = truth.spender_dollars(start, TODAY)
    unknown = sum(dollars for (_, owner), dollars in spent.items() if owner.kind == "unknown")
    assert 0 < unknown < sum(spent.values()) / 50


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=40))
def test_the_cache_answers_right_whatever_it_has_forgotten(asked: list[tuple[int, int]]) -> None:
    cache = DayCache(records=50)
    for name, size in asked:
        day = date(2026, 1, 1) + timedelta(days=size)
        made = [name] * size
        assert cache.get(str(name), day, partial(list, made)) == made
        assert cache.held <= 50 or cache.lists == 1
