"""What cannot be read costs its record, else it is refused in one line; what was held stays."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError, VendorError
from ai_usage.vendors.base import ReadContext, Vendor
from ai_usage.vendors.fetching import event_columns, fetch_window, read_fetch, reading_of
from ai_usage.vendors.github_copilot import VENDOR as COPILOT
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.values import day_of, instant_of
from ai_usage.vendors.rows import ApiKey
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    DAY,
    NOW,
    WINDOW,
    ScriptedVendor,
    client,
    fixture,
    read,
)

TODAY = Window.day(NOW.date())
BEYOND = ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"]
"""Written within the calendar, and beyond it in UTC. The first is how some write `never`."""
DEEP = f"{'[' * 50_000}{']' * 50_000}"
"""No decoder follows it to its end."""


# -- one value ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", BEYOND)
def test_an_instant_beyond_the_calendar_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="beyond the calendar in UTC"):
        instant_of(text)
    assert day_of(text) is None


@pytest.mark.parametrize("text", ["2026-11-03112", "2026-11-03/12:00", "2026-11-03_12"])
def test_a_text_that_only_begins_like_a_day_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="begins like a day and goes on like none"):
        instant_of(text)
    assert day_of(text) is None
    for sign in "T", "t", " ":
        noon = datetime(2026, 11, 3, 12, tzinfo=UTC)
        assert instant_of(f"2026-11-03{sign}12:00Z") == noon


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
    days = [(2**64, 11, 3), (-1, 11, 3), (10_000, 11, 3), (2026, 13, 3), (2026, 11, 30_000)]
    for year, month, day in days:
        period = {"year": year, "month": month, "day": day}
        body = {"organization": "acme", "timePeriod": period, "usageItems": [item]}
        (event,) = read(COPILOT, "billing", json.dumps(body).encode())
        assert event.validation_errors == ["undecodable_record"]
        assert json.loads(event.raw_response) == item


# -- a whole answer ----------------------------------------------------------------------------


def asked(server: ScriptedVendor, vendor: Vendor, endpoint: str, folder: Path) -> str:
    """What the fetch of a day is refused with; the manifest says the same."""
    archive = Archive(str(folder))
    with client(vendor, server.url) as asking, pytest.raises(VendorError) as caught:
        fetch_window(
            vendor, vendor.endpoint(endpoint), TODAY, client=asking, archive=archive, now=NOW
        )
    (fetch,) = archive.fetches(vendor.name, endpoint)
    assert archive.manifest(fetch).reason == str(caught.value)
    assert not fetch.complete
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("spend", {"subscriptionCycleStart": 253_402_300_800_000}),
        ("spend", {"subscriptionCycleStart": 2**60}),
        ("groups", {"billingCycle": {"cycleStart": "soon"}}),
        ("groups", {"billingCycle": {"cycleStart": BEYOND[0]}}),
    ],
)
def test_a_list_with_a_cycle_that_is_none_is_refused_in_a_line(
    vendor_server: ScriptedVendor, tmp_path: Path, endpoint: str, said: dict[str, Any]
) -> None:
    lists: dict[str, dict[str, Any]] = {
        "spend": {"teamMemberSpend": [{"userId": 1, "spendCents": 5}], "totalPages": 1},
        "groups": {"groups": [{"id": "g", "name": "G", "spendCents": 5, "currentMembers": []}]},
    }
    vendor_server.answers({**lists[endpoint], **said})
    refused = asked(vendor_server, CURSOR, endpoint, tmp_path)
    assert refused.startswith(f"cursor {endpoint} 2026-11-23")
    assert refused.endswith("Nothing of it is used; the last good answer stays.")


@pytest.mark.parametrize(
    ("vendor", "endpoint"), [(CURSOR, "usage_events"), (CURSOR, "members"), (ANTHROPIC, "users")]
)
def test_an_answer_that_is_nested_too_deeply_is_refused_in_a_line(
    vendor_server: ScriptedVendor, tmp_path: Path, vendor: Vendor, endpoint: str
) -> None:
    body = fixture(f"{vendor.name}/{endpoint}.json").decode().replace('"', f'"x": {DEEP}, "', 1)
    vendor_server.script = lambda asked: Response(body, media_type="application/json")
    refused = asked(vendor_server, vendor, endpoint, tmp_path)
    assert refused.startswith(f"{vendor.name} {endpoint} 2026-11-23")
    assert refused.endswith("answered 200 with JSON that is nested too deeply. Try again later.")


def test_an_archived_answer_that_is_nested_too_deeply_is_refused_in_a_line(tmp_path: Path) -> None:
    archive, endpoint = Archive(str(tmp_path)), CURSOR.endpoint("usage_events")
    at = datetime(2026, 11, 20, tzinfo=UTC)
    with archive.recording("cursor", "usage_events", WINDOW, fetched_at=at) as recorder:
        body = f'{{"usageEvents": [{{"timestamp": 1793491200000, "x": {DEEP}}}]}}'
        recorder.add(Page(body.encode(), "page"))
    assert recorder.fetch is not None
    reading = reading_of(CURSOR, endpoint, archive, recorder.fetch, [DAY])
    for rows in (
        read_fetch(CURSOR, endpoint, archive, recorder.fetch),
        event_columns(CURSOR, endpoint, archive, reading),
    ):
        with pytest.raises(ArchiveError, match="has a shape that cannot be read") as caught:
            list(rows)
        assert str(caught.value).endswith("Fetch it again.")
