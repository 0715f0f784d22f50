"""Which bills should have come, by what was billed before and what the mapping still says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ai_usage.finance import Rates
from ai_usage.focus.due import due_bills
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import newest_bills
from ai_usage.focus.taking import Known
from ai_usage_tests.focus.support import CLOUD, MODELS, Shelf, line, mapped, written


def bill(shelf: Shelf, tmp_path: Path, start: str, end: str, service: str = "Models") -> None:
    """A bill of one fee."""
    fee = line(
        1,
        "5",
        ChargeCategory="Purchase",
        ServiceName=service,
        BillingPeriodStart=f"{start}T00:00:00Z",
        BillingPeriodEnd=f"{end}T00:00:00Z",
        ChargePeriodStart=f"{start}T00:00:00Z",
        ChargePeriodEnd=f"{end}T00:00:00Z",
    )
    shelf.take(written(tmp_path / f"{start}.csv", [fee]))


def due(shelf: Shelf, today: str, services: Services = MODELS) -> list[str]:
    found = due_bills(newest_bills(shelf.archive), services, date.fromisoformat(today))
    return [f"{one.account} {one.days} {','.join(one.platforms)}" for one in found]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, Known(MODELS, Rates()))


def test_the_next_month_is_due_ten_days_after_its_end(shelf: Shelf, tmp_path: Path) -> None:
    assert due(shelf, "2030-01-01") == [], "who never billed anything owes nothing"
    bill(shelf, tmp_path, "2026-01-01", "2026-02-01")
    assert due(shelf, "2026-03-10") == []
    assert due(shelf, "2026-03-11") == ["acc-1 2026-02-01..2026-02-28 sky_models"]
    assert due(shelf, "2026-04-11") == [
        "acc-1 2026-02-01..2026-02-28 sky_models",
        "acc-1 2026-03-01..2026-03-31 sky_models",
    ]


def test_a_month_between_two_bills_is_due(shelf: Shelf, tmp_path: Path) -> None:
    bill(shelf, tmp_path, "2026-01-01", "2026-02-01")
    bill(shelf, tmp_path, "2026-03-01", "2026-04-01")
    assert due(shelf, "2026-04-02") == ["acc-1 2026-02-01..2026-02-28 sky_models"]


def test_periods_that_are_no_calendar_months_go_on_as_they_are(
    shelf: Shelf, tmp_path: Path
) -> None:
    bill(shelf, tmp_path, "2025-12-31", "2026-01-31")
    assert due(shelf, "2026-03-09") == []
    assert due(shelf, "2026-03-10") == ["acc-1 2026-01-31..2026-02-27 sky_models"]


def test_the_end_of_the_mappings_line_ends_what_is_owed(shelf: Shelf, tmp_path: Path) -> None:
    bill(shelf, tmp_path, "2026-01-01", "2026-02-01")
    ended = mapped("Models,sky_models,2026-02-28", head="service,platform,valid_to")
    assert due(shelf, "2026-06-01", ended) == ["acc-1 2026-02-01..2026-02-28 sky_models"]
    excluded = mapped("Models,exclude", head="service,treatment")
    assert due(shelf, "2026-06-01", excluded) == []


def test_an_account_without_a_tool_owes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    bill(shelf, tmp_path, "2026-01-01", "2026-02-01", service="Disk")
    assert due(shelf, "2026-06-01") == []
    assert due(shelf, "2026-03-15", mapped(f"Disk,disk,{CLOUD}", head="service,platform,provider"))
