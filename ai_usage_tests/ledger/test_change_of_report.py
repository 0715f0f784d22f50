"""A vendor's costs come from another report from a day on: a day has one, a closed month its own.

What was asked before is archived as the older report says it; one answer may hold days of both.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage_tests.ledger.small import ADA, Small

pytestmark = pytest.mark.slow

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
SINCE = date(2026, 2, 27)
OLDER, NEWER = Decimal(1), Decimal(3)
"""Dollars that each report says of every day, so that it shows which one a day has."""


def answered(small: Small, window: Window, since: date) -> None:
    """Anthropic's costs of the window are in the archive, an hour before noon."""
    at = datetime.combine(small.today, time(11), UTC)
    buckets = [
        {"starting_at": f"{day}T00:00:00Z", "results": [{"amount": "100", "currency": "USD"}]}
        for day in window.days()
        if day < since
    ]
    actor = {"type": "user_actor", "user_id": "user_01", "email_address": ADA}
    rows = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "group": {"actor": actor, "model": "claude-x", "token_type": "output_tokens"},
            "cost": {"amount": "300.000000", "currency": "USD"},
        }
        for day in window.days()
        if day >= since
    ]
    answers: dict[str, list[list[Any]]] = {
        "usage_report": [[]],
        "claude_code": [[]],
        "cost_report": [buckets, rows],
    }
    for endpoint, pages in answers.items():
        with small.archive.recording("anthropic", endpoint, window, fetched_at=at) as recorder:
            for data in pages:
                recorder.add(Page(json.dumps({"data": data}).encode(), "written by a test"))


def test_an_open_day_takes_the_newer_report_alone_and_a_closed_month_stays(tmp_path: Path) -> None:
    small = Small(tmp_path, today=date(2026, 3, 5))
    small.file("users.csv", "user_email,team,cost_center", f"{ADA},Core,CC1")
    answered(small, Window(FEBRUARY, date(2026, 3, 6)), since=date(2027, 1, 1))
    small.load({})
    assert small.spent(MARCH) == {MARCH + timedelta(days=n): OLDER for n in range(5)}
    small.done("close", "2026-02", "--accept", "nobody is named in the older report")
    closed = small.written(Window(FEBRUARY, MARCH))

    later = small.on(date(2026, 3, 6))
    again = Window(date(2026, 2, 25), date(2026, 3, 7))
    later.says(again, {})
    answered(later, again, SINCE)
    later.run()
    assert later.written(Window(FEBRUARY, MARCH)) == closed
    assert later.spent(MARCH) == {MARCH + timedelta(days=n): NEWER for n in range(6)}
    # Two days of the closed month would be Ada's, of three dollars each, and not nobody's of one.
    held_back = [(-OLDER * 2, FEBRUARY, SINCE, True), (NEWER * 2, FEBRUARY, SINCE, True)]
    assert sorted((usd, month, day, was) for month, usd, day, was in later.held_back()) == held_back
