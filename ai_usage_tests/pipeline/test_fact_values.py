"""Single values of the facts, worked out by hand: list prices, confidences, cost centres."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.support.facts import cost_facts, engine_around, raw, usage_facts

DAY = date(2026, 3, 10)
WINDOW = Window(DAY, DAY + timedelta(days=1))
PEOPLE = {"ann@x.io": 11, "bob@x.io": 12}
KEYS = {"k_ann": 11, "k_bob": 12, "k_bot": -1}
D = Decimal


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_around(PEOPLE, KEYS, cost_centers=CENTERS, verified=DAY) as engine:
        yield engine


CENTERS = {
    "ann@x.io": "CC-1",
    "bob@x.io": "CC-1",
    "k_ann": "CC-1",
    "k_bob": "CC-1",
    "k_bot": "CC-2",
}


def price(token_type: str, usd: str, **cells: Any) -> dict[str, Any]:
    return {
        "platform": "anthropic",
        "model": "sonnet",
        "token_type": token_type,
        "service_tier": "standard",
        "usd_per_million": D(usd),
        "valid_from": date(1900, 1, 1),
        "valid_to": date(9999, 12, 31),
        **cells,
    }


PRICES = [
    price("uncached_input_tokens", "3"),
    price("output_tokens", "15"),
    price("cache_read_input_tokens", "0.30"),
    price("cache_creation.ephemeral_5m_input_tokens", "3.75"),
    price("cache_creation.ephemeral_1h_input_tokens", "6"),
]


def used(event_id: str = "u", key: str = "k_ann", **cells: Any) -> dict[str, Any]:
    tokens = {"input_tokens": 0, "output_tokens": 0, "cached_input_tokens": 0} | {
        "cache_read_tokens": 0
    }
    own = {"event_type": "usage", "api_key_id": key, "model": "sonnet", "service_tier": "standard"}
    return raw(event_id, DAY, **(own | tokens | cells))


@pytest.mark.parametrize(
    ("tokens", "list_cost", "savings"),
    [
        # 1,000 x 3 + 200 x 15 + 10,000 x 0.30 + 400 x 3.75 + 100 x 6 = 11,100 millionths; the
        # 10,000 read from the cache would have cost 2.70 a million more.
        (
            {
                "input_tokens": 1_000,
                "output_tokens": 200,
                "cache_read_tokens": 10_000,
                "cached_input_tokens": 500,
                "cache_write_5m_tokens": 400,
                "cache_write_1h_tokens": 100,
            },
            D("0.011100"),
            D("0.027"),
        ),
        # Writes whose lifetime is not told count as five minutes: 1,000 x 3.75.
        ({"cached_input_tokens": 1_000}, D("0.003750"), D(0)),
        ({"input_tokens": 1_000, "model": "other"}, None, None),
        ({"input_tokens": 1_000, "service_tier": "batch"}, None, None),
    ],
)
def test_tokens_at_list_price_and_what_the_cache_saved(
    engine: Engine, tokens: dict[str, Any], list_cost: Decimal | None, savings: Decimal | None
) -> None:
    engine.fill({"dim_model_prices": PRICES})
    row = usage_facts(engine, [used(**tokens)], WINDOW)["u"]
    assert (row["list_cost_usd"], row["cache_savings_usd"]) == (list_cost, savings)


def test_a_price_of_the_context_of_the_day_and_of_the_tier_counts(engine: Engine) -> None:
    eve = DAY - timedelta(days=1)
    one = "uncached_input_tokens"
    engine.fill(
        {
            "dim_model_prices": [
                price(one, "3", valid_to=eve),
                price(one, "4", valid_from=DAY),
                price(one, "8", context_window="200k-1M"),
                price(one, "2", service_tier="batch"),
            ]
        }
    )
    rows = usage_facts(
        engine,
        [
            used("today", input_tokens=1_000_000),
            used("long", input_tokens=1_000_000, context_window="200k-1M"),
            used("batch", input_tokens=1_000_000, service_tier="batch"),
            used("unpriced", input_tokens=1_000_000, output_tokens=1),
        ],
        WINDOW,
    )
    found = {event: row["list_cost_usd"] for event, row in rows.items()}
    assert found == {"today": D(4), "long": D(8), "batch": D(2), "unpriced": None}


@pytest.mark.parametrize(("bobs_model", "anns"), [("sonnet", D("2.5")), ("other", D("1"))])
def test_a_line_without_a_class_is_split_by_list_price_or_by_tokens_if_one_has_none(
    engine: Engine, bobs_model: str, anns: Decimal
) -> None:
    """Ann's 100 output tokens list at five times Bob's 100 input ones; 3 dollars by 5 to 1.

    Where Bob's model has no price, dollars cannot be mixed with tokens: by 100 to 200.
    """
    engine.fill({"dim_model_prices": PRICES})
    bob = used("b", "k_bob", input_tokens=100 if bobs_model == "sonnet" else 200, model=bobs_model)
    events = [used("a", output_tokens=100), bob]
    cells = {"event_type": "cost", "cost_type": "code_execution", "cost_usd": D(3)}
    events.append(raw("line", DAY, **cells))
    usage_facts(engine, events, WINDOW)
    parts = {
        r["api_key_id"]: r["total_cost_usd"] for r in cost_facts(engine, events, WINDOW)["line"]
    }
    assert parts == {"k_ann": anns, "k_bob": 3 - anns}


@pytest.mark.parametrize(
    ("cells", "confidence"),
    [
        ({}, 1.0),
        ({"is_rate_stale": False}, 1.0),
        ({"is_rate_stale": True}, 0.9),
        ({"is_provisional": True}, 0.8),
        ({"is_provisional": True, "is_rate_stale": True}, 0.8),
    ],
)
def test_an_amount_is_less_sure_while_provisional_or_by_a_stale_rate(
    engine: Engine, cells: dict[str, Any], confidence: float
) -> None:
    cost = {"event_type": "cost", "cost_type": "subscription", "cost_usd": D(1)}
    event = raw("e", DAY, user_email="ann@x.io", **cost, **cells)
    (row,) = cost_facts(engine, [event], WINDOW)["e"]
    assert row["cost_confidence"] == confidence


@pytest.mark.parametrize(("age", "left"), [(-5, 1.0), (0, 1.0), (90, 0.75), (180, 0.5), (900, 0.5)])
def test_an_identity_is_less_sure_the_longer_ago_it_was_confirmed_on_the_events_day(
    age: int, left: float
) -> None:
    cost = {"event_type": "cost", "cost_type": "overage", "cost_usd": D(1)}
    events = [raw("c", DAY, user_email="ann@x.io", **cost), used(input_tokens=1)]
    with engine_around(PEOPLE, KEYS, verified=DAY - timedelta(days=age)) as engine:
        usage = usage_facts(engine, events, WINDOW)["u"]
        (row,) = cost_facts(engine, events, WINDOW)["c"]
    assert usage["attribution_confidence"] == pytest.approx(left)
    assert row["allocation_confidence"] == pytest.approx(left)


def test_a_services_key_keeps_its_cost_centre_whoever_a_rule_lets_bear_it(engine: Engine) -> None:
    """The key's centre before the person's, the rule's before both."""
    rule = {
        "rule_id": "r",
        "platform": "anthropic",
        "scope_type": "api_key",
        "scope_value": "k_bot",
        "method": "manual",
        "user_email": "ann@x.io",
        "weight": 100_000_000,
        "project_codes": [],
        "valid_from": DAY,
        "valid_to": DAY,
    }
    line = {"event_type": "cost", "token_type": "output_tokens", "cost_type": "tokens"}
    events = [used(key="k_bot", output_tokens=5), raw("line", DAY, **line, cost_usd=D(2))]
    (shared,) = cost_facts(engine, events, WINDOW)["line"]
    engine.fill({"allocation_rules": [rule]})
    (ruled,) = cost_facts(engine, events, WINDOW)["line"]
    engine.fill({"allocation_rules": [rule | {"cost_center": "CC-1"}]})
    (told,) = cost_facts(engine, events, WINDOW)["line"]
    assert [(r["user_sk"], r["cost_center_sk"]) for r in (shared, ruled, told)] == [
        (-1, 2),
        (11, 2),
        (11, 1),
    ]
