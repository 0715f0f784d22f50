"""How sure a split by usage is, and what it counts, where lines or tiers share usage. By hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.vendors.batches import Provenance, batches
from ai_usage.vendors.event_ids import with_event_ids
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.support.facts import cost_facts, engine_around, raw
from ai_usage_tests.vendors.support import ANTHROPIC, fixture, read

D = Decimal
DAY = date(2026, 3, 10)
WINDOW = Window.day(DAY)
PEOPLE = {"ann@x.io": 11, "bob@x.io": 12}
KEYS = {"apikey_A": 11, "apikey_B": 12}
LINES, TIERS = "lines_usage_cannot_tell_apart", "tiers_share_the_line"

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_around(PEOPLE, KEYS) as engine:
        yield engine


def line(event_id: str, dollars: str = "1", **cells: Any) -> dict[str, Any]:
    """A line of output tokens of a model, standard tier and the short context."""
    names = {"model": "opus", "service_tier": "standard", "context_window": "0-200k"}
    own = {"event_type": "cost", "cost_type": "tokens", "token_type": "output_tokens"}
    return raw(event_id, DAY, cost_usd=D(dollars), **(names | own | cells))


def used(key: str, tokens: int, **cells: Any) -> dict[str, Any]:
    """Output tokens of a key, as `line` names them."""
    names = {"model": "opus", "service_tier": "standard", "context_window": "0-200k"}
    own = {"event_type": "usage", "api_key_id": key, "output_tokens": tokens}
    return raw(f"used {key} {sorted(cells.items())}", DAY, **(names | own | cells))


def counts(engine: Engine, events: Rows) -> dict[str, dict[str, Any]]:
    """Tokens of each line and key."""
    return {
        event: {row["api_key_id"]: row["billable_tokens"] for row in rows}
        for event, rows in cost_facts(engine, events, WINDOW).items()
    }


def doubts(engine: Engine, events: Rows) -> dict[str, tuple[float, str | None]]:
    """Confidence and note of each line; all its parts have the same."""
    found = {}
    for event, rows in cost_facts(engine, events, WINDOW).items():
        said = {(round(row["allocation_confidence"], 9), row["allocation_note"]) for row in rows}
        (found[event],) = said
    return found


def by_key(rows: Rows, column: str) -> dict[str, Any]:
    return {key: sum(row[column] for row in rows if row["api_key_id"] == key) for key in KEYS}


@pytest.mark.parametrize(
    ("day", "each", "sure", "note"),
    [
        # $2.00 "(Fast Mode)" and $1.00: A's and B's 1,000 tokens each cannot be told apart.
        (date(2026, 9, 9), "1.50", 0.8, LINES),
        # $1.10 in the US and $1.00 anywhere.
        (date(2026, 9, 10), "1.05", 0.8, LINES),
        # $1.00 and $0.50 that differ in a field which nobody here has heard of.
        (date(2026, 9, 11), "0.75", 0.8, LINES),
        # One line of $1.00: nothing to tell apart.
        (date(2026, 9, 12), "0.50", 1.0, None),
    ],
)
def test_lines_that_differ_in_what_the_usage_report_does_not_say_are_split_less_surely(
    engine: Engine, day: date, each: str, sure: float, note: str | None
) -> None:
    """As the vendor reports it: five dimensions of usage, and lines by their description."""
    days = Window(date(2026, 9, 9), date(2026, 9, 13))
    events: Rows = []
    for report in ("cost", "usage"):
        name = f"{report}_report"
        rows = read(ANTHROPIC, name, fixture(f"anthropic/indistinct_{name}.json"), days)
        told = Provenance("anthropic", name, datetime(2026, 9, 20, tzinfo=UTC), frozenset(), None)
        for batch in batches(with_event_ids("anthropic", name, rows), told):
            events += batch.to_pylist()
    for event in events:
        event["raw_response"] = None
    found = [row for rows in cost_facts(engine, events, Window.day(day)).values() for row in rows]
    assert by_key(found, "total_cost_usd") == {"apikey_A": D(each), "apikey_B": D(each)}
    assert {(r["allocation_confidence"], r["allocation_note"]) for r in found} == {(sure, note)}
    # Each token once, however many lines bill it.
    assert by_key(found, "billable_tokens") == {"apikey_A": 1_000, "apikey_B": 1_000}


def test_the_first_line_by_event_id_has_the_tokens_and_the_others_have_none(
    engine: Engine,
) -> None:
    events = [line("2nd"), line("1st", "2"), used("apikey_A", 30), used("apikey_B", 10)]
    assert counts(engine, events) == {
        "1st": {"apikey_A": 30, "apikey_B": 10},
        "2nd": {"apikey_A": 0, "apikey_B": 0},
    }
    rows = cost_facts(engine, events, WINDOW)
    # $1.50 over 30 tokens and $0.50 over 10; what has no tokens has no price of one.
    assert [r["cost_per_token"] for r in rows["1st"]] == pytest.approx([0.05, 0.05])
    assert [r["cost_per_token"] for r in rows["2nd"]] == [None, None]


def test_a_line_that_names_less_bills_the_tokens_of_those_that_name_more(engine: Engine) -> None:
    """`b` leaves the context open: A's short tokens are `a`'s already, B's long ones it has."""
    short, long = {"context_window": "0-200k"}, {"context_window": "200k-1M"}
    events = [
        line("a", **short),
        line("b", context_window=None),
        line("c", **long),
        used("apikey_A", 10, **short),
        used("apikey_B", 20, **long),
    ]
    assert counts(engine, events) == {
        "a": {"apikey_A": 10},
        "b": {"apikey_B": 20, "apikey_A": 0},
        "c": {"apikey_B": 0},
    }
    assert set(doubts(engine, events).values()) == {(0.8, LINES)}


@pytest.mark.parametrize(
    "cells",
    [
        {"context_window": "200k-1M"},
        {"service_tier": "batch"},
        {"model": "haiku"},
        {"token_type": "uncached_input_tokens"},
        {"workspace_id": "w1"},
        {"cost_type": "web_search", "token_type": None},
    ],
)
def test_lines_that_usage_tells_apart_are_as_sure_as_before(
    engine: Engine, cells: dict[str, Any]
) -> None:
    told = {name: value for name, value in cells.items() if name not in ("cost_type", "token_type")}
    events = [
        line("a"),
        line("b", **cells),
        used("apikey_A", 10),
        used("apikey_B", 10, input_tokens=5, web_search_requests=2, **told),
    ]
    if not told:
        events.append(used("apikey_A", 1, input_tokens=5, web_search_requests=1))
    assert doubts(engine, events) == {"a": (1.0, None), "b": (1.0, None)}


@pytest.mark.parametrize(
    ("cells", "sure", "note"),
    [
        ({"context_window": "200k-1M"}, 0.6, f"widened_to_model, {LINES}"),
        ({"model": "haiku"}, 0.4, f"widened_to_workspace, {LINES}"),
        (
            {"cost_type": "code_execution", "token_type": None, "model": None},
            0.4,
            f"no_usage_of_its_own, {LINES}",
        ),
        ({"cost_type": "web_search", "token_type": None, "model": None}, 0.8, LINES),
    ],
)
def test_every_doubt_is_a_step(
    engine: Engine, cells: dict[str, Any], sure: float, note: str
) -> None:
    """Two lines alike, of which no usage fits all that they name, or none is their own."""
    events = [line("a", **cells), line("b", **cells), used("apikey_A", 10, web_search_requests=1)]
    assert doubts(engine, events) == {"a": (sure, note), "b": (sure, note)}


def test_things_of_two_kinds_that_no_usage_counts_are_not_one_thing_twice(engine: Engine) -> None:
    names: dict[str, Any] = {"token_type": None, "model": None}
    events = [
        line("a", cost_type="code_execution", **names),
        line("b", cost_type="session_usage", **names),
        used("apikey_A", 10),
    ]
    assert set(doubts(engine, events).values()) == {(0.6, "no_usage_of_its_own")}


def test_searches_are_counted_once_too(engine: Engine) -> None:
    names: dict[str, Any] = {"cost_type": "web_search", "token_type": None, "model": None}
    events = [line("a", **names), line("b", **names), used("apikey_A", 1, web_search_requests=7)]
    found = cost_facts(engine, events, WINDOW)
    assert [found[e][0]["billable_requests"] for e in "ab"] == [7, 0]


@pytest.mark.parametrize(
    ("billed", "anns", "bobs", "parts", "sure", "note"),
    [
        # On-demand priority is billed: a weight like standard, at another price.
        ("standard", "standard", "priority_on_demand", ("0.75", "0.25"), 0.8, TIERS),
        ("standard", "standard", "flex", ("0.75", "0.25"), 0.8, TIERS),
        ("standard", "priority_on_demand", "priority_on_demand", ("0.75", "0.25"), 1.0, None),
        # The Priority Tier is paid by commitment.
        ("standard", "priority", "priority_on_demand", (None, "1"), 1.0, None),
        # Batch has lines of its own.
        ("standard", "batch", "priority_on_demand", (None, "1"), 1.0, None),
        ("batch", "batch", "priority_on_demand", ("1", None), 1.0, None),
        # A line that names no tier bills them all.
        (None, "batch", "standard", ("0.75", "0.25"), 1.0, None),
    ],
)
def test_tiers_that_share_a_line_make_it_a_step_less_sure(
    engine: Engine,
    billed: str | None,
    anns: str,
    bobs: str,
    parts: tuple[str | None, str | None],
    sure: float,
    note: str | None,
) -> None:
    """Ann's 30 tokens and Bob's 10."""
    events = [
        line("l", service_tier=billed),
        used("apikey_A", 30, service_tier=anns),
        used("apikey_B", 10, service_tier=bobs),
    ]
    rows = cost_facts(engine, events, WINDOW)["l"]
    found = {row["api_key_id"]: row["total_cost_usd"] for row in rows}
    expected = {key: D(usd) for key, usd in zip(KEYS, parts, strict=True) if usd}
    assert found == expected
    assert doubts(engine, events) == {"l": (sure, note)}


def test_searches_cost_the_same_in_every_tier(engine: Engine) -> None:
    events = [
        line("l", cost_type="web_search", token_type=None, model=None, service_tier=None),
        used("apikey_A", 1, web_search_requests=1),
        used("apikey_B", 1, web_search_requests=1, service_tier="priority_on_demand"),
    ]
    assert doubts(engine, events) == {"l": (1.0, None)}


def test_another_day_is_another_line(engine: Engine) -> None:
    tomorrow = DAY + timedelta(days=1)
    at = datetime(2026, 3, 11, tzinfo=UTC)
    moved = {"event_date": tomorrow, "event_timestamp": at}
    events = [line("a"), line("b") | moved, used("apikey_A", 3)]
    events.append(used("apikey_A", 4, request_count=1) | moved)
    found = cost_facts(engine, events, Window(DAY, tomorrow + timedelta(days=1)))
    assert {e: found[e][0]["billable_tokens"] for e in found} == {"a": 3, "b": 4}
    assert {found[e][0]["allocation_note"] for e in found} == {None}
