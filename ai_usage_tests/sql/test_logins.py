"""What names nobody but a vendor's login belongs to whom the bridge says the login means."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.days.windows import Window
from ai_usage_tests.support.facts import cost_facts, engine_around, raw

DAY = date(2026, 3, 3)


def event(event_id: str, **cells: Any) -> dict[str, Any]:
    own = {"platform": "hub", "platform_subtype": "hub", "event_type": "usage"}
    money = {"cost_usd": Decimal("1.50"), "cost_currency": "USD", "cost_type": "ai_credits"}
    return raw(event_id, DAY, **{**own, **money, **cells})


def test_the_cost_and_the_usage_of_a_login_are_its_persons() -> None:
    engine = engine_around({"ann@x.com": 5, "bob@x.com": 6}, {}, logins={"ann-x": 5})
    events = [
        event("login", vendor_user_id="ann-x"),
        event("stranger", vendor_user_id="nobody-x"),
        # The same login elsewhere is another's.
        event("elsewhere", platform="other", vendor_user_id="ann-x"),
        # An address says more than an id.
        event("address", user_email="bob@x.com", vendor_user_id="ann-x"),
    ]
    costs = cost_facts(engine, events, Window.day(DAY))
    assert {
        name: [(row["user_sk"], row["total_cost_usd"]) for row in own]
        for name, own in costs.items()
    } == {
        "login": [(5, Decimal("1.50"))],
        "stranger": [(0, Decimal("1.50"))],
        "elsewhere": [(0, Decimal("1.50"))],
        "address": [(6, Decimal("1.50"))],
    }
    following = date(2026, 3, 4)
    usage = engine.rows_of("facts", "fact_ai_usage", start=DAY, end=following, run_id="by_hand")
    assert {row["event_id"]: row["user_sk"] for row in usage} == {
        "login": 5,
        "stranger": 0,
        "elsewhere": 0,
        "address": 6,
    }
