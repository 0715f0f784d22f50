"""A restated day: the new answer replaces the old one, and everything downstream follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ai_usage.days.windows import Window
from ai_usage.orchestration.runs import Refetch
from ai_usage.simulator import Company, add, change, drop, serve
from ai_usage.simulator.records import CursorEvent
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage_tests.support.pipeline import (
    Loaded,
    Tables,
    assert_equal_tables,
    copied,
    load,
    run_window,
    tables,
    warehouse_of,
)

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 16)
DEAR = Decimal(10_000_000)
"""Cents: more than anybody's budget."""


def spender_of(company: Company) -> CursorEvent:
    """A chargeable event of the day by somebody who has a budget."""
    budgets = {person.number: person.budget_usd for person in company.people}
    return next(
        event
        for event in company.cursor_events(DAY)
        if event.is_chargeable and event.email and budgets[event.person]
    )


def restated(company: Company) -> Company:
    """One amount changed, one event and one usage record dropped, one event late."""
    dear = spender_of(company)
    others = [e for e in company.cursor_events(DAY) if e.is_chargeable and e != dear and e.email]
    gone, late = others[0], msgspec.structs.replace(others[1], timestamp_ms=1773694799123)
    usage = next(u for u in company.api_usage(DAY) if u.key_id and u.service_tier == "standard")
    return company.amended(
        change("cursor_events", DAY, lambda e: e == dear, limit=1, charged_cents=DEAR),
        drop("cursor_events", DAY, lambda e: e == gone, limit=1),
        add("cursor_events", DAY, late),
        drop("api_usage", DAY, lambda u: u == usage, limit=1),
    )


@dataclass(frozen=True)
class Restated:
    """The week before and after the restatement; `spender` is who got the dear event."""

    company: Company
    spender: str
    before: Tables
    after: Tables
    warehouse: Warehouse

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return list(self.warehouse.rows(Query(sql, parameters)))


@pytest.fixture(scope="module")
def after(week: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Restated:
    """The week's state after only the restated day was asked and run again."""
    company = restated(week.company)
    with serve(company) as base_url:
        settings = copied(week, tmp_path_factory.mktemp("restated"), base_url)
        result = run_window(settings, Window.day(DAY), refetch=Refetch.since(DAY), checks=False)
    assert result.success, result.errors
    warehouse = warehouse_of(settings)
    spender = week.company.people[spender_of(week.company).person].email
    return Restated(company, spender, tables(week.warehouse), tables(warehouse), warehouse)


def test_the_restated_day_leaves_the_tables_of_a_company_that_always_said_so(
    week: Loaded, after: Restated, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Later days included: their month-to-date columns follow from the restated day.

    What members and groups have spent is a snapshot of today, which was not asked again.
    """
    fresh = load(tmp_path_factory.mktemp("fresh"), after.company, week.days, checks=False)
    assert_equal_tables(
        fresh.warehouse, after.warehouse, besides=["raw_member_spend", "raw_group_spend"]
    )


def test_what_vanished_at_the_vendor_vanishes_and_what_came_late_is_there(after: Restated) -> None:
    """Two rows are gone (an event, a record of tokens), one is new, in raw events and fact."""
    for table in ("raw_ai_events", "fact_ai_usage"):
        before, now = (
            {row["event_id"]: row["event_timestamp"].date() for row in side[table].to_pylist()}
            for side in (after.before, after.after)
        )
        gone = [day for event, day in before.items() if event not in now]
        new = [day for event, day in now.items() if event not in before]
        assert (gone, new) == ([DAY, DAY], [DAY])


def test_a_changed_amount_keeps_its_event_and_changes_the_dollars(after: Restated) -> None:
    (row,) = after.rows(
        "SELECT event_id, cost_usd FROM raw_ai_events WHERE event_date = @day AND cost_usd = @dear",
        day=DAY,
        dear=DEAR / 100,
    )
    before = {r["event_id"]: r["cost_usd"] for r in after.before["raw_ai_events"].to_pylist()}
    assert before[row["event_id"]] < row["cost_usd"]
    (fact,) = after.rows(
        "SELECT total_cost_usd FROM fact_ai_costs WHERE DATE(cost_timestamp) = @day "
        "AND event_id = @id",
        day=DAY,
        id=row["event_id"],
    )
    assert fact["total_cost_usd"] == DEAR / 100


def test_month_to_date_columns_of_later_days_follow_a_restated_day(after: Restated) -> None:
    """The spender is over budget from the restated day on, and was not before."""

    def over_budget(side: Tables) -> dict[date, set[bool]]:
        versions = {
            row["user_sk"]
            for row in side["dim_users"].to_pylist()
            if row["user_email"] == after.spender
        }
        found: dict[date, set[bool]] = {}
        for row in side["fact_ai_costs"].to_pylist():
            if row["user_sk"] in versions:
                found.setdefault(row["cost_timestamp"].date(), set()).add(row["is_over_budget"])
        return found

    before, now = over_budget(after.before), over_budget(after.after)
    assert max(now) > DAY, "the person has cost on a later day"
    assert all(state == {False} for state in before.values())
    assert all(state == {day >= DAY} for day, state in now.items())
