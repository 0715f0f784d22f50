"""What moved between two months: every part worked out by hand, and no cent left over."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.finance import Books, Metered, Part, what_moved


def tokens(group: str, units: int, cost: str) -> Metered:
    return Metered(group, "tokens", units, Decimal(cost))


def parts(before: Books, after: Books) -> dict[str, Fraction]:
    """The parts that are not 0."""
    moved = what_moved(before, after)
    assert moved.total == Fraction(after.total) - Fraction(before.total)
    return {part.value: usd for part, usd in moved.parts.items() if usd}


OLD = Books(people=2, metered=(tokens("small", 100, "100"), tokens("large", 100, "300")))


def test_more_people_who_each_do_as_before_are_people_alone() -> None:
    after = Books(people=3, metered=(tokens("small", 150, "150"), tokens("large", 150, "450")))
    assert parts(OLD, after) == {"people": 200}


def test_more_of_everything_by_the_same_people_is_volume_alone() -> None:
    after = Books(people=2, metered=(tokens("small", 110, "110"), tokens("large", 110, "330")))
    assert parts(OLD, after) == {"volume": 40}


def test_other_models_at_their_old_prices_are_mix_alone() -> None:
    after = Books(people=2, metered=(tokens("small", 160, "160"), tokens("large", 40, "120")))
    moved = what_moved(OLD, after)
    assert parts(OLD, after) == {"mix": -120}
    assert moved.groups == {(Part.mix, "small"): 60, (Part.mix, "large"): -180}


def test_a_price_cut_is_price_alone_and_names_the_model() -> None:
    after = Books(people=2, metered=(tokens("small", 100, "100"), tokens("large", 100, "250")))
    assert parts(OLD, after) == {"price": -50}
    assert what_moved(OLD, after).groups == {(Part.price, "large"): -50}


def test_all_at_once_is_worked_out_by_hand() -> None:
    """Two people at 200 a person, 100 units each, at 2 a unit; then three, 120 each.

    A third, at 200: people. 60 units more than three times 100, at 2: volume. Of 360 units small
    has 240 instead of 180, large 120 instead of 180: +60 x 1 and -60 x 3. Large costs 350 for what
    was 360: price.
    """
    after = Books(
        people=3,
        metered=(tokens("small", 240, "240"), tokens("large", 120, "350")),
        seats=Decimal("80"),
        credits=Decimal("-25.50"),
        one_time=Decimal("10"),
    )
    before = Books(OLD.people, OLD.metered, seats=Decimal("60"), one_time=Decimal("100"))
    assert parts(before, after) == {
        "people": 200,
        "volume": 120,
        "mix": -120,
        "price": -10,
        "seats": 20,
        "credits": Fraction("-25.5"),
        "one_time": -90,
    }


def test_a_new_model_is_mix_and_not_price() -> None:
    """200 units at 2 on average; 100 of them now by a model at 5."""
    after = Books(
        people=2,
        metered=(
            tokens("small", 50, "50"),
            tokens("large", 50, "150"),
            tokens("new", 100, "500"),
        ),
    )
    assert parts(OLD, after) == {"mix": 300}
    assert what_moved(OLD, after).groups[Part.mix, "new"] == 500


def test_units_that_cannot_be_added_are_taken_apart_by_themselves() -> None:
    """A million tokens at 1 and ten requests at 2 each; the requests double, the tokens stay."""
    before = Books(
        1,
        (tokens("small", 1_000_000, "1"), Metered("agent", "requests", 10, Decimal(20))),
    )
    after = Books(
        1,
        (tokens("small", 1_000_000, "1"), Metered("agent", "requests", 20, Decimal(40))),
    )
    assert parts(before, after) == {"volume": 20}


def test_cost_in_which_nothing_is_counted_has_no_price() -> None:
    before = Books(2, (Metered("code execution", "tokens", 0, Decimal(10)),))
    after = Books(4, (Metered("code execution", "tokens", 0, Decimal(30)),))
    assert parts(before, after) == {"people": 10, "volume": 10}


def test_a_first_month_has_no_cost_a_person_to_compare_with() -> None:
    assert parts(Books(0), Books(2, OLD.metered, seats=Decimal(5))) == {"volume": 400, "seats": 5}
    before = Books(0, (tokens("small", 10, "10"),))
    assert parts(before, Books(5, (tokens("small", 30, "60"),))) == {"volume": 20, "price": 30}


def test_a_month_in_which_nobody_works_loses_people_alone() -> None:
    assert parts(OLD, Books(0)) == {"people": -400}


amounts = st.decimals(-1000, 10**6, places=9)
metered = st.lists(
    st.builds(
        Metered,
        st.sampled_from(["small", "large", "agent"]),
        st.sampled_from(["tokens", "requests"]),
        st.integers(0, 10**9),
        amounts,
    ),
    max_size=6,
).map(tuple)
books = st.builds(Books, st.integers(0, 5), metered, amounts, amounts, amounts)


@given(books, books)
def test_whatever_the_months_the_parts_sum_to_the_difference(before: Books, after: Books) -> None:
    moved = what_moved(before, after)
    assert set(moved.parts) == set(Part)
    assert moved.total == Fraction(after.total) - Fraction(before.total)
    for part in (Part.mix, Part.price):
        of_groups = [usd for (own, _), usd in moved.groups.items() if own is part]
        assert sum(of_groups) == moved.parts[part]


@given(books, books)
def test_in_cents_they_lead_from_one_shown_total_to_the_other(before: Books, after: Books) -> None:
    moved = what_moved(before, after)
    shown = moved.in_cents()
    start, end = (round(Fraction(books.total) * 100) for books in (before, after))
    moved_by = Fraction(sum(shown.values(), Decimal())) * 100
    assert abs(start + moved_by - end) <= 1, "half a cent is rounded away from 0"
    assert all(
        abs(Fraction(usd) - moved.parts[part]) < Fraction(1, 100) * 2 for part, usd in shown.items()
    )


@given(books)
def test_nothing_moves_between_equal_months(same: Books) -> None:
    assert not any(what_moved(same, same).parts.values())


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_entries_does_not_matter(order: int) -> None:
    after = Books(3, (tokens("small", 240, "240"), tokens("large", 120, "350"))[::order])
    assert parts(Books(2, OLD.metered[::order]), after)["price"] == -10
