"""Copilot's dollars through the whole graph: what is billed, by whose login the books say it is.

The vendor gives logins alone: `users.csv` knows most of them, the others are nobody's.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from ai_usage.simulator import UNKNOWN, Company, Owner, serve, write_directory_files
from ai_usage.simulator import github_copilot_books as books
from ai_usage.simulator.vendors import VENDOR_KEYS, VENDOR_OPTIONS
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage_tests.support.pipeline import run_window, simulated_settings, warehouse_of, window

pytestmark = pytest.mark.slow

DAYS = window(date(2026, 11, 17), date(2026, 11, 19))
"""In these days the month's pool ends."""
BOUNDS = {"start": DAYS.start, "end": DAYS.end}


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=date(2026, 11, 23), people=30)


@pytest.fixture(scope="module")
def warehouse(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    with serve(company) as base_url:
        settings = simulated_settings(
            tmp_path_factory.mktemp("copilot"),
            base_url,
            company.today,
            DAYS.start,
            COPILOT_TOKEN=VENDOR_KEYS["github_copilot"],
            COPILOT_BASE_URL=f"{base_url}/github_copilot",
            CURSOR_API_KEY="",
            ANTHROPIC_ADMIN_KEY="",
            **VENDOR_OPTIONS["github_copilot"],
        )
        write_directory_files(company, settings.reference_path)
        result = run_window(settings, DAYS, checks=False)
    assert result.success, result.errors
    return warehouse_of(settings)


def owner(company: Company, number: int) -> Owner:
    person = company.people[number]
    return Owner("person", person.email) if books.is_in_register(person) else UNKNOWN


_COSTS = """
SELECT DATE(f.cost_timestamp) AS day, f.user_sk, u.user_email, SUM(f.total_cost_usd) AS dollars
FROM fact_ai_costs AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end
GROUP BY 1, 2, 3
"""


def test_every_billed_dollar_is_once_its_logins_person_or_nobodys(
    company: Company, warehouse: Warehouse
) -> None:
    expected: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for day in DAYS.days():
        for spend in books.spending(company, day):
            expected[day, owner(company, spend.person)] += spend.net
    said: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for row in warehouse.rows(Query(_COSTS, BOUNDS)):
        who = Owner("person", row["user_email"]) if row["user_sk"] else UNKNOWN
        said[row["day"], who] += row["dollars"]
    assert {k: v for k, v in said.items() if v} == {k: v for k, v in expected.items() if v}
    assert UNKNOWN in {who for _, who in said}
    assert len({who for _, who in said}) > 5


_USAGE = """
SELECT f.user_sk, u.user_email, SUM(f.included_value_usd) AS covered,
  SUM(f.output_tokens) AS went, SUM(f.request_count) AS asked
FROM fact_ai_usage AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
WHERE f.date_sk BETWEEN 20261117 AND 20261119
GROUP BY 1, 2
"""


def test_the_pools_dollars_and_the_reports_counts_are_usage_and_never_a_cost(
    company: Company, warehouse: Warehouse
) -> None:
    expected: dict[Owner, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for day in DAYS.days():
        for spend in books.spending(company, day):
            sums = expected[owner(company, spend.person)]
            expected[owner(company, spend.person)] = [
                sums[0] + spend.discount,
                sums[1] + spend.output,
                sums[2],
            ]
        for counted in books.days_of(company, day):
            expected[owner(company, counted.person)][2] += counted.interactions
    said: dict[Owner, list[Decimal]] = {}
    for row in warehouse.rows(Query(_USAGE, {})):
        who = Owner("person", row["user_email"]) if row["user_sk"] else UNKNOWN
        said[who] = [Decimal(row[name] or 0) for name in ("covered", "went", "asked")]
    assert said == dict(expected)
