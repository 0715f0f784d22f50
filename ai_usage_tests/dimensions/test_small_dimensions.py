"""dim_cost_centers, dim_dates, dim_platforms, and the hashes that all keys are made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.identity import dim_dates, dim_platforms, hash_text, surrogate_key
from ai_usage.vendors.base import PlatformRow
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.identity.sources import (
    NOW,
    entry,
    identity,
    nov,
    only,
    register,
    user,
    users,
)


def test_cost_centres_are_all_that_people_keys_or_files_named_and_unknown() -> None:
    found = identity(
        users(
            nov(1),
            user("ann@x.com", cost_center="C1", department="Sales"),
            user("bob@x.com", cost_center="C2", department="R&D"),
        ),
        users(
            nov(9),
            user("ann@x.com", cost_center="C2", department="R&D"),
            user("bob@x.com", cost_center="C2", department="Ops"),
        ),
        register(
            nov(1),
            entry("ann@x.com", "k1", cost_center="C3"),
            entry("ann@x.com", "k2", cost_center="C4", is_active=False),
        ),
        cost_centers=("C4", "C5"),
    )
    rows = found.dim_cost_centers()
    assert [(r["cost_center"], r["departments"], r["is_active"]) for r in rows] == [
        ("Unknown", [], True),
        ("C1", [], False),
        ("C2", ["Ops", "R&D"], True),
        ("C3", [], True),
        ("C4", [], True),
        ("C5", [], True),
    ]
    assert rows[0]["cost_center_sk"] == 0
    assert rows[1]["cost_center_sk"] == surrogate_key("C1")
    assert table_schema("dim_cost_centers").to_arrow(rows).num_rows == 6


def test_the_calendar_runs_to_the_end_of_the_running_year() -> None:
    rows = dim_dates(date(2024, 12, 30), date(2025, 3, 1))
    assert (rows[0]["date"], rows[-1]["date"]) == (date(2024, 12, 30), date(2025, 12, 31))
    assert [row["date_sk"] for row in rows[:3]] == [20241230, 20241231, 20250101]
    assert table_schema("dim_dates").to_arrow(rows).num_rows == 2 + 365


def test_a_calendar_day_is_described_as_declared() -> None:
    day = only(r for r in dim_dates(date(2024, 1, 1), date(2024, 1, 1)) if r["date_sk"] == 20240229)
    assert day == {
        "date_sk": 20240229,
        "date": date(2024, 2, 29),
        "year": 2024,
        "quarter": 1,
        "month": date(2024, 2, 1),
        "month_number": 2,
        "iso_week": "2024-W09",
        "day_of_month": 29,
        "day_of_week": 3,
        "is_weekday": True,
        "is_month_end": True,
        "days_in_month": 29,
    }


def test_platforms_csv_adds_to_and_overrides_the_vendors_rows() -> None:
    vendors = [
        PlatformRow("cursor", "cursor", "Cursor", {"vendor": "Anysphere", "category": "x"}),
        PlatformRow("anthropic", "claude_api", "Claude API", {}),
    ]
    maintained: list[dict[str, Any]] = [
        {"platform_code": "cursor", "platform_subtype": "cursor", "category": "coding_assistant"}
        | {"vendor": None, "platform_name": None, "is_active": False},
        {"platform_code": "openai", "platform_subtype": "codex", "vendor": None},
    ]
    prices = {("cursor", "cursor"): {"base_subscription_cost_usd": Decimal("37.50")}}
    rows = dim_platforms(vendors, maintained, prices, NOW, {"anthropic": "Anthropic"})
    table = table_schema("dim_platforms").to_arrow(rows).to_pylist()
    assert [
        (r["platform_code"], r["platform_name"], r["vendor"], r["category"], r["is_active"])
        for r in table
    ] == [
        ("unknown", "Unknown", None, None, True),
        ("anthropic", "Anthropic (whole platform)", None, None, True),
        ("anthropic", "Claude API", None, None, True),
        ("cursor", "cursor (whole platform)", None, None, True),
        ("cursor", "Cursor", "Anysphere", "coding_assistant", False),
        ("openai", "openai (whole platform)", None, None, True),
        ("openai", "codex", None, None, True),
    ]
    assert table[0]["platform_sk"] == 0
    assert table[3]["platform_sk"] == surrogate_key("cursor", "all")
    assert table[4]["platform_sk"] == surrogate_key("cursor", "cursor")
    assert {row["platform_name"]: row["base_subscription_cost_usd"] for row in table} == {
        **{row["platform_name"]: None for row in table},
        "Cursor": Decimal("37.50"),
    }


def test_the_line_of_platforms_csv_for_all_names_the_platform_as_a_whole() -> None:
    line = {"platform_code": "cursor", "platform_subtype": "all", "platform_name": "Cursor, all"}
    rows = dim_platforms([PlatformRow("cursor", "cursor", "Cursor", {})], [line], {}, NOW)
    assert [row["platform_name"] for row in rows] == ["Unknown", "Cursor, all", "Cursor"]


@pytest.mark.parametrize("parts", [("ab", "c"), ("a", "bc"), ("abc",), ("a", None), ("a", "-")])
def test_no_two_lists_of_parts_hash_alike(parts: tuple[str | None, ...]) -> None:
    others = [("ab", "c"), ("a", "bc"), ("abc",), ("a", None), ("a", "-")]
    assert [hash_text(*other) for other in others].count(hash_text(*parts)) == 1


@given(
    st.lists(st.none() | st.text(st.characters(exclude_characters="\0")), min_size=1, max_size=3)
)
@settings(max_examples=50, deadline=None)
def test_the_warehouse_hashes_the_same(parts: list[str | None]) -> None:
    part = "CASE WHEN {0} IS NULL THEN '-' ELSE CONCAT(CAST(LENGTH({0}) AS VARCHAR), ':', {0}) END"
    text = ", ".join(part.format(f"CAST(${n} AS VARCHAR)") for n in range(1, len(parts) + 1))
    key = "CAST(CONCAT('0x', SUBSTR(h, 1, 15)) AS BIGINT)"
    sql = f"SELECT h, {key} FROM (SELECT SHA256(CONCAT({text})) h)"
    assert duckdb.execute(sql, parts).fetchone() == (hash_text(*parts), surrogate_key(*parts))
