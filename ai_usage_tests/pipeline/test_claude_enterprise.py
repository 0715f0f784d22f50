"""Claude Enterprise and the cost analytics through the whole graph: each dollar is borne once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ai_usage.simulator import (
    ANTHROPIC_KEY,
    ENTERPRISE_KEY,
    UNKNOWN,
    Company,
    Owner,
    serve,
    write_directory_files,
)
from ai_usage.simulator.analytics_books import console_dollars
from ai_usage.simulator.enterprise_books import enterprise_dollars
from ai_usage.vendors import anthropic, claude_enterprise
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage_tests.support.pipeline import (
    run_window,
    simulated_settings,
    warehouse_of,
    window,
)

pytestmark = pytest.mark.slow

DAYS = window(date(2026, 3, 3), date(2026, 3, 5))
SINCE = date(2026, 3, 4)

_COSTS = """
SELECT DATE(f.cost_timestamp) AS day, f.user_sk, u.user_email, p.platform_code AS platform,
  SUM(f.total_cost_usd) AS dollars
FROM fact_ai_costs AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end
GROUP BY 1, 2, 3, 4
"""


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=date(2026, 3, 5), anchor=date(2026, 1, 1), people=30)


@pytest.fixture(scope="module")
def warehouse(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    with serve(company) as base_url:
        settings = simulated_settings(
            tmp_path_factory.mktemp("enterprise"),
            base_url,
            company.today,
            DAYS.start,
            ANTHROPIC_ADMIN_KEY=ANTHROPIC_KEY,
            ANTHROPIC_BASE_URL=f"{base_url}/anthropic",
            ANTHROPIC_ANALYTICS_COST_FROM=f"{SINCE}",
            CLAUDE_ENTERPRISE_KEY=ENTERPRISE_KEY,
            CLAUDE_ENTERPRISE_BASE_URL=f"{base_url}/claude_enterprise",
        )
        write_directory_files(company, settings.reference_path)
        vendors = [anthropic.VENDOR, claude_enterprise.VENDOR]
        result = run_window(settings, DAYS, vendors=vendors, checks=False)
    assert result.success, result.errors
    return warehouse_of(settings)


def borne(warehouse: Warehouse, platform: str) -> dict[date, dict[Owner, Decimal]]:
    found: dict[date, dict[Owner, Decimal]] = {day: {} for day in DAYS.days()}
    for row in warehouse.rows(Query(_COSTS, {"start": DAYS.start, "end": DAYS.end})):
        if row["platform"] == platform:
            owner = Owner("person", row["user_email"]) if row["user_sk"] else UNKNOWN
            own = found[row["day"]]
            own[owner] = own.get(owner, Decimal(0)) + row["dollars"]
    return found


def test_credits_are_borne_by_who_used_them_and_no_token_of_the_console_twice(
    company: Company, warehouse: Warehouse
) -> None:
    said = borne(warehouse, "claude_enterprise")
    for day in DAYS.days():
        # What names nobody, and what names a member who was deleted, is nobody's: not the others'.
        assert said[day] == enterprise_dollars(company, day)
        assert len(said[day]) > 2


def test_the_consoles_dollars_come_from_one_report_a_day_and_the_newer_splits_nothing(
    company: Company, warehouse: Warehouse
) -> None:
    said = borne(warehouse, "anthropic")
    for day in DAYS.days():
        cents = sum((line.cents for line in company.cost_lines(day)), Decimal(0))
        assert sum(said[day].values()) == cents / 100 > 0, day
    for day in (SINCE, DAYS.days()[-1]):
        truth = console_dollars(company, day)
        exact = {o: d for o, d in truth.items() if o.kind == "person" and said[day].get(o) == d}
        people = [owner for owner in truth if owner.kind == "person"]
        assert len(exact) == len(people), set(people) - exact.keys()
