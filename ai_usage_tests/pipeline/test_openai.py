"""OpenAI's dollars through the whole graph: each is borne once, by who the books say.

On these days the vendor refuses costs by person: lines of the playground name neither key nor
person, and are split by usage, which does.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_DOWN, Decimal

import pytest

from ai_usage.simulator import OPENAI_KEY, UNKNOWN, Company, OpenAiTruth, Owner, serve
from ai_usage.simulator.openai_books import Line, OpenAiUsage
from ai_usage.vendors.openai import VENDOR
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage_tests.support.pipeline import (
    run_window,
    simulated_settings,
    warehouse_of,
    window,
)

pytestmark = pytest.mark.slow

DAYS = window(date(2025, 11, 3), date(2025, 11, 4))
MICRO = Decimal("0.000001")

_COSTS = """
SELECT DATE(f.cost_timestamp) AS day, f.user_sk, u.user_email, p.platform_subtype,
  SUM(f.total_cost_usd) AS dollars
FROM fact_ai_costs AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end
GROUP BY 1, 2, 3, 4
"""


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(today=date(2025, 11, 4), anchor=date(2026, 1, 1), people=30)


@pytest.fixture(scope="module")
def warehouse(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    with serve(company) as base_url:
        settings = simulated_settings(
            tmp_path_factory.mktemp("openai"),
            base_url,
            company.today,
            DAYS.start,
            OPENAI_ADMIN_KEY=OPENAI_KEY,
            OPENAI_BASE_URL=f"{base_url}/openai",
        )
        result = run_window(settings, DAYS, vendors=[VENDOR], checks=False)
    assert result.success, result.errors
    return warehouse_of(settings)


def account(record: Line | OpenAiUsage) -> tuple[str | None, str | None]:
    """A key, else the person who used the playground."""
    return (record.key_id, None) if record.key_id else (None, record.user_id)


def weight(used: OpenAiUsage, line_item: str) -> int:
    """What the line bills of a record, worked out from the line's words alone."""
    token_class = line_item.rpartition(", ")[2]
    whole = used.uncached + used.cached + used.written + used.output
    classes = {
        "input_tokens": used.uncached,
        "input_cached_tokens": used.cached,
        "output_tokens": used.output,
    }
    return classes.get(token_class, whole)


def split(dollars: Decimal, line_item: str, usage: list[OpenAiUsage]) -> dict[tuple, Decimal]:  # type: ignore[type-arg]
    """By who used the line's model; where nobody did, by all that the project used."""
    model = line_item.rpartition(", ")[0]
    weights: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for around in ([used for used in usage if not model or used.model == model], usage):
        for used in around:
            weights[account(used)] += weight(used, line_item)
        if any(weights.values()):
            break
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda who: (-weights[who], who[0] or who[1] or ""))
    shares = {
        who: (dollars * weights[who] / total).quantize(MICRO, rounding=ROUND_DOWN) for who in ranked
    }
    shares[ranked[0]] += dollars - sum(shares.values())
    return shares


def expected(company: Company, day: date) -> dict[Owner, Decimal]:
    books = OpenAiTruth(company)
    found: dict[Owner, Decimal] = defaultdict(Decimal)
    unnamed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in company.openai_lines(day):
        if line.key_id is None:
            unnamed[line.project_id, line.line_item] += line.dollars
        else:
            found[books.owner(line.key_id, line.user_id)] += line.dollars
    for (project, line_item), dollars in unnamed.items():
        usage = [used for used in company.openai_usage(day) if used.project_id == project]
        for who, share in split(dollars, line_item, usage).items():
            found[books.owner(*who)] += share
    return {owner: dollars for owner, dollars in found.items() if dollars}


def test_every_dollar_is_borne_once_and_by_who_the_books_say(
    company: Company, warehouse: Warehouse
) -> None:
    said: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for row in warehouse.rows(Query(_COSTS, {"start": DAYS.start, "end": DAYS.end})):
        assert row["platform_subtype"] == "openai_api"
        owner = Owner("person", row["user_email"]) if row["user_sk"] else UNKNOWN
        said[row["day"], owner] += row["dollars"]
    assert said == {
        (day, owner): dollars
        for day in DAYS.days()
        for owner, dollars in expected(company, day).items()
    }
    books = OpenAiTruth(company)
    for day in DAYS.days():
        assert sum(d for (at, _), d in said.items() if at == day) == books.dollars(day) > 0
    assert len({owner for _, owner in said}) > 5


_USAGE = """
SELECT f.user_sk, u.user_email, SUM(f.input_tokens) AS came, SUM(f.output_tokens) AS went
FROM fact_ai_usage AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
WHERE f.date_sk = @day
GROUP BY 1, 2
"""


def test_tokens_of_keys_and_of_the_playground_are_their_persons(
    company: Company, warehouse: Warehouse
) -> None:
    day = DAYS.start
    said = {
        Owner("person", row["user_email"]) if row["user_sk"] else UNKNOWN: (
            row["came"] or 0,
            row["went"] or 0,
        )
        for row in warehouse.rows(Query(_USAGE, {"day": int(f"{day:%Y%m%d}")}))
    }
    truth = OpenAiTruth(company).tokens_by_owner(day)
    expected = {owner: (counts[0], counts[3]) for owner, counts in truth.items()}
    assert {k: v for k, v in said.items() if any(v)} == {
        k: v for k, v in expected.items() if any(v)
    }
