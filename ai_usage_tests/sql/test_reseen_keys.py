"""The check `reseen_keys`: an inactive key that is used again is named, every other is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine

DAY = date(2025, 9, 30)
LOADED = date(2025, 1, 1)


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def found(
    engine: Engine,
    *used: date,
    start: date = DAY,
    carrying: dict[str, str] | None = None,
    **mapping: Any,
) -> list[tuple[date, str, int]]:
    """(day, key, idle days) of a key with a limit of 10 days that is used on these days."""
    key = {
        "api_key_id": "k1",
        "platform": "anthropic",
        "user_email": "ann@x.io",
        "auto_deactivate_after_days": 10,
        "is_winner": True,
    }
    event = {"platform": "claude_api", "event_type": "usage"}
    known = {"day": LOADED, "user_email": "ann@x.io", **event}
    events = [{"day": day, **event, **(carrying or {"api_key_id": "k1"})} for day in used]
    engine.fill(tables([], [], [], reports=[known, *events], keys=[key | mapping]))
    rows = engine.rows_of("checks", "reseen_keys", start=start, end=DAY + timedelta(days=1))
    return [(row["day"], row["api_key_id"], row["idle_days"]) for row in rows]


def test_a_key_that_is_seen_after_its_limit_is_named_once(engine: Engine) -> None:
    assert found(engine, ago(11), DAY) == [(DAY, "k1", 11)]
    assert found(engine, ago(11), DAY, DAY) == [(DAY, "k1", 11)]
    assert found(engine, ago(12), ago(1), DAY) == [], "it came back the day before"
    assert found(engine, ago(12), ago(1), DAY, start=ago(5)) == [(ago(1), "k1", 11)]


def test_a_key_within_its_limit_is_not(engine: Engine) -> None:
    assert found(engine, ago(10), DAY) == []
    assert found(engine, ago(300), DAY, auto_deactivate_after_days=365) == []


def test_a_key_never_used_is_idle_since_it_was_made_or_since_the_data_begin(
    engine: Engine,
) -> None:
    assert found(engine, DAY, created_date=ago(11)) == [(DAY, "k1", 11)]
    assert found(engine, DAY, created_date=ago(10)) == []
    assert found(engine, DAY, created_date=date(2020, 1, 1)) == [(DAY, "k1", (DAY - LOADED).days)]
    assert found(engine, DAY) == [], "since ever: nobody knows"


def test_a_key_that_only_its_name_is_known_of_counts_by_its_name(engine: Engine) -> None:
    by_name = {"carrying": {"actor_name": "ci"}, "api_key_id": "name:ci"}
    assert found(engine, ago(20), DAY, **by_name) == [(DAY, "name:ci", 20)]  # type: ignore[arg-type]


def test_the_owner_of_the_day_is_asked_and_no_weaker_source(engine: Engine) -> None:
    assert found(engine, ago(20), DAY, is_winner=False) == []
    assert found(engine, ago(20), DAY, expires_date=ago(1)) == []
