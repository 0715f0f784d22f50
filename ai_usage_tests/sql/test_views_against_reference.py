"""Random small companies: every value of the three views equals the plain reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import isclose
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.warehouse.views import view_schema
from ai_usage_tests.sql.company import INVOICED_AS, MEMBERS, PLATFORMS, judged, tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.reference import Company, cost_view, executive_view, month_of, team_view
from ai_usage_tests.sql.test_view_cases import GRAIN

AS_OF = date(2025, 9, 10)
MONTHS = 3
PEOPLE = ["ann@x.io", "bob@x.io", "cy@x.io"]
REFERENCE: dict[str, Callable[[Company], dict[Any, dict[str, Any]]]] = {
    "vw_cost_allocation_detailed": cost_view,
    "vw_team_productivity": team_view,
    "vw_executive_dashboard": executive_view,
}
SURFACE = {"BIGINT", "DOUBLE", "DECIMAL(38,9)", "DATE", "VARCHAR", "BOOLEAN"}

# Few days, so that things meet: a move's eve and day, month ends, weekends, the window's edges.
days = st.sampled_from(
    [
        date(2025, 5, 31),
        date(2025, 6, 1),
        date(2025, 6, 14),
        date(2025, 7, 31),
        date(2025, 8, 10),
        date(2025, 8, 11),
        date(2025, 8, 31),
        date(2025, 9, 1),
        date(2025, 9, 6),
        date(2025, 9, 9),
        date(2025, 9, 10),
        date(2025, 9, 11),
    ]
)
money = st.one_of(
    st.just(Decimal(0)),
    st.decimals(Decimal(-20), Decimal(200), places=2),
    st.decimals(Decimal(0), Decimal(1), places=9),
)
counts = st.one_of(st.none(), st.integers(0, 50))
confidences = st.sampled_from([0.0, 0.35, 0.7, 0.9, 1.0])


@st.composite
def companies(draw: st.DrawFn, *, renames: bool = False) -> Company:
    """With `renames` whoever moves may have another address from then on."""
    people = []
    for person in PEOPLE:
        renamed = renames and draw(st.booleans())
        moves = draw(st.lists(st.sampled_from([date(2025, 8, 11), date(2025, 9, 6)]), unique=True))
        for start in [None, *sorted(moves)]:
            version: dict[str, Any] = {
                "user_email": person,
                "full_name": draw(st.sampled_from([None, person[:3].title()])),
                "department": draw(st.sampled_from([None, "Eng", "Eng", "Ops"])),
                "team": draw(st.sampled_from([None, "Core", "Core", "Web"])),
                "cost_center": draw(st.sampled_from([None, "CC-1", "CC-2"])),
            }
            if renamed and start:
                version["user_email"] = f"new.{person}"
            people.append({"person_id": person, **version} | ({"from": start} if start else {}))
    bearers = st.sampled_from([*PEOPLE, *PEOPLE, *MEMBERS])
    budgets: dict[Any, Decimal | None] = {}
    # What one invoice judges has one status.
    statuses: dict[Any, str] = {}
    costs = []
    for _ in range(draw(st.integers(0, 12))):
        row: dict[str, Any] = {
            "day": draw(days),
            "person": draw(bearers),
            "platform": draw(st.sampled_from(sorted(PLATFORMS))),
            "cost_center": draw(st.sampled_from([None, None, "CC-3"])),
            "base_cost_usd": draw(money),
            "overage_cost_usd": draw(st.one_of(st.just(Decimal(0)), money)),
            "cost_type": draw(st.sampled_from(["subscription", "usage", "overage", "one_time"])),
            "billable_tokens": draw(counts),
            "billable_requests": draw(counts),
            "allocation_confidence": draw(confidences),
            "cost_confidence": draw(confidences),
            "is_provisional": draw(st.booleans()),
        }
        invoiced = (
            PLATFORMS[row["platform"]][1],
            row["day"],
            INVOICED_AS.get(row["cost_type"], "usage"),
        )
        if invoiced not in statuses:
            statuses[invoiced] = draw(st.sampled_from(["reconciled", "pending", "disputed"]))
        row["reconciliation_status"] = statuses[invoiced]
        if row["person"] not in MEMBERS:
            key = (row["person"], month_of(row["day"]))
            if key not in budgets:
                budgets[key] = draw(
                    st.sampled_from([None, Decimal(0), Decimal(100), Decimal("33.333333333")])
                )
            row["budget_allocated_usd"] = budgets[key]
        costs.append(row)
    usage = [
        {
            "day": draw(days),
            "person": draw(bearers),
            "platform": draw(st.sampled_from(sorted(PLATFORMS))),
            "session_count": draw(counts),
            "lines_accepted": draw(counts),
            "lines_added": draw(counts),
            "suggestions_shown": draw(counts),
            "suggestions_accepted": draw(counts),
            "total_tokens": draw(counts),
            "request_count": draw(counts),
            "commits": draw(counts),
            "pull_requests": draw(counts),
        }
        for _ in range(draw(st.integers(0, 12)))
    ]
    loaded = draw(st.one_of(st.none(), loaded_days()))
    unknown_charges = draw(st.lists(days, max_size=3))
    return Company(people, costs, usage, AS_OF, MONTHS, loaded, unknown_charges)


@st.composite
def loaded_days(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Vendors connected from the start, within a month or on its first day, given up, with gaps."""
    starts = st.sampled_from([date(2025, 5, 1), date(2025, 8, 1), date(2025, 8, 10), AS_OF])
    ends = st.sampled_from([date(2025, 7, 31), date(2025, 8, 20), date(2025, 9, 9), AS_OF])
    rows = [{"platform": "*", "from": date(2025, 5, 1), "to": AS_OF}]
    for platform in ("anthropic", "cursor"):
        for endpoint in draw(st.lists(st.sampled_from(["cost", "usage"]), unique=True)):
            periods = draw(st.lists(st.tuples(starts, ends), min_size=1, max_size=2, unique=True))
            rows += [
                {"platform": platform, "source_endpoint": endpoint, "from": first, "to": last}
                for first, last in _apart(periods)
            ]
    return rows


def _apart(periods: list[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """The periods without the days that an earlier one has: a day is answered once."""
    reached = date.min
    for first, last in sorted(periods):
        start = max(first, reached + timedelta(days=1))
        if start <= last:
            yield start, last
            reached = last


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def load(engine: Engine, company: Company) -> None:
    engine.fill(
        tables(
            company.people_given,
            company.costs_given,
            company.usage_given,
            loaded=company.loaded,
            # Nothing else of these views is read from what was reported.
            reports=[
                {"day": day, "platform": "cursor", "is_charge_unknown": True}
                for day in company.unknown_charges
            ],
            calendar=(date(2025, 5, 1), date(2025, 9, 30)),
        )
    )
    engine.fill(judged(company.costs))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(company=companies(renames=True))
def test_every_value_of_every_row_equals_the_plain_reference(
    engine: Engine, company: Company
) -> None:
    load(engine, company)
    for view, reference in REFERENCE.items():
        rows = engine.read(view, AS_OF, MONTHS)
        actual = {tuple(row[name] for name in GRAIN[view]): row for row in rows}
        expected = reference(company)
        assert len(actual) == len(rows), f"{view} broke its grain"
        assert actual.keys() == expected.keys(), view
        for key, row in expected.items():
            assert row.keys() == actual[key].keys()
            for name, value in row.items():
                assert _same(actual[key][name], value), (
                    f"{view} {key} {name}: {actual[key][name]!r}, reference {value!r}"
                )


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(company=companies())
def test_every_dollar_of_the_window_is_in_each_view_exactly_once(
    engine: Engine, company: Company
) -> None:
    load(engine, company)
    spent = sum(
        (r["base_cost_usd"] + r["overage_cost_usd"] for r in company.costs_seen), Decimal(0)
    )
    for view, column in (
        ("vw_cost_allocation_detailed", "total_cost"),
        ("vw_team_productivity", "monthly_total_cost"),
        ("vw_executive_dashboard", "total_monthly_cost"),
    ):
        shown = sum((row[column] for row in engine.read(view, AS_OF, MONTHS)), Decimal(0))
        assert shown == spent, view
    by_person: dict[Any, list[dict[str, Any]]] = {}
    for row in engine.read("vw_cost_allocation_detailed", AS_OF, MONTHS):
        by_person.setdefault((row["month"], row["user_email"]), []).append(row)
    for rows in by_person.values():
        budget = rows[0]["person_month_budget"]
        if budget is not None:
            over = max(Decimal(0), rows[0]["person_month_cost"] - budget)
            assert sum(r["budget_allocated"] for r in rows) == budget
            assert sum(r["over_budget_amount"] for r in rows) == over


@pytest.mark.parametrize("view", sorted(REFERENCE))
def test_the_surface_has_only_types_that_both_engines_share(engine: Engine, view: str) -> None:
    types = engine.types(view, AS_OF)
    assert set(types.values()) <= SURFACE
    assert list(types) == view_schema(view).column_names


COMPANY = Company(
    people=[{"user_email": "ann@x.io", "full_name": "Ann", "department": "Eng", "team": "Core"}],
    costs=[
        {"day": day, "person": "ann@x.io", "platform": "cursor", "base_cost_usd": Decimal(amount)}
        for day, amount in (
            (date(2025, 5, 31), 1),
            (date(2025, 6, 1), 10),
            (date(2025, 8, 31), 100),
            (date(2025, 9, 1), 1000),
            (date(2025, 9, 10), 10000),
            (date(2025, 9, 11), 100000),
        )
    ],
    usage=[
        {"day": day, "person": "ann@x.io", "platform": "cursor", "lines_accepted": 7}
        for day in (date(2025, 8, 31), date(2025, 9, 1), date(2025, 9, 10))
    ],
    as_of=AS_OF,
    months=MONTHS,
)


def answers(*, utc: bool = False) -> str:
    """The views of a company whose days lie on the edges of months, as text.

    Without `utc` the session has the time zone of its machine.
    """
    with Engine(utc=utc) as engine:
        load(engine, COMPANY)
        rows = {
            view: sorted(map(repr, engine.read(view, AS_OF, MONTHS))) for view in sorted(REFERENCE)
        }
        return json.dumps([engine.setting("TimeZone"), rows])


def test_a_reader_in_los_angeles_sees_the_same_months() -> None:
    code = "from ai_usage_tests.sql.test_views_against_reference import answers; print(answers())"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**os.environ, "TZ": "America/Los_Angeles"},
        capture_output=True,
        text=True,
        check=True,
    )
    utc, expected = json.loads(answers(utc=True))
    zone, told = json.loads(done.stdout)
    assert (utc, zone) == ("UTC", "America/Los_Angeles")
    assert told == expected
    assert "Decimal('11000.000000000')" in str(told["vw_executive_dashboard"])


def _same(actual: Any, expected: Any) -> bool:
    if actual is None or expected is None:
        return actual is None and expected is None
    if isinstance(expected, float):
        return isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(actual == expected)
