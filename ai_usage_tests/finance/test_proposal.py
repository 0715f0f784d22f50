"""Budgets proposed for the next quarter, worked out by hand, and read back as budgets.csv."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ai_usage.finance.proposal import Proposal, Spent, proposal_csv, propose
from ai_usage.reference import read_text, reference_file

D = Decimal
JULY, AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, n, 1) for n in (7, 8, 9, 10, 11))
TODAY = date(2026, 11, 28)


def team(month: date, cost: str, **more: object) -> Spent:
    return Spent(month, "team", "Core", D(cost), **more)  # type: ignore[arg-type]


def lines(proposal: Proposal) -> list[tuple[str, str, Decimal]]:
    return [(line.scope_type, line.scope_value, line.amount) for line in proposal.lines]


def test_the_mean_of_the_last_three_final_months_rounded_up_to_the_dollar() -> None:
    """(100 + 200 + 300.01) / 3 is 200.0033; July is older, November still runs."""
    spent = [
        team(JULY, "9999"),
        team(AUGUST, "100"),
        team(SEPTEMBER, "200"),
        team(OCTOBER, "300.01"),
        team(NOVEMBER, "5000", is_final=False),
    ]
    proposal = propose(spent, TODAY)
    assert proposal.months == (AUGUST, SEPTEMBER, OCTOBER)
    assert lines(proposal) == [("team", "Core", D(201))]
    assert (proposal.first, proposal.last) == (date(2027, 1, 1), date(2027, 3, 31))


def test_one_time_cost_will_not_come_again_and_a_month_without_a_row_cost_nothing() -> None:
    spent = [
        team(AUGUST, "90"),
        team(OCTOBER, "130", one_time=D("100")),
        Spent(SEPTEMBER, "project", "atlas", D(30), category="pilot", budget=D(25)),
    ]
    proposal = propose(spent, TODAY)
    assert lines(proposal) == [("project", "atlas", D(10)), ("team", "Core", D(40))]
    assert [(line.category, line.budget) for line in proposal.lines] == [
        ("pilot", D(25)),
        (None, None),
    ]


def test_a_month_that_is_open_for_one_scope_is_open_for_all() -> None:
    spent = [
        team(SEPTEMBER, "10"),
        team(OCTOBER, "90"),
        Spent(OCTOBER, "person", "ada@x.io", D(1), is_final=False),
    ]
    assert propose(spent, TODAY).months == (SEPTEMBER,)
    assert lines(propose(spent, TODAY)) == [("team", "Core", D(10))]


def test_what_has_no_scope_or_costs_nothing_has_no_line() -> None:
    spent = [
        Spent(OCTOBER, "cost_center", "Unassigned", D(5)),
        Spent(OCTOBER, "project", "No project", D(5)),
        Spent(OCTOBER, "person", "ada@x.io", D(0)),
        Spent(OCTOBER, "person", "bob@x.io", D(-3)),
    ]
    assert lines(propose(spent, TODAY)) == []


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 1, 1), date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 3, 31), date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 12, 31), date(2027, 1, 1), date(2027, 3, 31)),
    ],
)
def test_the_quarter_is_the_calendars_next(today: date, first: date, last: date) -> None:
    proposal = propose([team(OCTOBER, "1")], today)
    assert (proposal.first, proposal.last) == (first, last)


def test_the_file_is_read_as_budgets_csv_and_says_what_it_stands_on() -> None:
    spent = [
        team(OCTOBER, "12.10"),
        Spent(OCTOBER, "department", "=cmd", D(7), category="run"),
    ]
    text = proposal_csv(propose(spent, TODAY))
    assert text.startswith("# A proposal to edit: the mean of 1 final month (2026-10)")
    read = read_text(reference_file("budgets.csv"), text).rows
    assert [(r["scope_type"], r["scope_value"], r["amount"], r["category"]) for r in read] == [
        ("department", "'=cmd", D(7), "run"),
        ("team", "Core", D(13), None),
    ]
    assert {(r["valid_from"], r["valid_to"]) for r in read} == {
        (date(2027, 1, 1), date(2027, 3, 31))
    }


def test_without_a_final_month_nothing_is_proposed() -> None:
    proposal = propose([team(NOVEMBER, "5", is_final=False)], TODAY)
    assert (proposal.months, proposal.lines) == ((), ())
    assert "0 final months" in proposal_csv(proposal)
