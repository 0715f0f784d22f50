"""The truth says of every day what the served JSON adds up to, told apart by who did it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest

from ai_usage.simulator import UNKNOWN, Company, Owner, Truth
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import (
    all_events,
    buckets,
    code_records,
    listed,
    ms,
    span,
    window,
)

FIRST, LAST = date(2025, 12, 15), date(2026, 1, 18)
AFTER = LAST + timedelta(days=1)
DAYS = span(FIRST, (AFTER - FIRST).days)


def test_served_cost_is_the_truths_cost_line_by_line(anthropic: httpx.Client, truth: Truth) -> None:
    groups = [("group_by[]", "workspace_id"), ("group_by[]", "description")]
    for bucket in buckets(anthropic, "/cost_report", [*window(FIRST, AFTER), *groups]):
        served = {
            (row["workspace_id"], row["description"]): Decimal(row["amount"]) / 100
            for row in bucket["results"]
        }
        lines = truth.cost_lines(date.fromisoformat(bucket["starting_at"][:10]))
        assert served == {(line.workspace_id, line.description): line.dollars for line in lines}


@pytest.mark.parametrize("knowable", [True, False])
def test_what_the_spenders_spent_is_the_cost_report_to_the_last_digit(
    truth: Truth, knowable: bool
) -> None:
    spent = truth.spender_dollars(FIRST, LAST, knowable=knowable)
    for day in DAYS:
        billed = sum((line.dollars for line in truth.cost_lines(day)), Decimal())
        assert sum((d for (on, _), d in spent.items() if on == day), Decimal()) == billed


def test_spenders_are_told_apart_per_workspace_model_and_kind(truth: Truth) -> None:
    day = date(2026, 1, 13)
    by_place: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for line in truth.spender_lines(day):
        by_place[line.workspace_id, line.cost_type, line.model] += line.dollars
    billed: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for cost in truth.cost_lines(day):
        billed[cost.workspace_id, cost.cost_type, cost.model] += cost.dollars
    assert by_place == billed
    assert len(billed) > 8


def test_usage_by_key_in_the_usage_report_is_the_truth_of_the_keys_owner(
    anthropic: httpx.Client, truth: Truth
) -> None:
    """Tokens of API keys, by knowable owner and the key's subtype; Claude Code's come once."""
    owners = {key.api_key_id: key for key in truth.key_owners()}
    served: Counter[tuple[date, Owner, str]] = Counter()
    groups = [("group_by[]", "api_key_id")]
    for bucket in buckets(anthropic, "/usage_report/messages", [*window(FIRST, AFTER), *groups]):
        day = date.fromisoformat(bucket["starting_at"][:10])
        for row in bucket["results"]:
            key = owners.get(row["api_key_id"])
            owner = key.knowable_owner if key else UNKNOWN
            subtype = key.platform_subtype if key else "claude_api"
            served[day, owner, subtype] += (
                row["uncached_input_tokens"]
                + row["output_tokens"]
                + row["cache_read_input_tokens"]
                + sum(row.get("cache_creation", {}).values())
            )
    for day in DAYS:
        for record in code_records(anthropic, day):
            if record["customer_type"] == "subscription":
                email = truth.canonical_email(record["actor"]["email_address"])
                served[day, Owner("person", email), "claude_code"] += sum(
                    sum(entry["tokens"].values()) for entry in record["model_breakdown"]
                )
    known = Counter(
        {
            (key.day, key.owner, key.platform_subtype): activity.total_tokens
            for key, activity in truth.usage_by_person_day(FIRST, LAST).items()
            if key.platform_subtype != "cursor"
        }
    )
    assert +served == +known
    assert {owner.kind for _, owner, _ in +served} == {"person", "team", "unknown"}


def test_claude_codes_lines_sessions_and_acceptances_are_the_truths(
    anthropic: httpx.Client, truth: Truth
) -> None:
    served: Counter[str] = Counter()
    for day in DAYS:
        for record in code_records(anthropic, day):
            core = record["core_metrics"]
            served["sessions"] += core["num_sessions"]
            served["lines_accepted"] += core["lines_of_code"]["added"]
            served["commits"] += core["commits_by_claude_code"]
            served["pull_requests"] += core["pull_requests_by_claude_code"]
            for tool in record["tool_actions"].values():
                served["suggestions_shown"] += tool["accepted"] + tool["rejected"]
                served["suggestions_accepted"] += tool["accepted"]
    known: Counter[str] = Counter()
    for key, activity in truth.usage_by_person_day(FIRST, LAST).items():
        if key.platform_subtype == "claude_code":
            for name in served:
                known[name] += getattr(activity, name)
    assert known == served
    assert min(served.values()) > 0


def test_cursors_tokens_are_the_truths(cursor: httpx.Client, truth: Truth) -> None:
    served: Counter[str] = Counter()
    for first in (FIRST, FIRST + timedelta(days=20)):
        last = min(LAST, first + timedelta(days=19))
        for event in all_events(cursor, ms(first), ms(last + timedelta(days=1)) - 1):
            for name, count in event.get("tokenUsage", {}).items():
                if name.endswith("Tokens"):
                    served[name] += count
    known: Counter[str] = Counter()
    for key, activity in truth.usage_by_person_day(FIRST, LAST).items():
        if key.platform_subtype == "cursor":
            known["inputTokens"] += activity.input_tokens
            known["outputTokens"] += activity.output_tokens
            known["cacheReadTokens"] += activity.cache_read_tokens
            known["cacheWriteTokens"] += activity.cache_write_tokens
    assert known == served


def test_month_totals_are_the_days_dollars(truth: Truth) -> None:
    totals = truth.platform_month_totals(FIRST, LAST)
    assert set(totals) == {
        (date(2025, 12, 1), "cursor"),
        (date(2025, 12, 1), "anthropic"),
        (date(2026, 1, 1), "cursor"),
        (date(2026, 1, 1), "anthropic"),
    }
    direct = truth.direct_dollars(FIRST, LAST)
    covered = truth.included_value(FIRST, LAST)
    for month in (date(2025, 12, 1), date(2026, 1, 1)):
        for dollars, field in ((direct, "dollars"), (covered, "included_value")):
            inside = sum(d for (day, _), d in dollars.items() if day.replace(day=1) == month)
            assert getattr(totals[month, "cursor"], field) == inside > 0
        billed = sum(
            line.dollars
            for day in DAYS
            if day.replace(day=1) == month
            for line in truth.cost_lines(day)
        )
        assert totals[month, "anthropic"].dollars == billed > 0
    activity = truth.usage_by_person_day(FIRST, LAST).values()
    assert sum(t.tokens for t in totals.values()) == sum(a.total_tokens for a in activity)


def test_the_real_view_names_everybody_and_changes_no_total(truth: Truth) -> None:
    known = truth.usage_by_person_day(FIRST, LAST)
    real = truth.usage_by_person_day(FIRST, LAST, knowable=False)
    assert any(key.owner == UNKNOWN for key in known)
    assert not any(key.owner == UNKNOWN for key in real)
    for field in ("total_tokens", "sessions", "requests", "lines_accepted"):
        totals = [sum(getattr(a, field) for a in view.values()) for view in (known, real)]
        assert totals[0] == totals[1] > 0


def test_every_dollar_of_cursor_is_somebodys(truth: Truth) -> None:
    known = truth.direct_dollars(FIRST, LAST)
    real = truth.direct_dollars(FIRST, LAST, knowable=False)
    assert sum(known.values()) == sum(real.values())
    assert any(owner == UNKNOWN for _, owner in known)
    assert {owner.kind for _, owner in real} == {"person"}


def test_what_the_registers_say_follows_from_the_served_directory(
    anthropic: httpx.Client, truth: Truth
) -> None:
    users = {user["id"]: user["email"] for user in listed(anthropic, "/users")}
    served = {
        key["id"]: users.get(key["created_by"]["id"]) for key in listed(anthropic, "/api_keys")
    }
    assert {key.api_key_id: key.directory_says for key in truth.key_owners()} == served


def test_a_knowable_owner_is_what_the_strongest_register_says(
    company: Company, truth: Truth
) -> None:
    """Register, then directory, then the name's pattern: the order that decides who wins."""
    handles = {person.handle: person.email for person in company.people}
    for key in truth.key_owners():
        pattern = handles.get(key.name_pattern_says or "")
        said = key.register_says or key.directory_says or pattern
        if key.shared:
            assert key.knowable_owner.kind == "team"
            assert said == truth.team_of(said or "", TODAY).manager_email
        elif said is None:
            assert key.knowable_owner == UNKNOWN
        else:
            assert key.knowable_owner == key.owner == Owner("person", said)
