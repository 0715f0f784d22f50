"""What the rows of the cost fact say of their invoice, and the invoice of its rows: one truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.support.facts import cost_facts, engine_around, raw, reconcile

WINDOW = Window(date(2026, 1, 1), date(2026, 2, 1))
TODAY = date(2026, 2, 5)
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_around({"ann@x.io": 11}, {}) as engine:
        yield engine


def cost(event_id: str, dollars: str, kind: str = "overage", **cells: Any) -> dict[str, Any]:
    own = {"user_email": "ann@x.io", "cost_type": kind, "cost_usd": Decimal(dollars)}
    event_type = "usage" if kind == "overage" else "cost"
    day = cells.pop("day", date(2026, 1, 10))
    return raw(event_id, day, event_type=event_type, **own, **cells)


def line(invoice: str, kind: str, dollars: str, account: str | None = None) -> dict[str, Any]:
    return {
        "invoice_id": invoice,
        "platform": "anthropic",
        "billing_account_id": account,
        "period_from": JANUARY[0],
        "period_to": JANUARY[1],
        "line_kind": kind,
        "amount_usd": Decimal(dollars),
    }


def stamped(engine: Engine, events: Rows, invoices: Rows) -> tuple[dict[str, Any], Rows]:
    """(invoice and status of each event, the reconciled invoices)."""
    first = raw("first", WINDOW.start, event_type="session")
    compared = reconcile(engine, invoices, [first, *events], WINDOW, TODAY)
    rows = cost_facts(engine, [first, *events], WINDOW)
    said = {e: (p[0]["invoice_id"], p[0]["reconciliation_status"]) for e, p in rows.items()}
    return said, compared


def test_usage_and_seats_on_invoices_apart_are_judged_together_and_each_bears_its_rows(
    engine: Engine,
) -> None:
    said, compared = stamped(
        engine,
        [cost("u", "10"), cost("s", "40", "subscription"), cost("w", "3", "one_time")],
        [line("I-S", "seat", "40"), line("I-U", "usage", "9.50"), line("I-U", "tax", "2")],
    )
    assert said == {
        "u": ("I-U", "disputed"),
        "s": ("I-S", "disputed"),
        "w": ("I-U", "disputed"),
    }
    assert {
        (r["invoice_id"], r["invoiced_usd"], r["other_invoiced_usd"], r["cycle_invoiced_usd"],
         r["reported_usd"], r["difference_usd"])
        for r in compared
    } == {
        ("I-S", D("40"), D("0"), D("49.50"), D("50"), D("-0.50")),
        ("I-U", D("9.50"), D("2"), D("49.50"), D("50"), D("-0.50")),
    }  # fmt: skip


def test_a_correction_reconciles_the_invoice_that_it_corrects(engine: Engine) -> None:
    said, compared = stamped(
        engine,
        [cost("u", "10")],
        [line("I-1", "usage", "12.50"), line("I-2", "usage", "-2.50")],
    )
    assert said == {"u": ("I-1", "reconciled")}
    assert {r["reconciliation_status"] for r in compared} == {"reconciled"}


def test_cost_that_names_no_account_goes_to_one_account_only(engine: Engine) -> None:
    """The report's usage names no account: a contract bills on `team`, so the other one is its."""
    said, compared = stamped(
        engine,
        [cost("u", "6"), cost("s", "25", "subscription", billing_account_id="team")],
        [
            line("I-O", "usage", "6", "org"),
            line("I-T", "usage", "1", "team"),
            line("I-T", "seat", "25", "team"),
        ],
    )
    assert said == {"u": ("I-O", "reconciled"), "s": ("I-T", "disputed")}
    assert {r["invoice_id"]: r["reported_usd"] for r in compared} == {"I-O": 6, "I-T": 25}


D = Decimal
_accounts = st.sampled_from([None, "org", "team"])
_money = st.decimals(Decimal(0), Decimal(50), places=4)
_periods = st.sampled_from(
    [JANUARY, (date(2026, 1, 1), date(2026, 1, 14)), (date(2026, 1, 10), date(2026, 2, 9))]
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    costs=st.lists(
        st.tuples(
            st.sampled_from([1, 9, 10, 14, 15, 31]),
            _money,
            st.sampled_from(["overage", "subscription"]),
            _accounts,
        ),
        max_size=8,
    ),
    lines=st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["usage", "seat"]), _periods,
                  _accounts, _money),
        min_size=1, max_size=6,
    ),
)  # fmt: skip
def test_the_rows_of_a_cycle_sum_to_what_its_invoices_are_compared_with(
    engine: Engine, costs: list[Any], lines: list[Any]
) -> None:
    events = [
        cost(f"e{n}", f"{dollars}", kind, billing_account_id=account, day=date(2026, 1, day))
        for n, (day, dollars, kind, account) in enumerate(costs)
    ]
    invoices = [
        line(f"{name}-{account}-{period[0]}-{period[1]}", kind, f"{dollars}", account)
        | {"period_from": period[0], "period_to": period[1]}
        for name, kind, period, account, dollars in lines
    ]
    first = raw("first", WINDOW.start, event_type="session")
    compared = reconcile(engine, invoices, [first, *events], WINDOW, TODAY)
    by_invoice = {row["invoice_id"]: row for row in compared}
    assert len(by_invoice) == len(compared)

    def cycle(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["billing_account_id"], row["period_from"], row["period_to"]

    borne: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for parts in cost_facts(engine, [first, *events], WINDOW).values():
        for part in parts:
            if part["invoice_id"] is None:
                assert part["reconciliation_status"] == "pending"
                continue
            invoice = by_invoice[part["invoice_id"]]
            seats = part["cost_type"] == "subscription"
            assert invoice["covers_seats" if seats else "covers_usage"]
            assert part["reconciliation_status"] == invoice["reconciliation_status"]
            borne[(*cycle(invoice), seats)] += part["total_cost_usd"]
    named = {account for _, _, kind, account in costs if account}
    compared_by_period: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    reported = {cycle(row): row for row in compared}
    for own, row in reported.items():
        compared_by_period[own[1:]] += row["reported_usd"]
        others = [c for c in reported if c[1:] == own[1:] and c[0] not in (None, *named)]
        if own[0] in (None, *named) or len(others) < 2:
            assert row["reported_usd"] == cents(borne[*own, False]) + cents(borne[*own, True]), row
    # Accounts that nothing names may share a cost: their rows carry the first, the sums agree.
    for period, usd in compared_by_period.items():
        whole = sum(dollars for key, dollars in borne.items() if key[1:3] == period)
        assert abs(usd - whole) <= D("0.01") * len(reported), period


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_usage_and_seats_are_each_summed_and_then_rounded(engine: Engine) -> None:
    """0.005 and 0.005 are 0.01 and 0.01; rounded as one sum they were 0.01."""
    said, compared = stamped(
        engine,
        [cost("u", "0.005"), cost("s", "0.005", "subscription")],
        [line("I-1", "usage", "0.01"), line("I-1", "seat", "0.01")],
    )
    assert said == {"u": ("I-1", "reconciled"), "s": ("I-1", "reconciled")}
    assert [row["reported_usd"] for row in compared] == [D("0.02")]


def test_usage_of_a_cycle_is_shared_by_accounts_that_nothing_names(engine: Engine) -> None:
    """10 by 10 and 20: 3.333333 and, with what truncation leaves, 6.666667."""
    said, compared = stamped(
        engine,
        [cost("u", "4"), cost("v", "6", day=date(2026, 1, 20))],
        [
            line("I-A", "usage", "10", "one"),
            line("I-B", "usage", "20", "two"),
        ],
    )
    assert said == {"u": ("I-A", "disputed"), "v": ("I-A", "disputed")}
    assert {r["invoice_id"]: r["reported_usd"] for r in compared} == {
        "I-A": D("3.33"),
        "I-B": D("6.67"),
    }
    rows = engine.held(["int_cycle_days"])["int_cycle_days"]
    usage = {
        (r["invoice_id"], r["weight"], r["is_first"]) for r in rows if r["cost_kind"] == "usage"
    }
    assert usage == {("I-A", 10_000_000, True), ("I-B", 20_000_000, False)}


def test_accounts_that_share_a_cycle_agree_where_their_invoices_agree_together(
    engine: Engine,
) -> None:
    said, compared = stamped(
        engine,
        [cost("u", "30.01")],
        [line("I-A", "usage", "10.01", "one"), line("I-B", "usage", "20", "two")],
    )
    assert said == {"u": ("I-A", "reconciled")}
    assert {r["reconciliation_status"] for r in compared} == {"reconciled"}


def test_one_time_cost_of_an_invoiced_cycle_carries_its_status(engine: Engine) -> None:
    """By its own account first; tax goes with whatever the cycle bills."""
    said, _ = stamped(
        engine,
        [
            cost("u", "10"),
            cost("s", "25", "subscription", billing_account_id="team"),
            cost("tax", "2", "tax"),
            cost("fee", "3", "one_time", billing_account_id="team"),
            cost("later", "1", "credit", day=date(2026, 1, 31)),
        ],
        [
            line("I-1", "usage", "10"),
            line("I-1", "tax", "2"),
            line("I-T", "seat", "26", "team"),
        ],
    )
    assert said == {
        "u": ("I-1", "reconciled"),
        "tax": ("I-1", "reconciled"),
        "later": ("I-1", "reconciled"),
        "s": ("I-T", "disputed"),
        "fee": ("I-T", "disputed"),
    }


@pytest.mark.parametrize(
    ("loaded", "status"),
    [
        (WINDOW, "disputed"),
        (Window(date(2026, 1, 2), WINDOW.end), "pending"),
        (Window(WINDOW.start, date(2026, 1, 31)), "pending"),
    ],
    ids=["all days", "not the first", "not the last"],
)
def test_what_was_not_loaded_cannot_be_disputed_and_a_quiet_day_is_loaded(
    engine: Engine, loaded: Window, status: str
) -> None:
    """Cost from the 9th on: the days before were asked for and had none, or were never asked."""
    events = [cost("u", "10", day=date(2026, 1, 9))]
    rows = reconcile(engine, [line("I-1", "usage", "99")], events, loaded, TODAY)
    assert [row["reconciliation_status"] for row in rows] == [status]


def test_a_seat_invoice_needs_no_answer_of_the_vendor(engine: Engine) -> None:
    """Contracts say what seats cost, on every day that was built, whenever the vendor came."""
    rows = reconcile(
        engine,
        [line("I-1", "seat", "40"), line("I-2", "usage", "0", "other")],
        [cost("s", "40", "subscription")],
        WINDOW,
        TODAY,
        platforms=("*",),
    )
    assert {row["invoice_id"]: row["reconciliation_status"] for row in rows} == {
        "I-1": "reconciled",
        "I-2": "pending",
    }
