"""What members spent in a billing cycle, from the vendor's answer to the view."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage_tests.support.pipeline import (
    NO_SERVER,
    run_window,
    simulated_settings,
    warehouse_of,
)

TODAY = date(2026, 3, 18)
BEGAN = datetime(2026, 3, 8, 14, 23, tzinfo=UTC)
BUILT = "key:raw_ai_events or key:raw_member_spend or key:vw_member_spend"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    without = {"CURSOR_API_KEY": "", "ANTHROPIC_ADMIN_KEY": ""}
    return simulated_settings(tmp_path, NO_SERVER, TODAY, date(2026, 3, 1), **without)


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def keep(settings: Settings, endpoint: str, days: Window, at: datetime, body: Any) -> None:
    """An answer of Cursor's, as the archive has it."""
    recording = Archive(settings.archive_root).recording("cursor", endpoint, days, fetched_at=at)
    with recording as recorder:
        recorder.add(Page(json.dumps(body).encode(), "by hand"))


def charge(at: datetime, cents: int) -> dict[str, Any]:
    return {
        "timestamp": str(milliseconds(at)),
        "userEmail": "ann@x.io",
        "model": "m",
        "kind": "Usage-based",
        "isChargeable": True,
        "chargedCents": cents,
    }


@pytest.fixture
def answered(settings: Settings) -> Settings:
    """Ann was charged 20 dollars in the morning on which the cycle began, and 12 in the cycle."""
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    spent = {
        "teamMemberSpend": [{"userId": 1, "email": "ann@x.io", "spendCents": 1200}],
        "subscriptionCycleStart": milliseconds(BEGAN),
        "totalMembers": 1,
        "totalPages": 1,
    }
    keep(settings, "spend", Window.day(noon.date()), noon, spent)
    events = [charge(datetime(2026, 3, 8, 9, tzinfo=UTC), 2000), charge(BEGAN, 1200)]
    body = {
        "totalUsageEventsCount": 2,
        "pagination": {"numPages": 1, "currentPage": 1, "pageSize": 100, "hasNextPage": False},
        "usageEvents": events,
    }
    keep(settings, "usage_events", Window(date(2026, 3, 7), date(2026, 3, 10)), noon, body)
    return settings


def differences(settings: Settings) -> list[Decimal]:
    rows = warehouse_of(settings).rows("SELECT spend_difference_usd FROM vw_member_spend")
    return [row["spend_difference_usd"] for row in rows]


def test_a_cycle_that_begins_within_a_day_is_compared_from_its_instant(answered: Settings) -> None:
    result = run_window(answered, Window(date(2026, 3, 7), date(2026, 3, 11)), selection=BUILT)
    assert result.success, result.errors
    assert differences(answered) == [Decimal(0)]


def test_snapshots_from_before_the_instant_was_kept_are_built_again(answered: Settings) -> None:
    """An upgrade: the next run's days lie after them."""
    run_window(answered, Window(date(2026, 3, 7), date(2026, 3, 11)), selection=BUILT, checks=False)
    warehouse = warehouse_of(answered)
    assert isinstance(warehouse, DuckDBWarehouse)
    old = warehouse.read("raw_member_spend").set_column(
        warehouse.read("raw_member_spend").column_names.index("cycle_started_at"),
        "cycle_started_at",
        [[None]],
    )
    schema = warehouse.read("raw_member_spend").schema
    warehouse.replace("raw_member_spend", Window.day(date(2026, 3, 10)), old.cast(schema))
    assert differences(answered) == [Decimal(-20)]
    run_window(answered, Window.day(TODAY), selection=BUILT, checks=False)
    assert differences(answered) == [Decimal(0)]
