"""What a rule moves, to whom, and under which cost centre: small tables worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.days.windows import Window
from ai_usage.finance import Rates, seat_events
from ai_usage.vendors.batches import Provenance, batches
from ai_usage_tests.finance.tables import contract, held, seated
from ai_usage_tests.support.facts import cost_facts, engine_around, raw
from ai_usage_tests.support.reference_allocation import Bearer, Part, moved

D = Decimal
DAY = date(2026, 3, 10)
WINDOW = Window.day(DAY)
PEOPLE = {"ann@x.io": 11, "bob@x.io": 12, "cyd@x.io": 13}
NAMES = {11: "ann", 12: "bob", 13: "cyd", 0: "nobody", -1: "shared"}
KEYS = {"k_ann": 11, "k_bob": 12, "k_bot": -1}

Rows = list[dict[str, Any]]


def rule(name: str, scope: str, value: str | None = None, **cells: Any) -> Rows:
    """A rule that says nothing of people: by usage, or an equal split over `team`."""
    row: dict[str, Any] = {
        "rule_id": name,
        "platform": "anthropic",
        "scope_type": scope,
        "scope_value": value,
        "method": "equal_split" if "team" in cells else "usage_based",
        "project_codes": [],
        "valid_from": date(1900, 1, 1),
        "valid_to": date(9999, 12, 31),
    }
    return [row | cells]


def manual(name: str, scope: str, value: str | None = None, **percentages: str) -> Rows:
    """A rule by percentages of people."""
    (row,) = rule(name, scope, value, method="manual")
    return [
        row | {"user_email": f"{person}@x.io", "weight": int(D(share) * 1_000_000)}
        for person, share in percentages.items()
    ]


def cost(event_id: str, dollars: str = "1", **cells: Any) -> dict[str, Any]:
    return raw(event_id, DAY, **({"event_type": "cost", "cost_usd": D(dollars)} | cells))


LINE = {"cost_type": "tokens", "token_type": "output_tokens"}


def used(key: str, tokens: int = 10, **cells: Any) -> dict[str, Any]:
    own = {"event_type": "usage", "api_key_id": key, "output_tokens": tokens}
    return raw(f"used {key} {sorted(cells.items())}", DAY, **(own | cells))


def borne(events: Rows, rules: Rows, **around: Any) -> dict[str, list[tuple[str, str, str]]]:
    """Who bears each event: name, dollars, method, in order of the parts."""
    with engine_around(PEOPLE, KEYS, **around) as engine:
        engine.fill({"allocation_rules": rules})
        found = cost_facts(engine, events, WINDOW)
    return {
        event: [
            (NAMES[r["user_sk"]], f"{r['total_cost_usd']:.2f}", r["allocation_method"])
            for r in rows
        ]
        for event, rows in found.items()
    }


EVERYTHING: Rows = [
    used("k_ann"),
    cost("line", **LINE),
    cost("overage", event_type="usage", cost_type="overage", user_email="ann@x.io"),
    cost("seat", cost_type="subscription", user_email="ann@x.io"),
    cost("free seat", cost_type="subscription", attribution_method="shared"),
    cost("tax", cost_type="tax", attribution_method="shared"),
    cost("credit", "-1", cost_type="credit", attribution_method="shared"),
    cost("course", cost_type="one_time", user_email="ann@x.io"),
    cost("unreadable", data_quality_score=0.0, user_email="ann@x.io"),
    cost("elsewhere", platform="cursor", cost_type="overage", user_email="ann@x.io"),
]


def test_a_rule_of_a_platform_splits_all_that_the_platform_costs() -> None:
    """Also what names somebody and what is everybody's; not what cannot be read."""
    quarters = [("bob", "0.75", "manual"), ("ann", "0.25", "manual")]
    assert borne(EVERYTHING, manual("all", "platform", ann="25", bob="75")) == {
        "line": quarters,
        "overage": quarters,
        "seat": quarters,
        "free seat": quarters,
        "tax": quarters,
        "credit": [("bob", "-0.75", "manual"), ("ann", "-0.25", "manual")],
        "course": quarters,
        "unreadable": [("nobody", "1.00", "unallocated")],
        "elsewhere": [("ann", "1.00", "direct")],
    }


def test_without_a_rule_each_cost_is_whose_it_says() -> None:
    found = borne(EVERYTHING, [])
    assert found["line"] == [("ann", "1.00", "usage_based")]
    assert found["seat"] == found["overage"] == found["course"] == [("ann", "1.00", "direct")]
    assert found["free seat"] == found["tax"] == [("shared", "1.00", "direct")]


def test_a_narrower_rule_keeps_its_cost_from_the_platforms() -> None:
    """Three keys in the workspace w1: one has its own rule, one is left as used."""
    events = [
        used("k_ann", workspace_id="w1"),
        used("k_bob", workspace_id="w1"),
        used("k_bot", workspace_id="w1"),
        cost("in w1", "3", **LINE, workspace_id="w1"),
        used("k_ann"),
        cost("in no workspace", **LINE),
        cost("seat", cost_type="subscription", user_email="ann@x.io"),
        cost("of a key", cost_type="one_time", api_key_id="k_bob"),
    ]
    rules = [
        *manual("key", "api_key", "k_bob", cyd="100"),
        *rule("as used", "api_key", "k_ann"),
        *manual("workspace", "workspace", "w1", bob="100"),
        *manual("platform", "platform", None, ann="50", cyd="50"),
    ]
    halves = [("ann", "0.50", "manual"), ("cyd", "0.50", "manual")]
    assert borne(events, rules) == {
        "in w1": [
            ("ann", "1.00", "usage_based"),
            ("cyd", "1.00", "manual"),
            ("bob", "1.00", "manual"),
        ],
        "in no workspace": [("ann", "1.00", "usage_based")],
        "seat": halves,
        "of a key": [("cyd", "1.00", "manual")],
    }


def test_the_default_workspaces_rule_is_not_about_what_names_no_workspace_because_it_has_none() -> (
    None
):
    events = [cost("line", **LINE), cost("seat", cost_type="subscription", user_email="ann@x.io")]
    assert borne(events, manual("default", "workspace", None, bob="100")) == {
        "line": [("bob", "1.00", "manual")],
        "seat": [("ann", "1.00", "direct")],
    }


@pytest.mark.parametrize("scope", [("api_key", "k_ann"), ("workspace", None), ("platform", None)])
def test_an_equal_split_on_a_day_without_an_active_member_is_shared(
    scope: tuple[str, str | None],
) -> None:
    """Everybody of the team begins tomorrow."""
    begun = dict.fromkeys(PEOPLE, DAY + timedelta(days=1))
    events = [used("k_ann"), cost("line", **LINE)]
    rules = rule("r", *scope, team="Core")
    assert borne(events, rules, team="Core", start_dates=begun) == {
        "line": [("shared", "1.00", "equal_split")]
    }
    with engine_around(PEOPLE, KEYS, team="Core", start_dates=begun) as engine:
        engine.fill({"allocation_rules": rules})
        (row,) = cost_facts(engine, events, WINDOW)["line"]
    assert row["allocation_note"] == "nobody_active_in_team"
    assert (row["allocation_confidence"], row["allocated_cost_usd"]) == (1.0, 0)
    assert (row["api_key_id"], row["billable_tokens"]) == ("k_ann", 10)


@pytest.mark.parametrize(
    ("rules", "tokens"),
    [
        # 10 tokens by thirds: 3.33 each.
        (rule("r", "api_key", "k_ann", team="Core"), {"ann": 4, "bob": 3, "cyd": 3}),
        # 3.3333333 and 6.6666667.
        (manual("r", "api_key", "k_ann", ann="33.333333", bob="66.666667"), {"bob": 7, "ann": 3}),
        (manual("r", "platform", None, ann="1", bob="99"), {"bob": 10, "ann": 0}),
        (manual("r", "workspace", None, cyd="100"), {"cyd": 10}),
    ],
)
def test_a_rules_parts_carry_their_shares_of_the_tokens_and_the_largest_what_is_left(
    rules: Rows, tokens: dict[str, int]
) -> None:
    with engine_around(PEOPLE, KEYS, team="Core") as engine:
        engine.fill({"allocation_rules": rules})
        rows = cost_facts(engine, [used("k_ann"), cost("line", **LINE)], WINDOW)["line"]
    assert {NAMES[row["user_sk"]]: row["billable_tokens"] for row in rows} == tokens
    for row in rows:
        # What has no tokens has no price of one.
        count = row["billable_tokens"]
        paid = pytest.approx(float(row["total_cost_usd"]) / count) if count else None
        assert row["cost_per_token"] == paid
    # The second reckoning says the same.
    percentages = {f"{NAMES[r['user_sk']]}@x.io": D(r.get("weight") or 1) for r in rows}
    if {r["method"] for r in rules} == {"manual"}:
        percentages = {r["user_email"]: D(r["weight"]) / 1_000_000 for r in rules}
    whole = Part(Bearer("k_ann", None, None), D(1), 1, tokens=10)
    assert [(r["total_cost_usd"], r["billable_tokens"]) for r in rows] == [
        (share.dollars, share.tokens) for share in moved(whole, percentages)
    ]


def test_a_rules_parts_of_requests_and_seats_sum_to_the_whole_too() -> None:
    """One overage request is one request; a day of a seat is 1/31 of it in March."""
    events = [
        cost("overage", event_type="usage", cost_type="overage", user_email="ann@x.io"),
        cost("seat", cost_type="subscription", user_email="ann@x.io"),
        used("k_ann", web_search_requests=7),
        cost("searches", cost_type="web_search"),
    ]
    with engine_around(PEOPLE, KEYS) as engine:
        engine.fill({"allocation_rules": manual("r", "platform", None, ann="25", bob="75")})
        found = cost_facts(engine, events, WINDOW)
    assert [r["billable_requests"] for r in found["overage"]] == [1, 0]
    assert [r["cost_per_request"] for r in found["overage"]] == [0.75, None]
    assert [r["billable_requests"] for r in found["searches"]] == [6, 1]
    units = [r["subscription_units"] for r in found["seat"]]
    assert units == pytest.approx([0.75 / 31, 0.25 / 31])


CENTERS = {"ann@x.io": "CC-1", "bob@x.io": "CC-2", "k_bot": "CC-3", "k_bob": "CC-4"}
"""Ann's key has none of its own, Bob's personal one has."""


@pytest.mark.parametrize(
    ("key", "rules", "center"),
    [
        # Without a rule: the key's own, else its owner's.
        ("k_ann", [], "CC-1"),
        ("k_bob", [], "CC-4"),
        ("k_bot", [], "CC-3"),
        # A rule lets somebody else bear it: the key's own all the same, else the bearer's.
        ("k_ann", manual("r", "platform", None, bob="100"), "CC-2"),
        ("k_bob", manual("r", "platform", None, ann="100"), "CC-4"),
        ("k_bot", manual("r", "api_key", "k_bot", ann="100"), "CC-3"),
        # The rule's before all.
        ("k_ann", rule("r", "platform", cost_center="CC-5"), "CC-5"),
        ("k_bob", rule("r", "api_key", "k_bob", cost_center="CC-5"), "CC-5"),
        ("k_bot", rule("r", "workspace", None, cost_center="CC-5"), "CC-5"),
        # Nobody of the team is there: the rule's, else the key's, else none.
        ("k_ann", rule("r", "platform", team="Void"), None),
        ("k_bob", rule("r", "platform", team="Void"), "CC-4"),
        ("k_ann", rule("r", "platform", team="Void", cost_center="CC-5"), "CC-5"),
    ],
)
def test_the_cost_centre_is_the_rules_else_the_keys_own_else_the_bearers(
    key: str, rules: Rows, center: str | None
) -> None:
    centers = CENTERS | {"nobody": "CC-5"}
    numbers = dict(enumerate(sorted(set(centers.values())), 1))
    with engine_around(PEOPLE, KEYS, cost_centers=centers) as engine:
        engine.fill({"allocation_rules": rules})
        (row,) = cost_facts(engine, [used(key), cost("line", **LINE)], WINDOW)["line"]
    assert numbers.get(row["cost_center_sk"]) == center


@pytest.mark.parametrize(
    ("rules", "center"),
    [
        ([], "CC-3"),
        (manual("r", "platform", None, ann="100"), "CC-3"),
        (rule("r", "platform", cost_center="CC-4"), "CC-4"),
    ],
)
def test_a_cost_that_names_its_centre_keeps_it_unless_a_rule_names_another(
    rules: Rows, center: str
) -> None:
    numbers = dict(enumerate(sorted(set(CENTERS.values())), 1))
    event = cost("tax", cost_type="tax", attribution_method="shared", cost_center="CC-3")
    with engine_around(PEOPLE, KEYS, cost_centers=CENTERS) as engine:
        engine.fill({"allocation_rules": rules})
        (row,) = cost_facts(engine, [event], WINDOW)["tax"]
    assert numbers[row["cost_center_sk"]] == center


@pytest.mark.parametrize(
    ("day", "days"),
    [("2026-02-14", 31), ("2026-02-15", 28), ("2026-03-14", 28), ("2026-03-15", 31)],
)
def test_a_seats_day_is_its_part_of_the_billing_month(day: str, days: int) -> None:
    """From 15 January to 14 February 31 days, to 14 March 28, whatever the calendar says."""
    on = Window.day(date.fromisoformat(day))
    seating = seated(contract(billing_day="15"), held(("ann", "2026-01-01", "")))
    (found,) = seat_events(seating, Rates(), on)
    told = Provenance("anthropic", "seats", datetime(2026, 4, 1, tzinfo=UTC), frozenset(), None)
    (batch,) = batches(found.events, told)
    with engine_around({"ann@x.com": 11}, {}) as engine:
        ((row,),) = cost_facts(engine, batch.to_pylist(), on).values()
    assert row["subscription_units"] == pytest.approx(1 / days)
