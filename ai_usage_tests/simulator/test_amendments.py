"""Restatements reach every endpoint that reports the day, and the truth, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from ai_usage.simulator import Company, Truth, add, change, drop
from ai_usage_tests.simulator.conftest import TODAY

DAY = date(2026, 3, 10)


def cursor_dollars(company: Company) -> Decimal:
    return sum(Truth(company).direct_dollars(DAY, DAY).values(), Decimal())


def api_dollars(company: Company) -> Decimal:
    return sum((line.dollars for line in Truth(company).cost_lines(DAY)), Decimal())


def test_a_dropped_event_is_gone_from_events_daily_counts_and_truth(company: Company) -> None:
    event = next(e for e in company.cursor_events(DAY) if e.is_chargeable)
    restated = company.amended(drop("cursor_events", DAY, lambda e: e == event, limit=1))
    gone = Counter(company.cursor_events(DAY)) - Counter(restated.cursor_events(DAY))
    assert gone == Counter([event])
    requests = [
        sum(a.usage_based_requests for a in c.cursor_activity(DAY)) for c in (company, restated)
    ]
    assert requests[0] - requests[1] == 1
    assert cursor_dollars(company) - cursor_dollars(restated) == event.charged_cents / 100


def test_a_changed_amount_changes_that_days_dollars_only(company: Company) -> None:
    event = next(e for e in company.cursor_events(DAY) if e.is_chargeable)
    price = event.charged_cents + Decimal("12.5")
    restated = company.amended(
        change("cursor_events", DAY, lambda e: e == event, limit=1, charged_cents=price)
    )
    assert cursor_dollars(restated) - cursor_dollars(company) == Decimal("0.125")
    for day in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
        assert restated.cursor_events(day) == company.cursor_events(day)


def test_a_late_event_takes_its_place_in_time(company: Company) -> None:
    first = company.cursor_events(DAY)[0]
    late = msgspec.structs.replace(first, timestamp_ms=first.timestamp_ms + 1)
    restated = company.amended(add("cursor_events", DAY, late))
    assert restated.cursor_events(DAY).count(late) == 1
    stamps = [event.timestamp_ms for event in restated.cursor_events(DAY)]
    assert stamps == sorted(stamps)
    assert len(stamps) == len(company.cursor_events(DAY)) + 1


def test_restated_tokens_restate_the_cost_and_the_spender(company: Company) -> None:
    usage = next(u for u in company.api_usage(DAY) if u.model.startswith("claude-sonnet"))
    restated = company.amended(
        change("api_usage", DAY, lambda u: u == usage, limit=1, uncached=usage.uncached + 1_000_000)
    )
    dearer = Decimal(3 if usage.context_window == "0-200k" else 6)
    assert api_dollars(restated) - api_dollars(company) == dearer
    spent = Truth(restated).spender_dollars(DAY, DAY)
    assert sum(spent.values()) == api_dollars(restated)


def test_a_dropped_claude_code_record_takes_its_api_tokens_along(company: Company) -> None:
    record = next(r for r in company.claude_code(DAY) if r.key_id is not None)
    restated = company.amended(drop("claude_code", DAY, lambda r: r == record))
    lost = sum(t.output for t in record.tokens)
    outputs = [sum(u.output for u in c.api_usage(DAY)) for c in (company, restated)]
    assert outputs[0] - outputs[1] == lost > 0
    assert api_dollars(restated) < api_dollars(company)


def test_a_credit_can_be_added_to_the_cost_report_alone(company: Company) -> None:
    line = company.cost_lines(DAY)[0]
    credit = msgspec.structs.replace(line, description="Credit", cents=Decimal("-100.5"))
    restated = company.amended(add("cost_lines", DAY, credit))
    assert api_dollars(restated) - api_dollars(company) == Decimal("-1.005")
    assert restated.api_usage(DAY) == company.api_usage(DAY)


def test_amendments_add_up_and_survive_a_later_today(company: Company) -> None:
    first, second = company.cursor_events(DAY)[:2]
    restated = company.amended(drop("cursor_events", DAY, lambda e: e == first, limit=1))
    again = restated.amended(drop("cursor_events", DAY, lambda e: e == second, limit=1))
    later = again.on(TODAY + timedelta(days=3))
    assert len(later.cursor_events(DAY)) == len(company.cursor_events(DAY)) - 2
    given = Company(today=TODAY, amendments=again.amendments)
    assert given.cursor_events(DAY) == again.cursor_events(DAY)


def test_an_amendment_that_changes_nothing_is_an_error(company: Company) -> None:
    restated = company.amended(drop("cursor_events", DAY, lambda e: e.model == "no such model"))
    with pytest.raises(ValueError, match="no record of cursor_events on 2026-03-10"):
        restated.cursor_events(DAY)


def test_a_record_of_another_day_cannot_be_added(company: Company) -> None:
    event = company.cursor_events(DAY)[0]
    with pytest.raises(ValueError, match="cannot be added to 2026-03-11"):
        add("cursor_events", DAY + timedelta(days=1), event)
