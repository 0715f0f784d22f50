"""The rollup `identity_days`: who and what was seen when, whoever it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine

START, END = date(2025, 9, 1), date(2025, 9, 4)
DAYS = [date(2025, 8, 31), START, date(2025, 9, 3), END]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def seen(engine: Engine, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    engine.fill(tables([], [], [], reports=[{"platform": "claude_api", **e} for e in events]))
    return engine.rows_of("rollups", "identity_days", start=START, end=END)


def test_an_identity_is_the_first_that_the_event_carries(engine: Engine) -> None:
    everything = {"user_email": "ann@x.io", "api_key_id": "k1", "actor_name": "ci"}
    named = [everything, {"api_key_id": "k1", "actor_name": "ci"}, {"actor_name": "ci"}, {}]
    rows = seen(engine, [{"day": START, "event_type": "usage", **event} for event in named])
    assert sorted((row["identity_type"], row["identity_value"]) for row in rows) == [
        ("api_key_id", "k1"),
        ("api_key_name", "ci"),
        ("email", "ann@x.io"),
        ("none", ""),
    ]


def test_what_only_cost_names_was_seen_and_not_used(engine: Engine) -> None:
    """A seat names its holder every day: that is no use of a key."""
    cost = {"day": START, "event_type": "cost", "api_key_id": "k1"}
    (row,) = seen(engine, [cost])
    assert (row["records"], row["usage_records"]) == (1, 0)
    (row,) = seen(engine, [cost, {**cost, "event_type": "session"}])
    assert (row["records"], row["usage_records"]) == (2, 1)


events = st.fixed_dictionaries(
    {
        "day": st.sampled_from(DAYS),
        "event_type": st.sampled_from(["usage", "session", "cost"]),
        "platform": st.sampled_from(["claude_api", "claude_code", "cursor"]),
    },
    optional={
        "user_email": st.sampled_from(["ann@x.io", "bob@x.io"]),
        "api_key_id": st.sampled_from(["k1", "k2"]),
        "actor_name": st.just("ci"),
    },
)


@given(drawn=st.lists(events, max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_event_of_the_days_is_counted_once(
    engine: Engine, drawn: list[dict[str, Any]]
) -> None:
    rows = seen(engine, drawn)
    assert sum(row["records"] for row in rows) == sum(START <= e["day"] < END for e in drawn)
    expected = Counter(
        (event["day"], "cursor" if event["platform"] == "cursor" else "anthropic")
        for event in drawn
        if START <= event["day"] < END and event["event_type"] != "cost"
    )
    found: Counter[tuple[date, str]] = Counter()
    for row in rows:
        found[row["day"], row["platform"]] += row["usage_records"]
    assert +found == expected
    keys = [tuple(row[name] for name in UNIQUE_KEYS["identity_days"]) for row in rows]
    assert len(set(keys)) == len(keys)
