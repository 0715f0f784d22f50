"""Random closes and restatements: every value of vw_adjustments equals the plain reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage_tests.sql.adjustments_reference import Ledger, adjustments_view
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.reference import Row
from ai_usage_tests.sql.test_finance_views_against_reference import (
    CALENDAR,
    assert_same,
    examples,
)
from ai_usage_tests.sql.test_views_against_reference import PEOPLE, companies, days

CLOSABLE = [date(2025, 5, 1), date(2025, 6, 1), date(2025, 7, 1), date(2025, 8, 1)]
"""The first lies before the window that the view is read for."""
products = st.sampled_from(["cursor", "claude_api"])
dollars = st.sampled_from([None, Decimal(0), Decimal(10), Decimal("10.5"), Decimal(70)])
hours = st.integers(0, 90 * 24)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    company = draw(companies())
    closed: list[Row] = []
    for month in draw(st.lists(st.sampled_from(CLOSABLE), unique=True)):
        at = datetime(2025, 8, 1, 9, tzinfo=UTC) + timedelta(hours=draw(hours))
        closed += [
            {
                "month": month,
                "platform": draw(products),
                "user_sk": 1,
                "user_email": draw(st.sampled_from([*PEOPLE, "Shared", "Unattributed"])),
                "cost_center": draw(st.sampled_from(["CC-1", "CC-3", "Unassigned"])),
                "total_cost_usd": draw(dollars) or Decimal(3),
                "closed_at": at,
            }
            for _ in range(draw(st.integers(1, 3)))
        ]

    def named(day: date) -> Row:
        return {
            "platform": draw(products),
            "source_endpoint": draw(st.sampled_from(["events", "report"])),
            "user_email": draw(st.sampled_from([None, *PEOPLE[:2]])),
            "model": draw(st.sampled_from([None, "m1"])),
        }

    some = st.lists(days, max_size=8)
    reports = [{"day": day, **named(day), "cost_usd": draw(dollars)} for day in draw(some)]
    restatements = []
    # No two at one instant: which is the newest must be told.
    for hour, day in zip(
        draw(st.lists(hours, min_size=8, max_size=8, unique=True)), draw(some), strict=False
    ):
        seen = datetime(2025, 8, 1, tzinfo=UTC) + timedelta(hours=hour)
        restatements.append(
            {
                "event_date": day,
                **named(day),
                "measure": draw(st.sampled_from(["cost_usd", "cost_usd", "output_tokens"])),
                "value_before": draw(dollars),
                "value_after": draw(dollars),
                "previous_fetch_at": seen - timedelta(hours=1),
                "seen_at": seen,
            }
        )
    return Ledger(company, closed, restatements, reports)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@examples(40)
@given(ledger=ledgers())
def test_every_adjustment_equals_the_plain_reference(engine: Engine, ledger: Ledger) -> None:
    company = ledger.company
    engine.fill(
        tables(
            company.people,
            company.costs,
            company.usage,
            closed=ledger.closed,
            restatements=ledger.restatements,
            reports=ledger.reports,
            calendar=CALENDAR,
        )
    )
    assert_same(engine, "vw_adjustments", adjustments_view(ledger))
