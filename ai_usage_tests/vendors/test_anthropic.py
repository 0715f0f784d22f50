"""What Anthropic's records become, value by value."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from pydantic import SecretStr

from ai_usage.days.windows import Window
from ai_usage.simulator import ANTHROPIC_KEY
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.rows import ApiKey, Person, Workspace
from ai_usage_tests.vendors.support import ANTHROPIC, DAY, NOW, filled, fixture, read

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)


def test_a_usage_result_keeps_the_four_token_classes_apart() -> None:
    first, _ = read(ANTHROPIC, "usage_report", fixture("anthropic/usage_report.json"))
    assert filled(first) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "claude_api",
        "api_key_id": "apikey_01made_up_a",
        "workspace_id": "wrkspc_01made_up",
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "context_window": "0-200k",
        "input_tokens": 21500,
        "output_tokens": 7300,
        "cached_input_tokens": 5000,  # 4100 for five minutes + 900 for an hour
        "cache_read_tokens": 98000,
        "cache_write_5m_tokens": 4100,
        "cache_write_1h_tokens": 900,
        "web_search_requests": 3,
        "attribution_method": "api_key_mapping",
        "price_tier": "standard",
        "is_committed": False,
    }


def test_missing_sub_objects_are_unknown_and_an_unknown_tier_is_flagged() -> None:
    _, second = read(ANTHROPIC, "usage_report", fixture("anthropic/usage_report.json"))
    assert filled(second) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "claude_api",
        "model": "claude-opus-4-5",
        "service_tier": "warp",
        "context_window": "200k-1M",
        "input_tokens": 12,
        "output_tokens": 5,
        "cache_read_tokens": 0,
        "attribution_method": "unknown",
        "price_tier": "standard",
        "is_committed": False,
        "validation_errors": ["unknown_enum:service_tier"],
    }


def test_the_simplified_usage_sample_fills_the_same_columns() -> None:
    (row,) = read(ANTHROPIC, "usage_report", fixture("samples/anthropic_usage_report.json"))
    assert filled(row) == {
        "event_timestamp": datetime(2025, 9, 30, tzinfo=UTC),
        "event_date": date(2025, 9, 30),
        "event_type": "usage",
        "platform_subtype": "claude_api",
        "api_key_id": "apikey_01made_up_c",
        "workspace_id": "wrkspc_01made_up",
        "model": "claude-3-5-sonnet-20241022",
        "input_tokens": 2600,
        "output_tokens": 950,
        "cached_input_tokens": 340,
        "cache_read_tokens": 110,
        "request_count": 19,
        "attribution_method": "api_key_mapping",
        "price_tier": "standard",
        "is_committed": False,
    }


def test_a_cost_amount_is_cents() -> None:
    tokens, search, code, _ = read(ANTHROPIC, "cost_report", fixture("anthropic/cost_report.json"))
    assert filled(tokens) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "cost",
        "platform_subtype": "claude_api",
        "workspace_id": "wrkspc_01made_up",
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "context_window": "0-200k",
        "token_type": "uncached_input_tokens",
        "cost_usd": Decimal("41.285500000"),
        "cost_currency": "USD",
        "cost_type": "uncached_input_tokens",
        "billing_period": "daily",
        "attribution_method": "unknown",
        "weight_class": "input_tokens",
        "price_tier": "standard",
        "is_committed": False,
    }
    assert (search.cost_usd, search.cost_type, search.token_type) == (
        Decimal("0.3"),
        "web_search",
        None,
    )
    # Cut off after the ninth decimal of a dollar, and said so; a credit keeps its sign.
    assert code.cost_usd == Decimal("-0.001234567")
    assert code.validation_errors == ["truncated_amount"]


@pytest.mark.parametrize(
    ("line", "weight_class", "price_tier"),
    [
        ({"token_type": "uncached_input_tokens"}, "input_tokens", None),
        ({"token_type": "output_tokens", "service_tier": "batch"}, "output_tokens", "batch"),
        ({"token_type": "cache_read_input_tokens"}, "cache_read_tokens", None),
        (
            {"token_type": "cache_creation.ephemeral_5m_input_tokens", "service_tier": "flex"},
            "cache_write_5m_tokens",
            "standard",
        ),
        (
            {"token_type": "cache_creation.ephemeral_1h_input_tokens"},
            "cache_write_1h_tokens",
            None,
        ),
        ({"cost_type": "web_search"}, "web_search_requests", None),
        ({"cost_type": "input_tokens"}, "input_tokens", None),
        ({"cost_type": "output_tokens"}, "output_tokens", None),
        ({"cost_type": "code_execution"}, None, None),
        ({"cost_type": "output_tokens", "token_type": "new_tokens"}, None, None),
        ({}, None, None),
    ],
)
def test_a_cost_line_says_in_neutral_words_what_it_counts_and_at_which_price(
    line: dict[str, str], weight_class: str | None, price_tier: str | None
) -> None:
    result = {"amount": "1", **line}
    body = {"data": [{"starting_at": "2026-11-03T00:00:00Z", "results": [result]}]}
    (row,) = read(ANTHROPIC, "cost_report", msgspec.json.encode(body))
    assert (row.weight_class, row.price_tier) == (weight_class, price_tier)
    assert row.is_committed is False


@pytest.mark.parametrize(
    ("tier", "price_tier", "is_committed"),
    [
        ("standard", "standard", False),
        ("batch", "batch", False),
        ("priority", "standard", True),
        ("priority_on_demand", "standard", False),
        (None, "standard", False),
    ],
)
def test_only_the_priority_tiers_tokens_are_paid_by_a_commitment(
    tier: str | None, price_tier: str, is_committed: bool
) -> None:
    result = {"service_tier": tier, "output_tokens": 1, "account_id": "user_01made_up"}
    body = {"data": [{"starting_at": "2026-11-03T00:00:00Z", "results": [result]}]}
    (row,) = read(ANTHROPIC, "usage_report", msgspec.json.encode(body))
    assert (row.price_tier, row.is_committed) == (price_tier, is_committed)
    assert row.vendor_user_id == "user_01made_up"


def test_an_unreadable_amount_is_flagged_and_kept() -> None:
    *_, row = read(ANTHROPIC, "cost_report", fixture("anthropic/cost_report.json"))
    assert row.cost_usd is None
    assert row.validation_errors == ["unknown_enum:cost_type", "unreadable_amount"]
    assert msgspec.json.decode(row.raw_response)["description"] == "Something new"


def test_an_amount_or_a_list_of_lines_under_another_name_is_no_charge_of_nothing() -> None:
    renamed = fixture("anthropic/cost_report.json").replace(b'"amount"', b'"cost"')
    for row in read(ANTHROPIC, "cost_report", renamed):
        assert row.cost_usd is None
        assert "unreadable_amount" in row.validation_errors
    for name in ("cost_report", "usage_report"):
        body = fixture(f"anthropic/{name}.json").replace(b'"results"', b'"rows"')
        days = {row.event_date: row.validation_errors for row in read(ANTHROPIC, name, body)}
        assert days[date(2026, 11, 3)] == ["undecodable_record"], name
    empty = b'{"data": [{"starting_at": "2026-11-03T00:00:00Z", "results": %s}]}'
    assert read(ANTHROPIC, "cost_report", empty % b"[]") == []
    assert read(ANTHROPIC, "cost_report", empty % b"null") == []


def test_another_currency_is_never_taken_for_dollars() -> None:
    body = fixture("anthropic/cost_report.json").replace(b'"USD"', b'"EUR"')
    for row in read(ANTHROPIC, "cost_report", body):
        assert row.cost_usd is None
        assert row.cost_currency == "EUR"
        assert "unreadable_amount" in row.validation_errors


def test_the_simplified_cost_sample_is_cents_unless_declared_dollars() -> None:
    body = fixture("samples/anthropic_cost_report.json")
    (row,) = read(ANTHROPIC, "cost_report", body)
    assert (row.cost_usd, row.cost_type, row.token_type, row.validation_errors) == (
        Decimal("0.008300000"),
        "input_tokens",
        None,
        [],
    )
    (row,) = read(ANTHROPIC, "cost_report", body, amount_unit="usd")
    assert row.cost_usd == Decimal("0.830000000")


@pytest.mark.parametrize(
    ("text", "dollars"),
    [
        ('"0.1"', "0.001"),
        ("0.1", "0.001"),
        ("1e2", "1"),
        ('" 12.5 "', "0.125"),
        # A float would end in …0656.
        ("90071992547409.93", "900719925474.0993"),
        ('"0.00000005"', "0"),
        ('"0.00000019"', "0.000000001"),
        ('"9999999999999999999999999999999"', "99999999999999999999999999999.99"),
    ],
)
def test_money_is_exact_to_the_ninth_decimal(text: str, dollars: str) -> None:
    bucket = '{"starting_at": "2026-11-03T00:00:00Z", "results": [{"amount": %s}]}'
    body = ('{"data": [' + bucket % text + "]}").encode()
    (row,) = read(ANTHROPIC, "cost_report", body)
    assert row.cost_usd == Decimal(dollars)
    assert row.cost_usd.as_tuple().exponent == -9


def test_a_subscribers_record_counts_its_tokens_and_estimates() -> None:
    first, _ = read(ANTHROPIC, "claude_code", fixture("anthropic/claude_code.json"))
    assert filled(first) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "session",
        "platform_subtype": "claude_code",
        "user_email": "ada.keller@example.com",
        "input_tokens": 1050,
        "output_tokens": 220,
        "cached_input_tokens": 307,
        "cache_read_tokens": 9000,
        "session_count": 5,
        "lines_accepted": 310,
        "suggestions_shown": 31,  # 21+4 + 3+1 + 0 + 2
        "suggestions_accepted": 26,
        "commits": 4,
        "pull_requests": 1,
        "estimated_cost_usd": Decimal("1.560000000"),  # 125 + 31 cents
        "attribution_method": "direct_email",
        "price_tier": "standard",
        "is_committed": False,
    }


def test_an_api_customers_tokens_are_left_to_the_usage_report() -> None:
    _, second = read(ANTHROPIC, "claude_code", fixture("anthropic/claude_code.json"))
    assert filled(second) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "session",
        "platform_subtype": "claude_code",
        "actor_name": "claude_code_key_bo.lind_qwer",
        "model": "claude-sonnet-4-5",
        "session_count": 1,
        "lines_accepted": 12,
        "commits": 0,
        "pull_requests": 0,
        "estimated_cost_usd": Decimal("0.090000000"),
        "attribution_method": "key_name",
        "price_tier": "standard",
        "is_committed": False,
    }


def test_an_unknown_customer_type_adds_no_tokens_and_is_flagged() -> None:
    body = fixture("anthropic/claude_code.json").replace(b'"subscription"', b'"barter"')
    first, _ = read(ANTHROPIC, "claude_code", body)
    assert first.input_tokens is None
    assert first.validation_errors == ["unknown_enum:customer_type"]


@pytest.mark.parametrize("endpoint", ["usage_report", "cost_report", "claude_code"])
def test_undecodable_records_and_buckets_are_kept_on_their_day(endpoint: str) -> None:
    window = Window(date(2026, 11, 1), date(2026, 11, 9))
    if endpoint == "claude_code":
        body = b'{"data": [{"date": "2026-11-04", "actor": []}, "?"]}'
    else:
        body = (
            b'{"data": [{"starting_at": "2026-11-04T00:00:00Z", "results": [[]]},'
            b' {"starting_at": "soon", "results": []}]}'
        )
    rows = read(ANTHROPIC, endpoint, body, window)
    assert [row.event_date for row in rows] == [date(2026, 11, 4), date(2026, 11, 1)]
    assert all(row.validation_errors == ["undecodable_record"] for row in rows)
    assert all(row.raw_response for row in rows)


def test_null_lists_hold_nothing() -> None:
    for body in (b'{"data": null}', b'{"data": [{"starting_at": "2026-11-03", "results": null}]}'):
        assert read(ANTHROPIC, "usage_report", body) == []


def test_the_directory() -> None:
    assert read(ANTHROPIC, "api_keys", fixture("anthropic/api_keys.json")) == [
        ApiKey(
            api_key_id="apikey_01made_up_a",
            api_key_name="claude_code_key_bo.lind_qwer",
            status="active",
            workspace_id="wrkspc_01made_up",
            created_at=datetime(2026, 2, 1, 10, 20, 30, 123456, tzinfo=UTC),
            created_by_id="user_01bo",
        ),
        ApiKey(
            api_key_id="apikey_01made_up_b",
            api_key_name="nightly",
            status="archived",
            created_at=datetime(2025, 5, 1, tzinfo=UTC),
            expires_at=datetime(2026, 5, 1, tzinfo=UTC),
        ),
    ]
    assert read(ANTHROPIC, "users", fixture("anthropic/users.json")) == [
        Person(
            vendor_user_id="user_01bo",
            user_email="bo@example.com",
            full_name="Bo Lind",
            role="claude_code_user",
        )
    ]
    assert read(ANTHROPIC, "workspaces", fixture("anthropic/workspaces.json")) == [
        Workspace(workspace_id="wrkspc_01made_up", workspace_name="Research"),
        Workspace(
            workspace_id="wrkspc_01old",
            workspace_name="Old",
            archived_at=datetime(2025, 6, 30, 12, tzinfo=UTC),
        ),
    ]


def test_a_key_is_read_in_the_shape_of_either_version() -> None:
    def key(**fields: object) -> ApiKey:
        body = msgspec.json.encode({"data": [{"id": "apikey_01", **fields}]})
        (found,) = read(ANTHROPIC, "api_keys", body)
        assert isinstance(found, ApiKey)
        return found

    scope = {"type": "workspace", "workspace_id": "wrkspc_01"}
    assert key(scope=scope) == key(workspace_id="wrkspc_01")
    assert key(scope={"type": "organization"}) == key(workspace_id=None)
    assert key(scope=None, partial_key_hint=None).workspace_id is None


def test_who_a_key_acts_for_is_asked_only_where_nobody_made_it() -> None:
    def owner(**fields: object) -> str | None:
        body = msgspec.json.encode({"data": [{"id": "apikey_01", **fields}]})
        found = read(ANTHROPIC, "api_keys", body)[0].created_by_id
        assert found is None or isinstance(found, str)
        return found

    robot, ann = {"id": "svac_01", "type": "service_account"}, {"id": "user_01", "type": "user"}
    assert owner(created_by=ann, principal=robot) == "user_01"
    assert owner(created_by=None, principal=ann) == "user_01"
    assert owner(created_by=None, principal=robot) == "svac_01", "nobody's id"
    assert owner(created_by=None, principal=None) is None


def test_both_versions_of_the_api_list_the_same_keys(simulator: str) -> None:
    """The pinned version is the one that is asked; what the newer one says is read alike."""

    def listed(version: str | None = None) -> dict[str, ApiKey]:
        made = ANTHROPIC.headers
        vendor = ANTHROPIC
        if version:
            vendor = replace(vendor, headers=lambda key: made(key) | {"anthropic-version": version})
        today, url = Window.day(NOW.date()), f"{simulator}/anthropic"
        with VendorClient(vendor, SecretStr(ANTHROPIC_KEY), base_url=url) as asking:
            pages = vendor.endpoint("api_keys").fetch(asking, today, NOW)
            rows = vendor.endpoint("api_keys").read([p.body for p in pages], ReadContext(today))
            return {row.api_key_id: row for row in rows if isinstance(row, ApiKey)}

    pinned, newer = listed(), listed("2026-10-21")
    assert pinned == listed("2023-06-01")
    assert len(pinned) > 20
    unlisted = {key.workspace_id for key in newer.values()} - {
        key.workspace_id for key in pinned.values()
    }
    assert len(unlisted) == 1, "the default workspace, which only the newer version gives an id"
    assert pinned == {
        name: msgspec.structs.replace(
            key, workspace_id=None if key.workspace_id in unlisted else key.workspace_id
        )
        for name, key in newer.items()
    }


def test_claude_codes_own_keys_name_their_owner() -> None:
    ((pattern, product),) = ANTHROPIC.key_name_patterns.items()
    assert product == "claude_code"
    match = re.search(pattern, "claude_code_key_bo.lind_qwer")
    assert match is not None
    assert match["owner"] == "bo.lind"
    underscored = re.search(pattern, "claude_code_key_bo_lind_qwer")
    assert underscored is not None
    assert underscored["owner"] == "bo_lind"
    assert re.search(pattern, "nightly_claude_code_key_bo.lind_qwer") is None
