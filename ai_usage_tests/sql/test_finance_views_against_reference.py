"""Random small books: every value of finance's further views equals the plain reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.warehouse.views import view_schema
from ai_usage_tests.sql.company import LAST_DAY, PLATFORMS, tables
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.sql.finance_reference import (
    Books,
    budget_view,
    platform_view,
    project_view,
    reconciliation_view,
    seat_view,
    spend_view,
)
from ai_usage_tests.sql.reference import Key, Row, total_of
from ai_usage_tests.sql.test_view_cases import GRAIN
from ai_usage_tests.sql.test_views_against_reference import (
    AS_OF,
    MONTHS,
    PEOPLE,
    SURFACE,
    _same,
    companies,
    days,
)

VIEWS = (
    "vw_cost_by_project",
    "vw_platform_costs",
    "vw_idle_seats",
    "vw_budget_status",
    "vw_reconciliation",
    "vw_member_spend",
)
IDLE_DAYS = 10
CALENDAR = (date(2025, 1, 1), date(2025, 12, 31))
ZERO = Decimal(0)

cents = st.decimals(Decimal(0), Decimal(100), places=2)
# Calendar months, cycles across them, one before the window, one that is not over, and a year.
periods = st.sampled_from(
    [
        (date(2025, 6, 1), date(2025, 6, 30)),
        (date(2025, 8, 1), date(2025, 8, 31)),
        (date(2025, 9, 1), date(2025, 9, 30)),
        (date(2025, 5, 15), date(2025, 6, 14)),
        (date(2025, 7, 31), date(2025, 8, 30)),
        (date(2025, 8, 31), date(2025, 9, 9)),
        (date(2025, 1, 1), date(2025, 12, 31)),
    ]
)
vendors = st.sampled_from(["cursor", "anthropic", "github"])
accounts = st.sampled_from([None, None, "org", "team"])


@st.composite
def books(draw: st.DrawFn) -> Books:
    company = draw(companies())
    if draw(st.booleans()):
        company = replace(company, loaded=_loaded(draw))
    for version in company.people:
        version["is_active"] = draw(st.sampled_from([True, True, False]))
        version["ai_budget_monthly_usd"] = draw(st.sampled_from([None, ZERO, Decimal(50)]))
    for cost in company.costs:
        cost["project_codes"] = draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=4))
        cost["billing_account_id"] = draw(st.sampled_from([None, None, "team"]))
    seats: list[Row] = [
        {
            "seat_id": f"s{n}",
            "platform": draw(st.sampled_from(sorted(PLATFORMS))),
            "user_email": draw(st.sampled_from([None, *PEOPLE])),
            "valid_from": draw(st.sampled_from([date(2025, 8, 1), date(2025, 8, 31), AS_OF])),
            "valid_to": draw(
                st.sampled_from([date(2025, 8, 30), date(2025, 9, 9), AS_OF, LAST_DAY])
            ),
            "monthly_price_usd": draw(cents),
            "contract_id": draw(st.sampled_from(["c1", "c2"])),
            "pricing": draw(st.sampled_from(["daily", "full_month"])),
            "billing_day": draw(st.sampled_from([None, 1, 10, 29, 30, 31])),
        }
        for n in range(draw(st.integers(0, 5)))
    ]
    for seat in seats:
        seat["leaver_email"] = None
        if seat["user_email"] and draw(st.integers(0, 4)) == 0:
            seat["user_email"], seat["leaver_email"] = None, seat["user_email"]
    return Books(
        company,
        seats=[seat for seat in seats if seat["valid_from"] <= seat["valid_to"]],
        budgets=_budgets(draw),
        invoices=[
            {
                "platform": draw(vendors),
                "billing_account_id": draw(accounts),
                "invoice_id": draw(st.sampled_from(["I-1", "I-2"])),
                "period_from": period[0],
                "period_to": period[1],
                "line_kind": draw(
                    st.sampled_from(["usage", "seat", "usage", "tax", "credit", "commitment"])
                ),
                "amount_usd": draw(cents),
            }
            for period in draw(st.lists(periods, max_size=5))
        ],
        spend=_spend(draw),
        reports=[
            {
                "day": day,
                "platform": "cursor",
                "event_type": "usage",
                "event_timestamp": datetime(
                    day.year, day.month, day.day, draw(st.sampled_from([0, 12, 13])), tzinfo=UTC
                ),
                "user_email": draw(st.sampled_from([None, *PEOPLE])),
                "cost_usd": draw(st.one_of(cents, st.just(Decimal("0.335")))),
                "cost_type": "overage",
            }
            for day in draw(st.lists(days.filter(lambda day: day <= AS_OF), max_size=6))
        ],
    )


def _budgets(draw: st.DrawFn) -> list[Row]:
    scopes = [("person", person) for person in PEOPLE]
    scopes += [("team", "Core"), ("team", "Ghost"), ("cost_center", "CC-1"), ("cost_center", "-")]
    scopes += [("project", "a"), ("project", "z"), ("department", "Eng"), ("department", "Ghost")]
    found = []
    for scope_type, scope_value in scopes:
        for first, last in (
            (date(2025, 1, 1), date(2025, 8, 31)),
            (date(2025, 9, 1), LAST_DAY),
        ):
            if draw(st.booleans()):
                found.append(
                    {
                        "scope_type": scope_type,
                        "scope_value": scope_value,
                        "monthly_budget_usd": draw(st.one_of(st.just(ZERO), cents)),
                        "valid_from": first,
                        "valid_to": last,
                        "budget_source": "budgets.csv",
                    }
                )
    return found


def _loaded(draw: st.DrawFn) -> list[Row]:
    """Some platforms were connected later than others, some days are open, some not final."""
    return [
        {"platform": platform, "from": first, "to": last, "is_provisional": is_open}
        for platform in ("cursor", "anthropic", "github", "*")
        for first, last, is_open in (
            (
                draw(st.sampled_from([date(2025, 1, 1), date(2025, 6, 1), date(2025, 8, 31)])),
                draw(st.sampled_from([date(2025, 8, 31), date(2025, 9, 9)])),
                False,
            ),
            (date(2025, 9, 10), AS_OF, draw(st.booleans())),
        )
    ]


def _instant(day: date, hour: int | None) -> datetime | None:
    return None if hour is None else datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _spend(draw: st.DrawFn) -> list[Row]:
    asked = draw(
        st.lists(
            st.sampled_from(
                [
                    (date(2025, 6, 1), date(2025, 6, 14)),
                    (date(2025, 6, 1), date(2025, 8, 31)),
                    (date(2025, 8, 11), date(2025, 9, 9)),
                    (date(2025, 8, 11), date(2025, 9, 10)),
                ]
            ),
            unique=True,
        )
    )
    hours = {start: draw(st.sampled_from([None, 0, 12, 13])) for start, _day in asked}
    return [
        {
            "snapshot_date": day,
            "platform": "cursor",
            "cycle_start": start,
            "cycle_started_at": _instant(start, hours[start]),
            "user_email": member,
            "spend_usd": draw(cents),
        }
        for start, day in asked
        for member in draw(st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True))
    ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def load(engine: Engine, book: Books, *, vendors_events: bool = False) -> None:
    company = book.company
    engine.fill(
        tables(
            company.people,
            company.costs,
            company.usage,
            seats=book.seats,
            budgets=book.budgets,
            invoices=book.invoices,
            spend=book.spend,
            loaded=company.loaded,
            reports=book.reports if vendors_events else None,
            calendar=CALENDAR,
        )
    )
    engine.judge_invoices(AS_OF)


def assert_same(engine: Engine, view: str, expected: dict[Key, Row], **parameters: int) -> None:
    rows = engine.read(view, AS_OF, MONTHS, **parameters)
    actual = {tuple(row[name] for name in GRAIN[view]): row for row in rows}
    assert len(actual) == len(rows), f"{view} broke its grain"
    assert actual.keys() == expected.keys(), view
    for key, row in expected.items():
        for name, value in row.items():
            assert _same(actual[key][name], value), (
                f"{view} {key} {name}: {actual[key][name]!r}, reference {value!r}"
            )


def examples(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@examples(25)
@given(book=books())
def test_every_value_equals_the_plain_reference(engine: Engine, book: Books) -> None:
    load(engine, book)
    assert_same(engine, "vw_cost_by_project", project_view(book))
    assert_same(engine, "vw_platform_costs", platform_view(book.company))
    assert_same(engine, "vw_idle_seats", seat_view(book, IDLE_DAYS), idle_days=IDLE_DAYS)
    assert_same(engine, "vw_budget_status", budget_view(book))
    assert_same(engine, "vw_reconciliation", reconciliation_view(book))


@examples(10)
@given(book=books())
def test_every_dollar_is_counted_once_by_project_scope_and_cycle(
    engine: Engine, book: Books
) -> None:
    # Without a cycle that begins before the window: its days' dollars are not shown.
    lines = [line for line in book.invoices if line["period_from"] >= date(2025, 6, 1)]
    load(engine, replace(book, invoices=lines))
    costs = book.company.costs_seen
    spent = sum((total_of(cost) for cost in costs), ZERO)
    borne = sum((total_of(cost) for cost in costs if cost["person"] in PEOPLE), ZERO)

    projects = engine.read("vw_cost_by_project", AS_OF, MONTHS)
    assert added(projects, "total_cost") == spent
    assert added(projects, "allocated_cost") == borne
    products = engine.read("vw_platform_costs", AS_OF, MONTHS)
    assert added(products, "total_cost") == spent
    assert added(products, "allocated_cost") == borne
    status = engine.read("vw_budget_status", AS_OF, MONTHS)
    for scope, whole in (("cost_center", spent), ("person", borne), ("team", borne)):
        assert added([r for r in status if r["scope_type"] == scope], "cost_to_date") == whole
    cycles = engine.read("vw_reconciliation", AS_OF, MONTHS)
    assert added(cycles, "facts_usd") == added(cycles, "reported_usd") == spent
    invoiced = [row for row in cycles if row["invoice_ids"] is not None]
    assert added(invoiced, "invoice_total_usd") == added(lines, "amount_usd")


def added(rows: list[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), ZERO)


@examples(10)
@given(book=books())
def test_what_members_spent_equals_the_plain_reference(engine: Engine, book: Books) -> None:
    load(engine, book, vendors_events=True)
    assert_same(engine, "vw_member_spend", spend_view(book))


def test_a_cost_dated_after_today_is_in_no_invoices_difference_before_its_day(
    engine: Engine,
) -> None:
    def cost(day: date, usd: str) -> Row:
        return {
            "day": day,
            "person": "unknown",
            "platform": "claude_api",
            "cost_center": None,
            "base_cost_usd": Decimal(usd),
            "overage_cost_usd": ZERO,
            "cost_type": "usage",
            "project_codes": [],
            "billing_account_id": None,
        }

    month = (date(2025, 9, 1), date(2025, 9, 30))
    invoice = {
        "platform": "anthropic",
        "billing_account_id": None,
        "invoice_id": "I-1",
        "period_from": month[0],
        "period_to": month[1],
        "line_kind": "usage",
        "amount_usd": Decimal("3.00"),
    }
    costs = [cost(AS_OF, "2.95"), cost(AS_OF + timedelta(days=1), "14.05")]
    engine.fill(tables([], costs, [], invoices=[invoice], calendar=CALENDAR))
    engine.judge_invoices(AS_OF)
    (own,) = engine.rows_of(
        "facts",
        "invoice_reconciliation",
        start=date(2025, 6, 1),
        end=date(2025, 9, 11),
        today=AS_OF,
    )
    (shown,) = (
        row for row in engine.read("vw_reconciliation", AS_OF, MONTHS) if row["invoice_ids"]
    )
    assert own["difference_usd"] == shown["difference_usd"] == Decimal("0.05")


@examples(20)
@given(book=books())
def test_an_invoice_carries_the_status_that_the_view_gives_its_cycle(
    engine: Engine, book: Books
) -> None:
    """Several invoices of a cycle, accounts that cost names or not, kinds apart: one truth."""
    load(engine, book)
    cycles: dict[Key, list[Row]] = {}
    for row in engine.rows_of(
        "facts",
        "invoice_reconciliation",
        start=date(2025, 6, 1),
        end=date(2025, 9, 11),
        today=AS_OF,
    ):
        cycle = (row["platform"], row["billing_account_id"], row["period_from"], row["period_to"])
        cycles.setdefault(cycle, []).append(row)
    shown = {
        (
            row["platform_code"],
            row["billing_account_id"],
            row["period_from"],
            row["period_to"],
        ): row
        for row in engine.read("vw_reconciliation", AS_OF, MONTHS)
        if row["invoice_ids"] is not None
    }
    assert shown.keys() == {c for c in cycles if date(2025, 6, 1) <= c[2] <= AS_OF}
    for cycle, view in shown.items():
        own = cycles[cycle]
        assert {
            (r["reconciliation_status"], r["cycle_invoiced_usd"], r["difference_usd"]) for r in own
        } == {(view["reconciliation_status"], view["invoiced_usd"], view["difference_usd"])}, cycle
        assert ", ".join(sorted(r["invoice_id"] for r in own)) == view["invoice_ids"]
        assert added(own, "invoiced_usd") == view["invoiced_usd"]
        others = view["invoice_total_usd"] - view["invoiced_usd"]
        assert added(own, "other_invoiced_usd") == others


@pytest.mark.parametrize("view", VIEWS)
def test_the_surface_has_only_types_that_both_engines_share(engine: Engine, view: str) -> None:
    types: dict[str, Any] = engine.types(view, AS_OF)
    assert set(types.values()) <= SURFACE
    assert list(types) == view_schema(view).column_names
