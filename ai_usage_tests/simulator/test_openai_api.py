"""OpenAI's endpoints through real HTTP: shapes, pages, limits and refusals of the contract.

And what the vendor's module reads from them, held against the company's books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ai_usage.days.windows import Window
from ai_usage.simulator import OPENAI_KEY, UNKNOWN, Company, OpenAiTruth, Owner
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.openai import VENDOR
from ai_usage_tests.simulator.conftest import TODAY
from ai_usage_tests.simulator.reading import exact, ms

NOW = datetime.combine(TODAY, time(12), UTC)
DAYS = Window(date(2026, 3, 9), date(2026, 3, 12))
"""Monday to Wednesday; the company's anchor is 2026-01-01."""
EARLY = Window(date(2025, 11, 3), date(2025, 11, 5))
"""More than 30 days before the anchor: costs by person are refused there."""


@pytest.fixture(scope="session")
def openai(base_url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {OPENAI_KEY}"}
    with httpx.Client(base_url=f"{base_url}/openai/v1/organization", headers=headers) as client:
        yield client


@pytest.fixture(scope="session")
def books(company: Company) -> OpenAiTruth:
    return OpenAiTruth(company)


def window(days: Window) -> list[tuple[str, Any]]:
    return [
        ("start_time", str(ms(days.start) // 1000)),
        ("end_time", str(ms(days.end) // 1000)),
    ]


def fetched(base_url: str, endpoint: str, days: Window) -> list[Any]:
    """What the vendor's module asks for and reads."""
    asked = VENDOR.endpoint(endpoint)
    with VendorClient(VENDOR, SecretStr(OPENAI_KEY), base_url=f"{base_url}/openai") as client:
        pages = [page.body for page in asked.fetch(client, days, NOW)]
    return list(asked.read(pages, ReadContext(days)))


def test_only_the_organizations_admin_key_opens_it(base_url: str) -> None:
    for headers in ({}, {"Authorization": "Bearer sk-proj-x"}, {"x-api-key": OPENAI_KEY}):
        found = httpx.get(f"{base_url}/openai/v1/organization/users", headers=headers)
        assert found.status_code == 401
        assert found.json()["error"].keys() == {"message", "type", "param", "code"}


def test_arrays_are_taken_with_brackets_and_without(openai: httpx.Client) -> None:
    found = [
        exact(openai.get("/usage/completions", params=[*window(DAYS), (name, "model")]))
        for name in ("group_by", "group_by[]")
    ]
    assert found[0]["data"] == found[1]["data"]
    rows = [row for bucket in found[0]["data"] for row in bucket["results"]]
    assert rows
    assert all(row["model"] and row["project_id"] is row["api_key_id"] is None for row in rows)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/usage/completions", [("group_by", "line_item")]),
        ("/usage/vector_stores", [("group_by", "api_key_id")]),
        ("/usage/completions", [("limit", "32")]),
        ("/costs", [("limit", "181")]),
        ("/costs", [("bucket_width", "1h")]),
        ("/costs", [("page", "page_of_another")]),
        ("/users", [("limit", "101")]),
        ("/users", [("after", "user_nobody")]),
    ],
)
def test_what_the_vendor_refuses_is_refused(
    openai: httpx.Client, path: str, params: list[tuple[str, Any]]
) -> None:
    found = openai.get(path, params=[*window(DAYS), *params])
    assert (found.status_code, found.json()["error"]["type"]) == (400, "invalid_request_error")


def test_reports_come_in_pages_of_whole_days(openai: httpx.Client) -> None:
    params = [*window(DAYS), ("limit", "2")]
    first = exact(openai.get("/costs", params=params))
    second = exact(openai.get("/costs", params=[*params, ("page", first["next_page"])]))
    assert (first["has_more"], second["has_more"], second["next_page"]) == (True, False, None)
    starts = [bucket["start_time"] for page in (first, second) for bucket in page["data"]]
    assert starts == [ms(day) // 1000 for day in DAYS.days()]


def test_costs_by_person_and_project_are_refused_for_an_early_range(openai: httpx.Client) -> None:
    by = [("group_by[]", "project_id"), ("group_by[]", "user_id")]
    assert openai.get("/costs", params=[*window(EARLY), *by]).status_code == 400
    assert openai.get("/costs", params=[*window(EARLY), *by[1:]]).status_code == 200
    assert openai.get("/costs", params=[*window(DAYS), *by]).status_code == 200


def test_amounts_are_numbers_on_one_day_and_texts_on_the_next(openai: httpx.Client) -> None:
    buckets = exact(openai.get("/costs", params=window(DAYS)))["data"]
    kinds = [
        {type(r["amount"]["value"]) for r in bucket["results"]} & {str, Decimal}
        for bucket in buckets
    ]
    assert {str} in kinds
    assert {Decimal} in kinds


def test_old_projects_and_keys_without_access_are_listed_where_asked_for(
    openai: httpx.Client, company: Company
) -> None:
    names = [p["name"] for p in exact(openai.get("/projects"))["data"]]
    every = exact(openai.get("/projects", params={"include_archived": "true"}))["data"]
    assert (names, [p["name"] for p in every]) == (
        ["Assistant", "Search"],
        ["Assistant", "Search", "Pilot"],
    )
    shown = {"any": 0, "": 0}
    for project in every:
        for access in shown:
            params = {"owner_project_access": access} if access else {}
            path = f"/projects/{project['id']}/api_keys"
            shown[access] += len(exact(openai.get(path, params={"limit": "100", **params}))["data"])
    assert shown["any"] == sum(key.created <= TODAY for key in company.openai.keys)
    assert 0 < shown[""] < shown["any"]


@pytest.mark.parametrize("days", [DAYS, EARLY], ids=["by person", "without"])
def test_the_costs_that_are_read_are_the_books_to_the_last_digit(
    base_url: str, books: OpenAiTruth, days: Window
) -> None:
    found: dict[date, Decimal] = defaultdict(Decimal)
    lines = fetched(base_url, "costs", days)
    for line in lines:
        assert line.validation_errors == []
        found[line.event_date] += line.cost_usd
    assert found == {day: books.dollars(day) for day in days.days()}
    by_person = any(line.vendor_user_id for line in lines)
    assert by_person is (days is DAYS)
    # What names neither key nor person has a project whose usage splits it.
    unnamed = [line for line in lines if line.api_key_id is None]
    assert unnamed
    assert all(line.workspace_id for line in unnamed)


def owners(base_url: str) -> dict[str, Owner]:
    """By account, as a person who has both lists would work it out."""
    today = Window.day(TODAY)
    addresses = {p.vendor_user_id: p.user_email for p in fetched(base_url, "users", today)}
    found = {}
    for key in fetched(base_url, "api_keys", today):
        address = addresses.get(key.created_by_id or "")
        found[key.api_key_id] = Owner("person", address) if address else UNKNOWN
    return found


def test_what_was_used_is_the_books_by_person(
    base_url: str, company: Company, books: OpenAiTruth
) -> None:
    by_account = owners(base_url)
    tokens: dict[tuple[date, Owner], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    other: dict[str, Decimal] = defaultdict(Decimal)
    for event in fetched(base_url, "usage", DAYS):
        assert event.validation_errors == []
        owner = by_account[event.api_key_id] if event.api_key_id else UNKNOWN
        counts = tokens[event.event_date, owner]
        for at, name in enumerate(
            ("input_tokens", "cache_read_tokens", "cached_input_tokens", "output_tokens")
        ):
            counts[at] += getattr(event, name) or 0
        if event.quantity_unit:
            other[event.quantity_unit] += event.quantity
    expected = {
        (day, owner): list(counts)
        for day in DAYS.days()
        for owner, counts in books.tokens_by_owner(day).items()
    }
    assert tokens == expected
    kinds = {
        "audio_speeches": "characters",
        "audio_transcriptions": "seconds",
        "images": "images",
        "vector_stores": "bytes",
        "code_interpreter_sessions": "sessions",
        "file_search_calls": "searches",
    }
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for day in DAYS.days():
        for used in company.openai_usage(day):
            if used.kind in kinds:
                amounts[kinds[used.kind]] += used.amount
    assert other == amounts
    assert len(amounts) == 6


def test_dollars_by_account_are_the_books_by_person(base_url: str, books: OpenAiTruth) -> None:
    by_account = owners(base_url)
    found: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for line in fetched(base_url, "costs", DAYS):
        owner = by_account[line.api_key_id] if line.api_key_id else UNKNOWN
        found[line.event_date, owner] += line.cost_usd
    assert found == {
        (day, owner): dollars
        for day in DAYS.days()
        for owner, dollars in books.dollars_by_owner(day).items()
    }
    assert len({owner for _, owner in found}) > 5


def test_the_books_are_worked_out_from_prices_and_counts(company: Company) -> None:
    """A line by hand: 1,000,000 tokens of the big model's output are 8 dollars, in batch 4."""
    from ai_usage.simulator.openai_books import BIG, GIB, OpenAiUsage, lines_of

    def dollars(**fields: Any) -> dict[str, Decimal]:
        used = OpenAiUsage(day=TODAY, project_id="p", **fields)
        return {line.line_item: line.dollars for line in lines_of([used])}

    assert dollars(kind="completions", model=BIG, output=1_000_000, cached=10) == {
        f"{BIG}, output_tokens": Decimal(8),
        f"{BIG}, input_cached_tokens": Decimal("0.000005"),
    }
    assert dollars(kind="completions", model=BIG, batch=True, output=1_000_000) == {
        f"{BIG}, output_tokens": Decimal(4)
    }
    assert dollars(kind="vector_stores", amount=3 * GIB) == {"File storage": Decimal("0.30")}
    assert dollars(kind="moderations", model="moderation-sim-1", uncached=9) == {}


def test_a_day_to_come_has_no_bucket_and_today_is_half_a_day(
    openai: httpx.Client, company: Company
) -> None:
    days = Window(TODAY, TODAY + timedelta(days=3))
    found = exact(openai.get("/usage/completions", params=window(days)))["data"]
    assert [bucket["start_time"] for bucket in found] == [ms(TODAY) // 1000]
    later = company.on(TODAY + timedelta(days=1)).openai_usage(TODAY)
    assert sum(u.output for u in company.openai_usage(TODAY)) < sum(u.output for u in later)
