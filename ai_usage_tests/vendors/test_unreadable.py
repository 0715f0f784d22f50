"""A value that cannot be read costs its record, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.github_copilot import VENDOR as COPILOT
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.values import day_of, instant_of
from ai_usage.vendors.rows import ApiKey
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    DAY,
    WINDOW,
    read,
)

BEYOND = ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"]
"""Written within the calendar, and beyond it in UTC. The first is how some write `never`."""


# -- one value ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", BEYOND)
def test_an_instant_beyond_the_calendar_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="beyond the calendar in UTC"):
        instant_of(text)
    assert day_of(text) is None


@pytest.mark.parametrize("text", BEYOND)
def test_an_instant_beyond_the_calendar_costs_its_record_alone(text: str) -> None:
    rows = [{"timestamp": text, "userEmail": "ada@example.com"}, {"timestamp": "1793491200000"}]
    body = json.dumps({"usageEvents": rows}).encode()
    odd, good = read(CURSOR, "usage_events", body)
    assert (odd.validation_errors, odd.event_date) == (["undecodable_record"], DAY)
    assert json.loads(odd.raw_response) == rows[0]
    assert good.event_date == date(2026, 11, 1)
    columns = CURSOR.endpoint("usage_events").columns
    assert columns is not None
    assert list(columns(body, ReadContext(WINDOW))) == [odd, good]


@pytest.mark.parametrize("text", BEYOND)
def test_a_key_that_never_expires_is_listed_however_that_is_written(text: str) -> None:
    keys = [{"id": "apikey_1", "name": "ci", "status": "active", "expires_at": text}]
    body = json.dumps({"data": keys, "has_more": False}).encode()
    assert read(ANTHROPIC, "api_keys", body) == [
        ApiKey(api_key_id="apikey_1", api_key_name="ci", status="active")
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1e999999999999999999", (None, ["unreadable_amount"])),
        ("-1e999999999999999999", (None, ["unreadable_amount"])),
        ("1e-999999999999999999", (Decimal(0), ["truncated_amount"])),
        ("1e-2000000", (Decimal(0), ["truncated_amount"])),
    ],
)
def test_an_amount_of_any_size_is_exact_or_flagged(text: str, found: Any) -> None:
    assert charge(msgspec.Raw(text.encode()), bills=True, in_cents=True) == found
    assert charge(msgspec.Raw(text.encode()), bills=True, in_cents=False) == found
    event = f'{{"timestamp": 1793491200000, "isChargeable": true, "chargedCents": {text}}}'
    (read_,) = read(CURSOR, "usage_events", f'{{"usageEvents": [{event}]}}'.encode())
    assert (read_.cost_usd, read_.validation_errors) == found


def test_a_day_that_no_calendar_has_flags_the_lines_under_it() -> None:
    item = {"product": "Copilot", "sku": "AI Credit", "netAmount": 1.5}
    for year in (2**64, 2**40, -1, 10_000):
        period = {"year": year, "month": 11, "day": 3}
        body = {"organization": "acme", "timePeriod": period, "usageItems": [item]}
        (event,) = read(COPILOT, "billing", json.dumps(body).encode())
        assert event.validation_errors == ["undecodable_record"]
        assert json.loads(event.raw_response) == item
