"""Anthropic's endpoints through real HTTP: shapes, pages, limits and refusals of the contract."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.simulator import ANTHROPIC_KEY, Company, Truth, serve
from ai_usage.simulator.roster import ALIAS, RECENT_LEAVER
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import (
    buckets,
    code_records,
    exact,
    listed,
    span,
    window,
)

USAGE = "/usage_report/messages"
COST = "/cost_report"
CODE = "/usage_report/claude_code"
FIVE = [
    ("group_by[]", name)
    for name in ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
]
DESCRIBED = [("group_by[]", "workspace_id"), ("group_by[]", "description")]
BAD_RANGE = "Invalid date range: ending date must be after starting date"
TOKENS = (
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
)

# Dollars per million tokens as the vendor's price page would have them, typed independently.
SONNET, OPUS, HAIKU = (
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-5-20251101",
    "claude-haiku-4-5-20251001",
)
PRICE_CHANGE = date(2025, 9, 23)  # 100 days before 2026-01-01


def price(day: date, model: str, tier: str, context: str, token_type: str) -> Decimal:
    """Dollars per token."""
    haiku = ("1", "5") if day >= PRICE_CHANGE else ("0.8", "4")
    dollars_in, dollars_out = {
        (SONNET, "0-200k"): ("3", "15"),
        (SONNET, "200k-1M"): ("6", "22.5"),
        (OPUS, "0-200k"): ("5", "25"),
        (HAIKU, "0-200k"): haiku,
    }[model, context]
    rate = {
        "uncached_input_tokens": Decimal(dollars_in),
        "output_tokens": Decimal(dollars_out),
        "cache_read_input_tokens": Decimal(dollars_in) * Decimal("0.1"),
        "cache_creation.ephemeral_5m_input_tokens": Decimal(dollars_in) * Decimal("1.25"),
        "cache_creation.ephemeral_1h_input_tokens": Decimal(dollars_in) * 2,
    }[token_type]
    return (rate / 2 if tier == "batch" else rate) / 1_000_000


def token_classes(row: dict[str, Any]) -> dict[str, int]:
    """Tokens by the cost report's class names; a missing sub-object is zero."""
    created = row.get("cache_creation", {})
    return {
        "uncached_input_tokens": row["uncached_input_tokens"],
        "output_tokens": row["output_tokens"],
        "cache_read_input_tokens": row["cache_read_input_tokens"],
        "cache_creation.ephemeral_5m_input_tokens": created.get("ephemeral_5m_input_tokens", 0),
        "cache_creation.ephemeral_1h_input_tokens": created.get("ephemeral_1h_input_tokens", 0),
    }


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status
    body = answer.json()
    assert body["type"] == "error"
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
    assert body["error"]["type"] == kinds[status]
    return str(body["error"]["message"])


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "sk-ant-api03-workspace-key"])
def test_a_wrong_key_is_401_in_anthropics_shape(base_url: str, key: str | None) -> None:
    headers = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
    answer = httpx.get(f"{base_url}/anthropic/v1/organizations/users", headers=headers)
    assert refusal(answer, 401) == "invalid x-api-key"


def test_the_version_header_is_required(anthropic: httpx.Client) -> None:
    answer = anthropic.get("/users", headers={"anthropic-version": ""})
    assert "anthropic-version" in refusal(answer)


def test_an_unknown_path_is_404_in_json(anthropic: httpx.Client) -> None:
    refusal(anthropic.get("/nothing"), 404)


@pytest.mark.parametrize("path", [USAGE, COST])
@pytest.mark.parametrize(
    "change",
    [
        [("limit", "32")],
        [("limit", "0")],
        [("limit", "many")],
        [("page", "page_nonsense")],
        [("page", "ü")],
        [("group_by", "workspace_id")],
        [("group_by[]", "user")],
        [("starting_at", "yesterday")],
        [("starting_at", "2026-03-09")],
        [("starting_at", "0001-01-01T00:00:00+05:00")],
        [("ending_at", "0001-01-01T00:00:00Z")],
        [("ending_at", "2026-03-09T00:00:00Z")],
        [("bucket_width", "1w")],
    ],
)
def test_an_unreadable_report_request_is_400(
    anthropic: httpx.Client, path: str, change: list[tuple[str, str]]
) -> None:
    asked = {"starting_at": "2026-03-09T00:00:00Z"} | dict(change)
    refusal(anthropic.get(path, params=asked))


def test_starting_at_is_required(anthropic: httpx.Client) -> None:
    for path in (USAGE, COST, CODE):
        assert refusal(anthropic.get(path)) == "starting_at: Field required"


def test_five_groups_are_answered_and_a_sixth_is_refused(anthropic: httpx.Client) -> None:
    params = [("starting_at", "2026-03-09T00:00:00Z"), *FIVE]
    assert anthropic.get(USAGE, params=[*params]).status_code == 200
    sixth = anthropic.get(USAGE, params=[*params, ("group_by[]", "inference_geo")])
    assert refusal(sixth) == "Cannot specify more than 5 group_by[] dimensions."


def test_speed_needs_its_beta_header(anthropic: httpx.Client) -> None:
    params = [*window(date(2026, 3, 9), date(2026, 3, 10)), ("group_by[]", "speed")]
    assert "fast-mode-2026-02-01" in refusal(anthropic.get(USAGE, params=[*params]))
    beta = {"anthropic-beta": "fast-mode-2026-02-01"}
    rows = exact(anthropic.get(USAGE, params=[*params], headers=beta))["data"][0]["results"]
    assert [row["speed"] for row in rows] == ["standard"]


@pytest.mark.parametrize(
    "asked",
    [
        {"starting_at": f"{TODAY}T00:00:00Z"},
        {"starting_at": f"{TODAY + timedelta(days=1)}T00:00:00Z"},
        {"starting_at": "2026-03-09T00:00:00Z", "ending_at": "2026-03-09T00:00:00Z"},
        {"starting_at": "2026-03-09T10:00:00Z", "ending_at": "2026-03-09T23:00:00Z"},
        {"starting_at": "2026-03-09T00:00:00Z", "ending_at": "2026-03-10T23:59:59Z"},
        {"starting_at": "2026-03-10T00:00:00Z", "ending_at": "2026-03-09T00:00:00Z"},
    ],
)
def test_a_cost_window_without_a_complete_bucket_is_refused(
    anthropic: httpx.Client, asked: dict[str, str]
) -> None:
    assert refusal(anthropic.get(COST, params=asked)) == BAD_RANGE


def test_a_page_token_belongs_to_its_query(anthropic: httpx.Client) -> None:
    params = [("starting_at", "2026-03-01T00:00:00Z"), ("limit", "3")]
    token = exact(anthropic.get(USAGE, params=[*params]))["next_page"]
    assert anthropic.get(USAGE, params=[*params, ("page", token)]).status_code == 200
    refusal(anthropic.get(USAGE, params=[*params, ("page", token), ("group_by[]", "model")]))


# --- Usage report ----------------------------------------------------------------------------


def test_a_report_has_seven_buckets_unless_asked(anthropic: httpx.Client) -> None:
    for path in (USAGE, COST):
        body = exact(anthropic.get(path, params={"starting_at": "2026-02-01T00:00:00Z"}))
        assert len(body["data"]) == 7
        assert body["has_more"] is True
        assert isinstance(body["next_page"], str)


@settings(max_examples=25, deadline=None)
@given(
    path=st.sampled_from([USAGE, COST]),
    limit=st.integers(1, 31),
    start=st.integers(0, 60),
    days=st.integers(1, 70),
    grouped=st.booleans(),
)
def test_pages_of_buckets_add_up_to_the_whole_window(
    anthropic: httpx.Client, path: str, limit: int, start: int, days: int, grouped: bool
) -> None:
    first = date(2025, 11, 1) + timedelta(days=start)
    params = window(first, first + timedelta(days=days))
    if grouped:
        params += [("group_by[]", "workspace_id")]
    paged = buckets(anthropic, path, params, limit)
    assert [bucket["starting_at"] for bucket in paged] == [
        f"{day}T00:00:00Z" for day in span(first, days)
    ]
    assert [bucket["ending_at"] for bucket in paged] == [
        f"{day}T00:00:00Z" for day in span(first + timedelta(days=1), days)
    ]
    assert paged == buckets(anthropic, path, params, 31)


def test_only_buckets_that_end_within_the_window_are_returned(anthropic: httpx.Client) -> None:
    asked = {"starting_at": "2026-03-09T17:30:00+02:00", "ending_at": "2026-03-11T23:59:59Z"}
    data = exact(anthropic.get(USAGE, params=asked))["data"]
    assert [b["starting_at"] for b in data] == ["2026-03-09T00:00:00Z", "2026-03-10T00:00:00Z"]


def test_todays_bucket_is_there_and_no_later_one(anthropic: httpx.Client) -> None:
    start = TODAY - timedelta(days=2)
    for path in (USAGE, COST):
        found = buckets(anthropic, path, window(start, TODAY + timedelta(days=9)))
        assert [b["starting_at"][:10] for b in found] == [str(day) for day in span(start, 3)]
        assert found[-1]["results"]
    untold = {"starting_at": f"{start}T00:00:00Z"}
    assert len(exact(anthropic.get(USAGE, params=untold))["data"]) == 3
    assert len(exact(anthropic.get(COST, params=untold))["data"]) == 2  # up to now: no part
    later = window(TODAY + timedelta(days=1), TODAY + timedelta(days=3))
    assert exact(anthropic.get(USAGE, params=[*later]))["data"] == []


def test_an_empty_bucket_comes_with_empty_results(anthropic: httpx.Client) -> None:
    for path in (USAGE, COST):
        found = buckets(anthropic, path, window(date(2023, 1, 1), date(2023, 1, 3)))
        assert [bucket["results"] for bucket in found] == [[], []]


def test_dimensions_are_null_unless_grouped(anthropic: httpx.Client) -> None:
    params = window(date(2026, 3, 9), date(2026, 3, 10))
    (row,) = buckets(anthropic, USAGE, params)[0]["results"]
    names = {name for name in row if not name.endswith("tokens")}
    names -= {"cache_creation", "server_tool_use"}
    assert len(names) == 9
    assert {row[name] for name in names} == {None}
    by_model = buckets(anthropic, USAGE, [*params, ("group_by[]", "model")])[0]["results"]
    assert {row["model"] for row in by_model} == {SONNET, OPUS, HAIKU}
    assert {row["api_key_id"] for row in by_model} == {None}


@pytest.fixture(scope="module")
def grouped(anthropic: httpx.Client) -> list[Any]:
    """Three weeks over the day of the price change, in the grouping that a pipeline asks for."""
    return buckets(anthropic, USAGE, [*window(date(2025, 9, 15), date(2025, 10, 6)), *FIVE])


@pytest.fixture(scope="module")
def priced(anthropic: httpx.Client) -> list[Any]:
    return buckets(anthropic, COST, [*window(date(2025, 9, 15), date(2025, 10, 6)), *DESCRIBED])


def test_a_group_is_one_row(grouped: list[Any]) -> None:
    for bucket in grouped:
        keys = [tuple(row[name] for _, name in FIVE) for row in bucket["results"]]
        assert len(keys) == len(set(keys))


def test_every_grouping_adds_up_to_the_same_tokens(
    anthropic: httpx.Client, grouped: list[Any]
) -> None:
    def totals(found: list[Any]) -> list[Counter[str]]:
        return [
            sum((Counter(token_classes(row)) for row in bucket["results"]), Counter())
            for bucket in found
        ]

    params = window(date(2025, 9, 15), date(2025, 10, 6))
    assert totals(grouped) == totals(buckets(anthropic, USAGE, params))
    tiers = buckets(anthropic, USAGE, [*params, ("group_by[]", "service_tier")])
    assert totals(grouped) == totals(tiers)


def test_filters_keep_their_rows_and_nothing_else(
    anthropic: httpx.Client, grouped: list[Any]
) -> None:
    params = window(date(2025, 9, 15), date(2025, 10, 6))
    found = buckets(
        anthropic,
        USAGE,
        [*params, *FIVE, ("models[]", HAIKU), ("models[]", OPUS), ("service_tiers[]", "standard")],
    )
    assert [bucket["results"] for bucket in found] == [
        [
            row
            for row in bucket["results"]
            if row["model"] != SONNET and row["service_tier"] == "standard"
        ]
        for bucket in grouped
    ]
    assert any(bucket["results"] for bucket in found)


def test_sub_objects_of_zeros_are_sometimes_absent_and_no_count_is_lost(
    grouped: list[Any],
) -> None:
    rows = [row for bucket in grouped for row in bucket["results"]]
    for name in ("cache_creation", "server_tool_use"):
        absent = sum(name not in row for row in rows)
        zeros = sum(name in row and not any(row[name].values()) for row in rows)
        assert absent > 0
        assert zeros > 0
    assert any(
        row["server_tool_use"]["web_search_requests"] for row in rows if "server_tool_use" in row
    )


def test_the_workbench_has_no_key_and_the_default_workspace_no_id(
    anthropic: httpx.Client,
) -> None:
    found = buckets(anthropic, USAGE, [*window(date(2026, 2, 1), date(2026, 3, 1)), *FIVE])
    rows = [row for bucket in found for row in bucket["results"]]
    workbench = [row for row in rows if row["api_key_id"] is None]
    assert workbench
    assert {row["workspace_id"] for row in workbench} == {None}
    assert any(row["workspace_id"] is None and row["api_key_id"] for row in rows)


# --- Cost report -----------------------------------------------------------------------------


def test_cost_is_price_times_the_tokens_of_the_usage_report_exactly(
    grouped: list[Any], priced: list[Any]
) -> None:
    """Per day, workspace, model, tier, context and class; priority-tier tokens never cost."""
    expected: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    priority = 0
    for bucket in grouped:
        day = date.fromisoformat(bucket["starting_at"][:10])
        for row in bucket["results"]:
            if row["service_tier"] == "priority":
                priority += 1
                continue
            place = (row["workspace_id"], row["model"], row["service_tier"], row["context_window"])
            for token_type, count in token_classes(row).items():
                if count:
                    rate = price(day, *place[1:], token_type)
                    expected[day, *place, token_type] += count * rate
    assert priority > 0
    served: dict[tuple[Any, ...], Decimal] = {}
    for bucket in priced:
        day = date.fromisoformat(bucket["starting_at"][:10])
        for row in bucket["results"]:
            assert isinstance(row["amount"], str)
            assert row["currency"] == "USD"
            if row["cost_type"] == "tokens":
                key = (
                    day,
                    row["workspace_id"],
                    row["model"],
                    row["service_tier"],
                    row["context_window"],
                    row["token_type"],
                )
                assert key not in served
                served[key] = Decimal(row["amount"]) / 100
    assert served == expected
    assert {key[3] for key in served} == {"standard", "batch"}
    assert {key[4] for key in served} == {"0-200k", "200k-1M"}


def test_searches_cost_ten_dollars_a_thousand_and_containers_cost_too(
    grouped: list[Any], priced: list[Any]
) -> None:
    for usage, cost in zip(grouped, priced, strict=True):
        searches: Counter[Any] = Counter()
        for row in usage["results"]:
            count = row.get("server_tool_use", {}).get("web_search_requests", 0)
            if count:
                searches[row["workspace_id"]] += count
        rows = [row for row in cost["results"] if row["cost_type"] == "web_search"]
        assert {row["workspace_id"]: Decimal(row["amount"]) for row in rows} == searches
        for row in rows:
            assert row["description"] == "Web Search Usage"
            assert row["model"] is row["token_type"] is row["service_tier"] is None
    other = [r for b in priced for r in b["results"] if r["cost_type"] == "code_execution"]
    assert {row["description"] for row in other} == {"Code Execution Usage"}


def test_amounts_are_fractional_cents_that_fit_nine_decimals_of_a_dollar(
    priced: list[Any],
) -> None:
    amounts = [Decimal(row["amount"]) for bucket in priced for row in bucket["results"]]
    assert any(amount % 1 for amount in amounts)
    assert all("e" not in row["amount"].lower() for b in priced for row in b["results"])
    assert all(amount * 10_000_000 % 1 == 0 for amount in amounts)


def test_a_description_names_one_line_of_a_workspace(priced: list[Any]) -> None:
    for bucket in priced:
        names = [(row["workspace_id"], row["description"]) for row in bucket["results"]]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("groups", [[], DESCRIBED[:1], DESCRIBED[1:]])
def test_every_grouping_of_cost_adds_up_to_the_same_cents(
    anthropic: httpx.Client, priced: list[Any], groups: list[tuple[str, str]]
) -> None:
    params = [*window(date(2025, 9, 15), date(2025, 10, 6)), *groups]
    found = buckets(anthropic, COST, params)
    for bucket, fine in zip(found, priced, strict=True):
        total = sum(Decimal(row["amount"]) for row in bucket["results"])
        assert total == sum(Decimal(row["amount"]) for row in fine["results"])
        if ("group_by[]", "description") not in groups:
            assert {row["description"] for row in bucket["results"]} == {None}
            assert {row["cost_type"] for row in bucket["results"]} == {None}
        if ("group_by[]", "workspace_id") not in groups:
            assert {row["workspace_id"] for row in bucket["results"]} == {None}


# --- Claude Code -----------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(limit=st.integers(1, 40), back=st.integers(0, 20))
def test_pages_of_claude_code_add_up_to_the_day(
    anthropic: httpx.Client, company: Company, limit: int, back: int
) -> None:
    day = TODAY - timedelta(days=back)
    paged = code_records(anthropic, day, limit)
    assert paged == code_records(anthropic, day)
    assert len(paged) == len(company.claude_code(day))


def test_claude_code_gives_twenty_records_unless_asked() -> None:
    headers = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"}
    with serve(Company(today=TODAY, people=100)) as url:
        path = f"{url}/anthropic/v1/organizations{CODE}"
        body = exact(httpx.get(path, params={"starting_at": "2026-03-10"}, headers=headers))
    assert len(body["data"]) == 20
    assert body["has_more"] is True


@pytest.mark.parametrize(
    "asked",
    [
        {"starting_at": "2026-03-10T00:00:00Z"},
        {"starting_at": "20260310"},
        {"starting_at": "2026-02-30"},
        {"starting_at": "2026-03-10", "limit": "1001"},
        {"starting_at": "2026-03-10", "limit": "0"},
    ],
)
def test_claude_code_takes_one_date_and_up_to_a_thousand_records(
    anthropic: httpx.Client, asked: dict[str, str]
) -> None:
    refusal(anthropic.get(CODE, params=asked))


@pytest.fixture(scope="module")
def code_month(anthropic: httpx.Client) -> dict[date, list[Any]]:
    return {day: code_records(anthropic, day) for day in span(date(2026, 2, 1), 28)}


def test_a_person_has_several_records_a_day_of_every_actor_and_customer_type(
    code_month: dict[date, list[Any]], company: Company
) -> None:
    records = [record for day in code_month.values() for record in day]
    kinds = {(record["actor"]["type"], record["customer_type"]) for record in records}
    assert kinds == {("user_actor", "subscription"), ("user_actor", "api"), ("api_actor", "api")}
    assert all(
        set(r["actor"]) in ({"type", "email_address"}, {"type", "api_key_name"}) for r in records
    )
    most = max(
        Counter(str(record["actor"]) for record in day).most_common(1)[0][1]
        for day in code_month.values()
        if day
    )
    assert most >= 2
    addresses = {record["actor"].get("email_address") for record in records}
    assert company.people[ALIAS].aliases[0] in addresses
    for day, found in code_month.items():
        assert {record["date"] for record in found} <= {f"{day}T00:00:00Z"}


def test_tokens_of_claude_code_keys_are_in_the_usage_report_under_the_key(
    anthropic: httpx.Client, code_month: dict[date, list[Any]]
) -> None:
    names = {key["id"]: key["name"] for key in listed(anthropic, "/api_keys")}
    found = buckets(anthropic, USAGE, [*window(date(2026, 2, 1), date(2026, 3, 1)), *FIVE])
    in_usage: Counter[tuple[str, str, str]] = Counter()
    for bucket in found:
        for row in bucket["results"]:
            name = names.get(row["api_key_id"], "")
            if name.startswith("claude_code_key_"):
                classes = token_classes(row)
                where = (bucket["starting_at"][:10], row["model"])
                in_usage[*where, "input"] += classes["uncached_input_tokens"]
                in_usage[*where, "output"] += classes["output_tokens"]
                in_usage[*where, "cache_read"] += classes["cache_read_input_tokens"]
                in_usage[*where, "cache_creation"] += (
                    classes["cache_creation.ephemeral_5m_input_tokens"]
                    + classes["cache_creation.ephemeral_1h_input_tokens"]
                )
    reported: Counter[tuple[str, str, str]] = Counter()
    for day, records in code_month.items():
        for record in records:
            if record["customer_type"] == "api" and record["actor"].get("api_key_name") != "laptop":
                for entry in record["model_breakdown"]:
                    for name, count in entry["tokens"].items():
                        reported[str(day), entry["model"], name] += count
    assert +reported == +in_usage
    assert sum(reported.values()) > 0


def at_list_price(day: date, entry: dict[str, Any], context: str, write: str) -> Decimal:
    """Cents of a model's tokens if all were in one context and all writes of one life."""
    tokens = entry["tokens"]
    classes = {
        "uncached_input_tokens": tokens["input"],
        "output_tokens": tokens["output"],
        "cache_read_input_tokens": tokens["cache_read"],
        f"cache_creation.ephemeral_{write}_input_tokens": tokens["cache_creation"],
    }
    cents = (
        100 * count * price(day, entry["model"], "standard", context, name)
        for name, count in classes.items()
    )
    return sum(cents, Decimal())


def test_estimates_are_whole_cents_between_the_least_and_the_most_the_tokens_can_cost(
    code_month: dict[date, list[Any]],
) -> None:
    """The report splits neither cache writes by their life nor models by their context."""
    for day, records in code_month.items():
        for entry in (entry for record in records for entry in record["model_breakdown"]):
            cents = entry["estimated_cost"]["amount"]
            assert isinstance(cents, int)
            dearest = at_list_price(
                day, entry, "200k-1M" if entry["model"] == SONNET else "0-200k", "1h"
            )
            least = at_list_price(day, entry, "0-200k", "5m")
            assert least.quantize(Decimal(1), ROUND_HALF_UP) <= cents <= dearest + 1


def test_a_shared_key_name_makes_records_of_two_people(
    code_month: dict[date, list[Any]], truth: Truth
) -> None:
    laptops = [
        record
        for records in code_month.values()
        for record in records
        if record["actor"].get("api_key_name") == "laptop"
    ]
    assert laptops
    usage = truth.usage_by_person_day(date(2026, 2, 1), date(2026, 2, 28))
    unknown = sum(
        activity.sessions for key, activity in usage.items() if key.owner.kind == "unknown"
    )
    assert unknown == sum(record["core_metrics"]["num_sessions"] for record in laptops)


# --- Directory -------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(path=st.sampled_from(["/api_keys", "/users", "/workspaces"]), limit=st.integers(1, 50))
def test_directory_pages_by_after_id_add_up_to_the_whole(
    anthropic: httpx.Client, path: str, limit: int
) -> None:
    whole = listed(anthropic, path)
    assert listed(anthropic, path, limit) == whole
    assert len({item["id"] for item in whole}) == len(whole) > 0


def test_before_id_pages_backwards(anthropic: httpx.Client) -> None:
    ids = [user["id"] for user in listed(anthropic, "/users")]
    body = exact(anthropic.get("/users", params={"before_id": ids[5], "limit": 3}))
    assert [user["id"] for user in body["data"]] == ids[2:5]
    assert (body["first_id"], body["last_id"]) == (ids[2], ids[4])
    assert body["has_more"] is True


def test_a_directory_page_has_twenty_entries_unless_asked(anthropic: httpx.Client) -> None:
    body = exact(anthropic.get("/api_keys"))
    assert len(body["data"]) == 20
    assert body["has_more"] is True
    # Offsets are ignored silently: a client that counts pages gets the same page for ever.
    assert exact(anthropic.get("/api_keys", params={"page": "2", "offset": "20"})) == body
    refusal(anthropic.get("/api_keys", params={"limit": "1001"}))
    refusal(anthropic.get("/api_keys", params={"after_id": "apikey_01nobody"}))


def test_archived_workspaces_come_only_when_asked(anthropic: httpx.Client) -> None:
    shown = listed(anthropic, "/workspaces")
    everything = listed(anthropic, "/workspaces", include_archived="true")
    hidden = [w for w in everything if w not in shown]
    assert [(w["name"], w["archived_at"] is None) for w in hidden] == [("Hackathon", False)]
    assert all(w["archived_at"] is None for w in shown)
    archived = {k["workspace_id"] for k in listed(anthropic, "/api_keys", status="archived")}
    assert archived == {hidden[0]["id"]}


def test_created_by_may_lead_nowhere_and_names_repeat(
    anthropic: httpx.Client, company: Company
) -> None:
    users = {user["id"]: user["email"] for user in listed(anthropic, "/users")}
    assert company.people[RECENT_LEAVER].email not in users.values()
    keys = listed(anthropic, "/api_keys")
    removed = {
        key["name"]
        for key in keys
        if key["created_by"]["type"] == "user" and key["created_by"]["id"] not in users
    }
    assert "legacy-script" in removed
    by_service = [key for key in keys if key["created_by"]["type"] == "service_account"]
    assert any(key["name"].startswith("claude_code_key_") for key in by_service)
    laptops = [key for key in keys if key["name"] == "laptop"]
    assert len({users[key["created_by"]["id"]] for key in laptops}) == len(laptops) == 2
    leaver = company.people[RECENT_LEAVER].handle
    statuses = {key["status"] for key in keys if leaver in key["name"].replace("-", ".")}
    assert statuses == {"inactive"}


def test_every_key_and_workspace_of_the_reports_is_in_the_directory(
    anthropic: httpx.Client, grouped: list[Any]
) -> None:
    rows = [row for bucket in grouped for row in bucket["results"]]
    keys = {key["id"]: key for key in listed(anthropic, "/api_keys")}
    assert {row["api_key_id"] for row in rows} - {None} <= keys.keys()
    for row in rows:
        if row["api_key_id"]:
            assert keys[row["api_key_id"]]["workspace_id"] == row["workspace_id"]
    known = {w["id"] for w in listed(anthropic, "/workspaces", include_archived="true")}
    assert {row["workspace_id"] for row in rows} - {None} == known


def test_the_organisation_has_the_id_that_claude_code_names(
    anthropic: httpx.Client, code_month: dict[date, list[Any]]
) -> None:
    me = exact(anthropic.get("/me"))
    named = {record["organization_id"] for day in code_month.values() for record in day}
    assert named == {me["id"]}
