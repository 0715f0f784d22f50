"""Claude Enterprise: whose usage and credits, what is the Console's instead, and complete days."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from starlette.responses import Response

from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.simulator import UNKNOWN, Company, Owner
from ai_usage.simulator.enterprise_books import (
    code_days,
    enterprise_dollars,
    enterprise_facts,
    own_facts,
    owner_of,
)
from ai_usage.simulator.vendors import ENTERPRISE_KEY
from ai_usage.vendors import claude_enterprise
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.support import (
    DAY,
    NOW,
    WINDOW,
    ScriptedVendor,
    as_json,
    fetch,
    filled,
    read,
)

VENDOR = claude_enterprise.VENDOR
ANN = {"type": "user_actor", "user_id": "user_01", "email_address": "Ann@x.io", "name": "Ann"}
KEY = {"type": "api_actor", "api_key_id": "apikey_1"}
CENTS = {"amount": "41280.000000", "list_amount": "45866.7", "currency": "USD", "requests": None}
TOKENS = {
    "uncached_input_tokens": 500,
    "cache_creation": {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 8},
    "cache_read_input_tokens": 9000,
    "output_tokens": 120,
    "total_tokens": 9698,
    "server_tool_use": {"web_search_requests": 2},
    "requests": 7,
}


def page(*rows: Any, **envelope: Any) -> dict[str, Any]:
    return {"data": list(rows), "has_more": False, "next_page": None, **envelope}


def one(endpoint: str, actor: Any, figures: Any, **group: Any) -> list[RawEvent]:
    row = {
        "starting_at": f"{DAY}T00:00:00Z",
        "ending_at": f"{DAY + timedelta(days=1)}T00:00:00Z",
        "group": {"actor": actor, "product": "chat", "model": "claude-x", **group},
        endpoint: figures,
    }
    found: list[RawEvent] = read(VENDOR, endpoint, msgspec.json.encode(page(row)))
    return found


# --- Reading ---------------------------------------------------------------------------------


def test_usage_is_a_persons_by_product_and_model_in_disjoint_classes() -> None:
    (found,) = one("usage", ANN, TOKENS)
    assert filled(found) == {
        "event_timestamp": datetime(2026, 11, 3, tzinfo=UTC),
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "claude_web",
        "user_email": "ann@x.io",
        "vendor_user_id": "user_01",
        "model": "claude-x",
        "input_tokens": 500,
        "output_tokens": 120,
        "cached_input_tokens": 78,
        "cache_read_tokens": 9000,
        "cache_write_5m_tokens": 70,
        "cache_write_1h_tokens": 8,
        "web_search_requests": 2,
        "request_count": 7,
        "price_tier": "standard",
        "is_committed": False,
        "attribution_method": "direct_email",
    }


def test_what_usage_does_not_report_is_unknown_and_not_zero() -> None:
    (found,) = one("usage", ANN, {"output_tokens": 0})
    assert found.output_tokens == 0
    unknown = (found.input_tokens, found.cached_input_tokens, found.cache_write_5m_tokens)
    assert unknown == (None, None, None)
    assert (found.request_count, found.web_search_requests, found.cost_usd) == (None, None, None)


def test_cost_is_decimal_cents_and_the_list_price_is_no_cost() -> None:
    (found,) = one("cost", ANN, CENTS, cost_type="tokens", token_type="output_tokens")
    assert found.cost_usd == Decimal("412.8")
    assert found.estimated_cost_usd == Decimal("458.667")
    assert (found.event_type, found.weight_class) == ("cost", "output_tokens")
    (odd,) = one("cost", ANN, CENTS | {"list_amount": "dear"})
    assert (odd.cost_usd, odd.validation_errors) == (Decimal("412.8"), ["unreadable_value"])
    (foreign,) = one("cost", ANN, CENTS | {"currency": "EUR"})
    assert (foreign.cost_usd, foreign.estimated_cost_usd) == (None, None)
    assert foreign.validation_errors == ["unreadable_amount"]


@pytest.mark.parametrize(
    ("product", "subtype"),
    [
        ("chat", "claude_web"),
        ("cowork", "claude_web"),
        ("claude_code", "claude_code"),
        ("brand_new_product", "claude_web"),
        (None, "claude_web"),
    ],
)
def test_claude_code_is_told_apart_and_a_new_product_is_not_lost(
    product: str | None, subtype: str
) -> None:
    for endpoint, figures in (("usage", TOKENS), ("cost", CENTS)):
        (found,) = one(endpoint, ANN, figures, product=product)
        assert found.platform_subtype == subtype


@pytest.mark.parametrize(
    ("actor", "group"),
    [
        (KEY, {"product": "claude_code"}),
        (KEY, {"product": None}),
        ({"type": "service_account_actor", "service_account_id": "svac"}, {}),
        ({"type": "federated_actor", "subject": "arn"}, {}),
        (ANN, {"product": "claude_console"}),
        (None, {"product": "messages_api"}),
        (None, {"product": "message_batches_api"}),
        (None, {"product": "managed_agents_api"}),
    ],
)
def test_what_programs_use_is_the_consoles_whose_reports_have_it(actor: Any, group: Any) -> None:
    """The pair of the Admin key's cost report (or cost analytics) and this report of costs."""
    assert one("cost", actor, CENTS, **group) == []
    assert one("usage", actor, TOKENS, **group) == []


def test_a_row_without_an_actor_and_a_deleted_members_still_count() -> None:
    (nobody,) = one("cost", None, CENTS)
    assert (nobody.cost_usd, nobody.user_email) == (Decimal("412.8"), None)
    gone = {"type": "user_actor", "user_id": "user_9", "email_address": None, "deleted": True}
    (left,) = one("cost", gone, CENTS)
    assert (left.user_email, left.vendor_user_id) == (None, "user_9")
    assert left.identity != nobody.identity


def day_of(user: Any, code: Any) -> list[RawEvent]:
    body = {"data": [{"user": user, "claude_code_metrics": code}], "next_page": None}
    found: list[RawEvent] = read(VENDOR, "users", msgspec.json.encode(body))
    return found


def test_a_members_day_is_that_of_the_answer_and_has_neither_tokens_nor_money() -> None:
    code = {
        "core_metrics": {
            "commit_count": 2,
            "pull_request_count": 1,
            "distinct_session_count": 4,
            "lines_of_code": {"added_count": 310, "removed_count": 20},
        },
        "tool_actions": {
            "edit_tool": {"accepted_count": 30, "rejected_count": 5},
            "write_tool": {"accepted_count": 3, "rejected_count": 0},
            "notebook_edit_tool": None,
        },
    }
    (found,) = day_of({"id": "user_01", "email_address": "Ann@x.io", "type": "user"}, code)
    assert filled(found) == {
        "event_timestamp": datetime(2026, 11, 3, tzinfo=UTC),
        "event_date": DAY,
        "event_type": "session",
        "platform_subtype": "claude_code",
        "user_email": "ann@x.io",
        "vendor_user_id": "user_01",
        "session_count": 4,
        "lines_accepted": 310,
        "commits": 2,
        "pull_requests": 1,
        "suggestions_accepted": 33,
        "suggestions_shown": 38,
        "attribution_method": "direct_email",
    }
    ann = {"id": "user_01"}
    assert day_of(ann, None) == []
    assert day_of(ann, {"core_metrics": {"commit_count": 0}, "tool_actions": {}}) == []
    (half,) = day_of(ann, {"tool_actions": {"edit_tool": {"accepted_count": 3}}})
    assert (half.suggestions_accepted, half.suggestions_shown) == (3, None)


# --- Asking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "more"), [("usage", []), ("cost", ["cost_type", "token_type"])]
)
def test_reports_are_asked_by_five_groups_and_never_by_groups_of_people(
    vendor_server: ScriptedVendor, endpoint: str, more: list[str]
) -> None:
    vendor_server.answers(page())
    fetch(VENDOR, endpoint, vendor_server.url)
    (asked,) = vendor_server.asked
    assert asked.path == f"/v1/organizations/analytics/{endpoint}"
    assert asked.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
    groups = [value for name, value in asked.query if name == "group_by[]"]
    assert groups == ["actor", "product", "model", "context_window", "speed", *more]
    assert (asked.first("order_by"), asked.first("limit")) == ("time", "1000")


def test_an_incomplete_tail_is_no_answer_of_a_settled_day(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(page(data_refreshed_at="2026-11-03T23:59:00Z"))
    for endpoint in ("usage", "cost"):
        with pytest.raises(VendorError, match=f"claude_enterprise {endpoint} 2026-11-03.*reach to"):
            fetch(VENDOR, endpoint, vendor_server.url)


def refused() -> Response:
    message = "date: data is available up to 2026-11-01"
    return as_json({"error": {"type": "invalid_request_error", "message": message}}, 400)


def test_a_day_too_early_is_no_failure_until_it_must_be_there(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(refused())

    def asked_at(now: datetime) -> int:
        vendor_server.asked.clear()
        assert fetch(VENDOR, "users", vendor_server.url, WINDOW, now) == []
        return len(vendor_server.asked)

    assert asked_at(datetime(2026, 11, 4, 16, 59, tzinfo=UTC)) == 0
    assert asked_at(datetime(2026, 11, 4, 17, tzinfo=UTC)) == 1
    assert asked_at(datetime(2026, 11, 6, 23, tzinfo=UTC)) == 1
    with pytest.raises(VendorError, match="data is available up to 2026-11-01"):
        fetch(VENDOR, "users", vendor_server.url, WINDOW, datetime(2026, 11, 7, tzinfo=UTC))
    # Anything else is a failure at once.
    vendor_server.answers(as_json({"error": {"message": "missing scope read:analytics"}}, 403))
    with pytest.raises(VendorError, match="Check CLAUDE_ENTERPRISE_KEY and what that key may read"):
        asked_at(datetime(2026, 11, 4, 17, tzinfo=UTC))


def test_users_end_where_no_next_page_is_named(vendor_server: ScriptedVendor) -> None:
    first, last = ({"user": {"id": f"user_{n}"}} for n in range(2))
    pages = ({"data": [first], "next_page": "b"}, {"data": [last], "next_page": None})
    vendor_server.answers(*pages)
    assert len(fetch(VENDOR, "users", vendor_server.url)) == 2
    assert [one.first("page") for one in vendor_server.asked] == [None, "b"]
    assert {one.first("date") for one in vendor_server.asked} == {"2026-11-03"}
    vendor_server.answers(pages[0], {"data": [first], "next_page": None})
    with pytest.raises(VendorError, match="page 2 repeats a"):
        fetch(VENDOR, "users", vendor_server.url)


def test_days_before_the_first_or_of_more_than_a_year_ago_are_not_asked(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(page())
    old = Window(date(2025, 12, 1), date(2025, 12, 31))
    for endpoint in VENDOR.endpoints:
        assert fetch(VENDOR, endpoint.name, vendor_server.url, old) == []
    assert vendor_server.asked == []


# --- Against the simulated company's books ---------------------------------------------------


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_RECORDS", 9)
    monkeypatch.setattr(claude_enterprise.users, "MOST_RECORDS", 9)


def simulated(simulator: str, endpoint: str, window: Window) -> list[RawEvent]:
    wanted = VENDOR.endpoint(endpoint)
    url = f"{simulator}/claude_enterprise"
    with VendorClient(VENDOR, SecretStr(ENTERPRISE_KEY), base_url=url) as asking:
        pages = list(wanted.fetch(asking, window, NOW))
    assert len(pages) > 1
    found = wanted.read([one.body for one in pages], ReadContext(window))
    return [one for one in found if isinstance(one, RawEvent)]


def owner(event: RawEvent) -> Owner:
    return Owner("person", event.user_email) if event.user_email else UNKNOWN


def test_every_credit_is_billed_once_to_who_the_books_say(
    simulator: str, company: Company, small_pages: None
) -> None:
    window = Window(date(2026, 11, 10), date(2026, 11, 13))
    said: dict[date, dict[Owner, Decimal]] = {day: {} for day in window.days()}
    for found in simulated(simulator, "cost", window):
        assert found.validation_errors == []
        own, amount = said[found.event_date], found.cost_usd or Decimal(0)
        own[owner(found)] = own.get(owner(found), Decimal(0)) + amount
    assert said == {day: enterprise_dollars(company, day) for day in window.days()}
    assert all(len(own) > 3 for own in said.values())


def test_every_token_counts_once_and_the_consoles_are_not_among_them(
    simulator: str, company: Company, small_pages: None
) -> None:
    day = date(2026, 11, 11)
    said: dict[Owner, int] = defaultdict(int)
    for found in simulated(simulator, "usage", Window.day(day)):
        counts = (found.input_tokens, found.output_tokens, found.cache_read_tokens)
        said[owner(found)] += sum(count or 0 for count in (*counts, found.cached_input_tokens))
    truth: dict[Owner, int] = defaultdict(int)
    for fact in own_facts(company, day):
        truth[owner_of(fact)] += sum(fact.tokens.values())
    assert said == truth
    assert len(enterprise_facts(company, day)) > len(own_facts(company, day))


def test_days_in_claude_code_are_those_of_the_books(
    simulator: str, company: Company, small_pages: None
) -> None:
    day = date(2026, 11, 11)
    said = {
        found.user_email: (found.session_count, found.lines_accepted, found.suggestions_accepted)
        for found in simulated(simulator, "users", Window.day(day))
    }
    assert said == {
        one.person.email: (one.sessions, one.lines, one.accepted) for one in code_days(company, day)
    }
