"""Twenty companies: facts and views equal what plain Python works out from the base tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from math import isclose
from typing import Any

import pytest

from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.oracle.bench import Bench, narrowed
from ai_usage_tests.oracle.companies import Company, company
from ai_usage_tests.oracle.cost_reference import costs
from ai_usage_tests.oracle.readable import (
    all_products,
    books,
    cycles,
    ledger,
    loaded,
    readable,
    usage,
)
from ai_usage_tests.sql import company as readable_companies
from ai_usage_tests.sql.adjustments_reference import adjustments_view
from ai_usage_tests.sql.finance_reference import (
    budget_view,
    month_end,
    platform_view,
    project_view,
    reconciliation_view,
    seat_view,
    spend_view,
)
from ai_usage_tests.sql.loaded_reference import COMPANY, Loaded
from ai_usage_tests.sql.reference import cost_view, executive_view, team_view
from ai_usage_tests.sql.test_view_cases import GRAIN as VIEWS

pytestmark = pytest.mark.slow
SEEDS = range(20)
GRAIN = {**VIEWS, **{fact: UNIQUE_KEYS[fact] for fact in ("fact_ai_usage", "fact_ai_costs")}}
USAGE = (
    "user_sk",
    "platform_sk",
    "total_tokens",
    "list_cost_usd",
    "attribution_confidence",
)
UNREPORTED = {"mystery", "unknown"}
"""A platform that no dimension has: the vendor's report and the facts name it differently."""

Row = dict[str, Any]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.fixture(autouse=True)
def products(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, product in all_products().items():
        monkeypatch.setitem(readable_companies.PLATFORMS, name, product)


@pytest.mark.parametrize("seed", SEEDS)
def test_facts_and_views_equal_the_plain_reference(bench: Bench, seed: int) -> None:
    one = company(seed)
    bench.take(one)
    expected = costs(one.tables, cycles(one))
    facts = bench.rows("FROM fact_ai_costs")
    _assert_same("fact_ai_costs", facts, _by(("event_id", "event_part"), expected))
    used = bench.rows("FROM fact_ai_usage")
    measured = {
        (row["event_id"],): {name: row[name] for name in USAGE} for row in usage(one.tables)
    }
    _assert_same("fact_ai_usage", used, measured)

    bench.close(one)
    closed = bench.rows("FROM closed_months")
    for as_of, narrow in narrowed(one):
        end = bench.views_on(as_of, narrow)
        for view, rows in _views(one, expected, closed, as_of, narrow).items():
            actual = bench.rows(f"FROM {view}{end}")
            if view == "vw_reconciliation":
                actual = [row for row in actual if row["platform_code"] not in UNREPORTED]
                rows = {key: row for key, row in rows.items() if key[0] not in UNREPORTED}
            _assert_same(f"{view} as of {as_of}", actual, rows, GRAIN[view])


def _views(
    one: Company, rows: list[Row], closed: list[Row], as_of: date, narrow: Mapping[str, int]
) -> dict[str, dict[tuple[Any, ...], Row]]:
    def seen(view: str) -> Any:
        months = view_schema(view).months
        assert months is not None
        return readable(one, rows, as_of, narrow.get("months", months))

    year = seen("vw_cost_allocation_detailed")
    finance = books(one, year)
    found = {
        "vw_cost_allocation_detailed": cost_view(year),
        "vw_executive_dashboard": executive_view(year),
        "vw_team_productivity": team_view(seen("vw_team_productivity")),
        "vw_cost_by_project": project_view(finance),
        "vw_platform_costs": platform_view(year),
        "vw_budget_status": budget_view(finance),
        "vw_idle_seats": seat_view(finance, 30),
        "vw_member_spend": spend_view(finance),
        "vw_adjustments": adjustments_view(ledger(one, seen("vw_adjustments"), closed)),
        "vw_loaded_days": _loaded(one, as_of, seen("vw_loaded_days").start),
    }
    if as_of == one.era.today:
        # Which accounts are named is known of all days that are built, not of those seen.
        found["vw_reconciliation"] = reconciliation_view(books(one, seen("vw_reconciliation")))
    return found


def _loaded(one: Company, as_of: date, start: date) -> dict[tuple[Any, ...], Row]:
    known = Loaded([row for row in loaded(one.tables) if row["from"] >= start], as_of)
    scopes = {row["platform_code"] for row in one.tables["dim_platforms"]} | {COMPANY}
    first = max(start, one.era.first.replace(day=1))
    rows = {}
    for month in (month for month in one.era.months if month >= first):
        for scope in scopes:
            days = known.days(scope, month)
            says = {
                "loaded_days": len(days),
                "is_partial": known.is_partial(scope, month),
                "is_comparable": known.is_comparable(scope, month),
                "growth_note": known.note(scope, month),
            }
            day = month
            while day <= min(as_of, month_end(month)):
                rows[day, scope] = {"is_loaded": day in days, **says}
                day += timedelta(days=1)
    return rows


def _by(key: Sequence[str], rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in key): row for row in rows}


def _assert_same(
    relation: str,
    actual: list[Row],
    expected: dict[tuple[Any, ...], Row],
    key: Sequence[str] = (),
) -> None:
    key = key or GRAIN[relation]
    length = len(next(iter(expected), ()))
    found = {tuple(row[name] for name in key)[:length]: row for row in actual}
    assert len(found) == len(actual), f"{relation} broke its grain"
    assert found.keys() == expected.keys(), relation
    for place, row in expected.items():
        for name in row.keys() & found[place].keys():
            value = found[place][name]
            assert _equal(value, row[name]), (
                f"{relation} {place} {name}: {value!r}, reference {row[name]!r}"
            )


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(actual, float) and expected is not None:
        return isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(actual == expected)
