"""Traps of the vendors' contracts that are of several endpoints, or of none in particular."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ai_usage.vendors.base import Vendor
from ai_usage.vendors.claude_enterprise import VENDOR as ENTERPRISE
from ai_usage.vendors.github_copilot import VENDOR as COPILOT
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    NOW,
    OPENAI,
    WINDOW,
    ScriptedVendor,
    as_json,
    client,
    read,
)

START = 1793664000
EARLIER = "2026-11-03T00:00:00Z"


def answered(*records: Any, following: str | None) -> dict[str, Any]:
    return {"data": list(records), "has_more": following is not None, "next_page": following}


@pytest.mark.parametrize(
    ("vendor", "endpoint", "options", "records"),
    [
        (ANTHROPIC, "usage_report", {}, [{"starting_at": EARLIER, "results": []}]),
        (ANTHROPIC, "cost_report", {}, [{"starting_at": EARLIER, "results": []}]),
        (ANTHROPIC, "claude_code", {}, []),
        (ANTHROPIC, "cost_report", {"ANTHROPIC_ANALYTICS_COST_FROM": "2026-11-03"}, []),
        (ENTERPRISE, "usage", {}, []),
        (ENTERPRISE, "cost", {}, []),
        (ENTERPRISE, "users", {}, []),
        (OPENAI, "costs", {}, [{"start_time": START, "results": []}]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_next_page_is_asked_by_the_query_that_its_token_is_bound_to(
    vendor_server: ScriptedVendor,
    vendor: Vendor,
    endpoint: str,
    options: dict[str, str],
    records: list[Any],
) -> None:
    """A token that comes with another query is a 400, or worse an answer to another question."""
    vendor_server.answers(answered(*records, following="page_b"), answered(following=None))
    with client(vendor, vendor_server.url, options=options) as asking:
        list(vendor.endpoint(endpoint).fetch(asking, WINDOW, NOW))
    first, second = vendor_server.asked
    assert second.path == first.path
    assert second.query == [*first.query, ("page", "page_b")]
    beta = "anthropic-beta"
    assert second.headers.get(beta) == first.headers.get(beta)


def test_a_member_whose_number_became_a_text_has_the_same_day() -> None:
    day = {"day": "2026-11-03", "email": "Ann@x.io", "agentRequests": 3, "isActive": True}
    rows = [
        read(CURSOR, "daily_usage", msgspec.json.encode({"data": [{**day, "userId": user_id}]}))
        for user_id in (240101, "user_01newer")
    ]
    assert rows[0][0].identity == rows[1][0].identity
    assert [row.vendor_user_id for (row,) in rows] == ["240101", "user_01newer"]


def test_a_charge_that_is_worked_out_anew_is_the_same_event() -> None:
    """For about a day after it; with a fee or without one, which is inside."""
    event = {"timestamp": "1793664000000", "userEmail": "a@x.io", "isChargeable": True}
    charges: list[dict[str, Any]] = [
        {"chargedCents": 46.5, "cursorTokenFee": 1.5},
        {"chargedCents": 47, "tokenUsage": {"totalCents": 50, "discountPercentOff": 6}},
    ]
    first, second = (
        read(CURSOR, "usage_events", msgspec.json.encode({"usageEvents": [event | charge]}))[0]
        for charge in charges
    )
    assert first.identity == second.identity
    assert [f"{row.cost_usd:.3f}" for row in (first, second)] == ["0.465", "0.470"]


def test_requests_that_are_not_counted_are_unknown() -> None:
    row = {"starting_at": EARLIER, "group": {"product": "chat"}, "usage": {"requests": None}}
    (event,) = read(ENTERPRISE, "usage", msgspec.json.encode({"data": [row]}))
    assert (event.request_count, event.input_tokens) == (None, None)


@pytest.mark.parametrize(
    ("vendor", "header", "version"),
    [
        (ANTHROPIC, "anthropic-version", "2023-06-01"),
        (ENTERPRISE, "anthropic-version", "2023-06-01"),
        (COPILOT, "x-github-api-version", "2026-03-10"),
    ],
    ids=lambda value: value.name if isinstance(value, Vendor) else "",
)
def test_the_version_of_an_api_is_asked_for_by_name(
    vendor_server: ScriptedVendor, vendor: Vendor, header: str, version: str
) -> None:
    """A default may become a newer one that answers otherwise."""
    vendor_server.answers(as_json({}))
    with client(vendor, vendor_server.url) as asking:
        asking.get("any", "/any")
    assert vendor_server.asked[0].headers[header] == version
