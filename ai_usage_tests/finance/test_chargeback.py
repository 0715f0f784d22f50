"""Who is charged what: lines in cents that sum to the month, or to the invoice."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.finance.chargeback import Cost, Kind, Line, charge_invoice, charge_month
from ai_usage.finance.exact import cents

D = Decimal
THIRD = Fraction(100, 3)


def cost(center: str, usd: Fraction | str, **more: str | None) -> Cost:
    values: dict[str, str | None] = {
        "kind": "usage",
        "bearer": "Unassigned",
        "product": "Cursor",
        "invoice_id": "I-1",
        **more,
    }
    return Cost(cost_center=center, usd=Fraction(usd), **values)  # type: ignore[arg-type]


def told(lines: list[Line]) -> list[tuple[str, str, str]]:
    return [(line.line, line.cost_center, str(line.amount)) for line in lines]


def test_three_thirds_of_a_hundred_dollars_are_a_hundred_dollars() -> None:
    lines = charge_month([cost(center, THIRD) for center in ("CC-1", "CC-2", "CC-3")])
    assert told(lines) == [
        ("cost centre", "CC-1", "33.34"),
        ("cost centre", "CC-2", "33.33"),
        ("cost centre", "CC-3", "33.33"),
    ]


def test_a_months_lines_are_by_who_bears_what_of_which_invoice() -> None:
    lines = charge_month(
        [
            cost("Unassigned", "2", bearer="Shared"),
            cost("Unassigned", "1", bearer="Unattributed", invoice_id=None),
            cost("CC-1", "4", invoice_id=None),
            cost("CC-1", "8"),
            cost("CC-1", "16"),
            cost("CC-1", "32", kind="seat"),
            cost("CC-2", "0"),
        ]
    )
    assert [
        (*row, line.cost, line.invoice_id) for row, line in zip(told(lines), lines, strict=True)
    ] == [
        ("cost centre", "CC-1", "32.00", "seat", "I-1"),
        ("cost centre", "CC-1", "24.00", "usage", "I-1"),
        ("uninvoiced", "CC-1", "4.00", "usage", None),
        ("unborne", "Shared", "2.00", "usage", "I-1"),
        ("unborne", "Unattributed", "1.00", "usage", None),
    ]


def test_what_an_invoice_bills_beyond_the_facts_is_unborne() -> None:
    lines = invoice({"usage": "20.50"}, [cost("CC-1", "8"), cost("CC-2", "12")])
    assert told(lines) == [
        ("cost centre", "CC-1", "8.00"),
        ("cost centre", "CC-2", "12.00"),
        ("unborne", "not in the facts", "0.50"),
    ]


def test_what_the_facts_have_beyond_an_invoice_is_uninvoiced() -> None:
    lines = invoice({"usage": "19"}, [cost("CC-1", "8"), cost("CC-2", "12")])
    assert told(lines)[-1] == ("uninvoiced", "not billed", "-1.00")
    assert sum(line.amount for line in lines) == 19


def test_usage_seats_and_tax_are_charged_each_by_its_own_facts() -> None:
    lines = invoice(
        {"usage": "10", "seat": "40", "other": "5"},
        [cost("CC-1", "10"), cost("CC-2", "40", kind="seat")],
    )
    assert told(lines) == [
        ("cost centre", "CC-1", "10.00"),
        ("cost centre", "CC-2", "40.00"),
        ("unborne", "not in the facts", "5.00"),
    ]


def test_two_invoices_of_one_cycle_have_the_facts_in_proportion_to_what_they_bill() -> None:
    """Facts of 30 dollars; one invoice bills 20 of usage, its correction 10 more."""
    facts = [cost("CC-1", "10"), cost("CC-2", "20")]
    first = invoice({"usage": "20"}, facts, in_cycle={"usage": "30"})
    second = invoice({"usage": "10"}, facts, in_cycle={"usage": "30"})
    assert told(first) == [("cost centre", "CC-1", "6.67"), ("cost centre", "CC-2", "13.33")]
    assert told(second) == [("cost centre", "CC-1", "3.33"), ("cost centre", "CC-2", "6.67")]


def test_cost_of_a_kind_that_the_invoices_do_not_bill_is_not_charged_with_them() -> None:
    lines = invoice(
        {"usage": "8", "other": "0"}, [cost("CC-1", "8"), cost("CC-1", "3", kind="other")]
    )
    assert told(lines) == [("cost centre", "CC-1", "8.00")]


def invoice(
    billed: Mapping[Kind, str], costs: list[Cost], in_cycle: Mapping[Kind, str] | None = None
) -> list[Line]:
    amounts = {kind: D(amount) for kind, amount in billed.items()}
    cycle = {kind: D(amount) for kind, amount in (in_cycle or billed).items()}
    return charge_invoice("I-1", amounts, cycle, costs)


amounts = st.decimals(-1000, 10**6, places=9)
costs = st.lists(
    st.builds(
        cost,
        st.sampled_from(["CC-1", "CC-2", "CC-3", "Unassigned"]),
        amounts.map(Fraction),
        kind=st.sampled_from(["usage", "seat", "other"]),
        bearer=st.sampled_from(["Shared", "Unattributed", "Unassigned"]),
        product=st.sampled_from(["Cursor", "Claude"]),
        invoice_id=st.sampled_from([None, "I-1", "I-2"]),
    ),
    max_size=25,
)


@given(costs)
def test_a_months_lines_sum_to_its_cost_rounded_once(month: list[Cost]) -> None:
    total = sum((one.usd for one in month), Fraction())
    shown = sum((line.amount for line in charge_month(month)), D(0))
    assert abs(Fraction(shown) - total) <= Fraction(1, 200)
    exact: dict[tuple[str, ...], Fraction] = {}
    for one in month:
        name = one.bearer if one.cost_center == "Unassigned" else one.cost_center
        place = (name, one.product, one.kind, one.invoice_id or "")
        exact[place] = exact.get(place, Fraction()) + one.usd
    for line in charge_month(month):
        place = (line.cost_center, line.product, line.cost, line.invoice_id or "")
        assert abs(Fraction(line.amount) - exact[place]) < Fraction(1, 100)


kinds = st.fixed_dictionaries(
    {k: st.decimals(-500, 10**6, places=2) for k in ("usage", "seat", "other")}
)


@given(kinds, kinds, costs)
def test_an_invoices_lines_sum_to_the_invoice(
    billed: dict[Kind, Decimal], others: dict[Kind, Decimal], facts: list[Cost]
) -> None:
    in_cycle = {kind: billed[kind] + others[kind] for kind in billed}
    lines = charge_invoice("I-1", billed, in_cycle, facts)
    for kind, amount in billed.items():
        assert sum((line.amount for line in lines if line.cost == kind), D(0)) == cents(amount)
