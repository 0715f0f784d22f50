"""One answer checks another: sums by field, and how far rounding may part them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest

from ai_usage.vendors.kit.agreement import agree, sums
from ai_usage.vendors.kit.values import NULL, UnreadableAmount


class Line(NamedTuple):
    """What two answers both say of a charge."""

    net: msgspec.Raw
    discount: msgspec.Raw


def line(net: bytes, discount: bytes) -> Line:
    return Line(msgspec.Raw(net), msgspec.Raw(discount))


def test_dollars_are_summed_exactly_each_field_for_itself_and_no_record_is_nothing() -> None:
    found = sums([line(b"0.1", b"2"), line(b'"0.2"', b"0.005")], "net", "discount")
    assert found == [Decimal("0.3"), Decimal("2.005")]
    assert sums([], "net", "discount") == [0, 0]


@pytest.mark.parametrize("odd", [NULL, msgspec.Raw(b'"n/a"'), msgspec.Raw(b"{}")])
def test_what_is_no_amount_has_no_sum(odd: msgspec.Raw) -> None:
    with pytest.raises(UnreadableAmount):
        sums([line(b"1", b"1"), Line(net=odd, discount=msgspec.Raw(b"1"))], "net", "discount")


@pytest.mark.parametrize(
    ("records", "apart", "same"),
    [(0, "0.01", True), (99, "0.011", False), (100, "0.02", True), (100, "-0.021", False)],
)
def test_a_cent_and_one_more_for_each_hundred_records_is_rounding(
    records: int, apart: str, same: bool
) -> None:
    here = [Decimal(5), Decimal(7)]
    assert agree(here, [Decimal(5), Decimal(7) + Decimal(apart)], records) is same
    assert agree([Decimal(5) + Decimal(apart), Decimal(7)], here, records) is same
