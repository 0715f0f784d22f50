"""The same event has the same id in every answer, and no two events share one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.vendors.event_ids import event_id, hash_text, with_event_ids
from ai_usage.vendors.rows import RawEvent

Identity = tuple[str | None, ...]


def ids(identities: Sequence[Identity]) -> list[str]:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    events = [
        RawEvent(identity=i, event_timestamp=at, event_date=date(2026, 11, 3), event_type="usage")
        for i in identities
    ]
    return [event.event_id for event in with_event_ids("cursor", "usage_events", events)]


def test_the_hashed_text_is_the_one_that_the_facts_use() -> None:
    assert hash_text(("ab", None, "", "ü")) == "2:ab-0:1:ü"
    expected = hashlib.sha256(b"6:cursor5:spend1:x-1:0").hexdigest()
    assert event_id("cursor", "spend", ("x", None)) == expected


parts = st.one_of(st.none(), st.text("-:0123ab", max_size=4))
identities = st.lists(st.tuples(parts, parts), max_size=12)


@given(identities)
def test_ids_are_unique_also_among_equals(found: list[Identity]) -> None:
    assert len(set(ids(found))) == len(found)


@given(identities, st.randoms())
def test_the_set_of_ids_does_not_depend_on_the_order(found: list[Identity], dice: object) -> None:
    shuffled = list(found)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert set(ids(found)) == set(ids(shuffled))


@given(identities)
def test_each_id_counts_its_equals_from_zero(found: list[Identity]) -> None:
    expected = [
        event_id("cursor", "usage_events", identity, found[:at].count(identity))
        for at, identity in enumerate(found)
    ]
    assert ids(found) == expected
