"""What vendors declare agrees with the tables and with itself."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.vendors.rows import RawEvent

TABLES = Path(__file__).parents[2] / "sql" / "tables"


def columns(table: str) -> set[str]:
    return set(re.findall(r"^  ([a-z_0-9]+) [A-Z]", (TABLES / f"{table}.sql").read_text(), re.M))


def test_the_vendors_are_found_without_being_named() -> None:
    assert [vendor.name for vendor in discovered_vendors()] == [
        "anthropic",
        "claude_enterprise",
        "cursor",
        "github_copilot",
        "openai",
    ]


def test_an_event_has_no_field_that_the_table_lacks() -> None:
    assert set(RawEvent.__struct_fields__) - columns("raw_ai_events") == {"identity", "record"}


@pytest.mark.parametrize("vendor", discovered_vendors(), ids=lambda vendor: vendor.name)
def test_platform_rows_fill_known_columns_of_the_documents_sets(vendor: Vendor) -> None:
    for row in vendor.platforms:
        assert row.platform_code == vendor.name
        assert set(row.values) <= columns("dim_platforms")
        assert row.values["category"] in ("coding_assistant", "llm_api", "chat_interface")
        assert row.values["cost_model"] in ("subscription", "usage_based", "hybrid")
        assert row.values.get("unit_type", "tokens") in ("tokens", "requests", "lines")


def test_every_product_has_its_row() -> None:
    found = {
        (r.platform_code, r.platform_subtype) for v in discovered_vendors() for r in v.platforms
    }
    assert found == {
        ("cursor", "cursor"),
        ("anthropic", "claude_api"),
        ("anthropic", "claude_code"),
        ("anthropic", "claude_web"),
        ("claude_enterprise", "claude_code"),
        ("claude_enterprise", "claude_web"),
        ("openai", "openai_api"),
        ("openai", "chatgpt"),
        ("github_copilot", "github_copilot"),
    }


def test_days_settle_when_their_vendors_say() -> None:
    found = {
        f"{v.name} {e.name}": e.finalization_lag
        for v in discovered_vendors()
        for e in v.endpoints
        if e.kind == "range"
    }
    hours = {
        name: finalization_lag // timedelta(hours=1) for name, finalization_lag in found.items()
    }
    assert hours == {
        "cursor daily_usage": 2,
        "cursor usage_events": 24,
        "anthropic usage_report": 2,
        "anthropic cost_report": 24,
        "anthropic claude_code": 2,
        "claude_enterprise usage": 24,
        "claude_enterprise cost": 24,
        "claude_enterprise users": 72,
        "github_copilot billing": 72,
        "github_copilot user_reports": 72,
        "openai usage": 2,
        "openai costs": 24,
    }


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 400), st.integers(1, 40))
def test_chunks_hold_every_day_once_and_keep_the_limit(start: date, length: int, most: int) -> None:
    window = Window(start, start + timedelta(days=length))
    chunks = window.chunks(most)
    assert [day for chunk in chunks for day in chunk.days()] == window.days()
    assert all(len(chunk.days()) <= most for chunk in chunks)
    assert all(one.end == other.start for one, other in pairwise(chunks))
