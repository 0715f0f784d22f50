"""Random small companies: the gaps are exactly what belongs to nobody, dollar by dollar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage_tests.sql.company import tables
from ai_usage_tests.sql.engine import Engine

VIEW = "vw_attribution_gaps"
AS_OF = date(2025, 9, 10)
MONTHS = 3
FIRST = date(2025, 6, 1)
PEOPLE = [{"user_email": "ann.lee@x.io"}, {"user_email": "bob@x.io"}]

days = st.sampled_from([date(2025, 5, 31), FIRST, date(2025, 8, 31), date(2025, 9, 9), AS_OF])
identities = st.sampled_from(
    [
        {},
        {"user_email": "annlee@x.io"},
        {"user_email": "stranger@y.io"},
        {"api_key_id": "apikey_1"},
        {"api_key_id": "apikey_2"},
        {"actor_name": "ann-lee-laptop"},
        {"actor_name": "Ann", "api_key_id": "apikey_1"},
    ]
)
amounts = st.integers(-2_000_000, 9_000_000).map(lambda n: Decimal(n).scaleb(-6))


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event with who bears it: its usage record, or the parts of its cost."""
    return {
        "day": draw(days),
        "identity": draw(identities),
        "workspace": draw(st.sampled_from([None, "wrkspc_1"])),
        "platform": draw(st.sampled_from(["anthropic", "cursor"])),
        "score": draw(st.sampled_from([1.0, 1.0, 0.0])),
        "usage": draw(st.sampled_from([None, "Unattributed", "Shared", "bob@x.io"])),
        "parts": draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["Unattributed", "Unattributed", "Shared", "bob@x.io"]),
                    st.sampled_from([None, "apikey_1", "apikey_3"]),
                    amounts,
                ),
                max_size=3,
            )
        ),
    }


keys = st.lists(
    st.fixed_dictionaries(
        {
            "platform": st.sampled_from(["anthropic", "cursor"]),
            "api_key_id": st.sampled_from(["apikey_1", "apikey_2", "apikey_3"]),
            "api_key_name": st.sampled_from([None, "Ann", "bob-ci"]),
            "user_email": st.sampled_from(["ann.lee@x.io", "bob@x.io", "gone@x.io"]),
            "attribution_source": st.just("manual_entry"),
            "source_rank": st.sampled_from([1, 2]),
            "confidence_score": st.sampled_from([1.0, 0.9]),
            "expires_date": st.sampled_from([None, date(2025, 1, 31)]),
        }
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def rows(
    drawn: list[dict[str, Any]], keys: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    raw, usage, costs = [], [], []
    for number, event in enumerate(drawn):
        common = {"day": event["day"], "event_id": f"e{number}"}
        product = "cursor" if event["platform"] == "cursor" else "claude_api"
        raw.append(
            {
                **common,
                "platform": product,
                "workspace_id": event["workspace"],
                "data_quality_score": event["score"],
                **event["identity"],
            }
        )
        if event["usage"]:
            tokens = {"total_tokens": number}
            usage.append({**common, "person": event["usage"], "platform": product, **tokens})
        for person, key, amount in event["parts"]:
            part = {"person": person, "platform": product, "api_key_id": key}
            costs.append({**common, **part, "base_cost_usd": amount})
    return tables(PEOPLE, costs, usage, reports=raw, keys=keys, calendar=(date(2025, 5, 1), AS_OF))


def reference(drawn: list[dict[str, Any]]) -> dict[Any, tuple[Decimal, int]]:
    """Dollars and records of nobody in the window, by identity."""
    found: dict[Any, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for event in drawn:
        if not FIRST <= event["day"] <= AS_OF:
            continue
        own = event["identity"]
        parts = [(key, amount, 0) for person, key, amount in event["parts"] if person[0] == "U"]
        if event["usage"] == "Unattributed":
            parts.append((None, Decimal(0), 1))
        for key, amount, records in parts:
            if "user_email" in own:
                identity = ("email", own["user_email"])
            elif key or "api_key_id" in own:
                identity = ("api_key_id", key or own["api_key_id"])
            elif "actor_name" in own:
                identity = ("api_key_name", own["actor_name"])
            else:
                identity = ("workspace", event["workspace"] or "default")
            place = (event["platform"], *identity, event["workspace"], event["score"] == 0)
            found[place][0] += amount
            found[place][1] += records
    return {place: (amount, records) for place, (amount, records) in found.items()}


@given(drawn=st.lists(events(), max_size=8), keys=keys)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_dollar_and_record_of_nobody_is_in_one_gap(
    engine: Engine, drawn: list[dict[str, Any]], keys: list[dict[str, Any]]
) -> None:
    engine.fill(rows(drawn, keys))
    gaps = engine.read(VIEW, AS_OF, MONTHS)
    assert {
        (
            gap["platform"],
            gap["identity_type"],
            gap["identity_value"],
            gap["workspace_id"],
            gap["reason"] == "invalid_record",
        ): (gap["cost_usd"], gap["records"])
        for gap in gaps
    } == reference(drawn)
    executive = engine.read("vw_executive_dashboard", AS_OF, MONTHS)
    nobodys = sum((month["unattributed_cost"] for month in executive), Decimal(0))
    assert sum((gap["cost_usd"] for gap in gaps), Decimal(0)) == nobodys
    ranked = sorted(gaps, key=lambda gap: gap["gap_rank"])
    assert [gap["gap_rank"] for gap in ranked] == list(range(1, len(gaps) + 1))
    standing = [(gap["cost_usd"], gap["records"]) for gap in ranked]
    assert standing == sorted(standing, reverse=True)
    people = {person["user_email"] for person in PEOPLE}
    for gap in gaps:
        owner, evidence, confidence = suggested = (
            gap["suggested_owner"],
            gap["suggestion_evidence"],
            gap["suggestion_confidence"],
        )
        assert suggested == (None, None, None) or None not in suggested
        if owner is not None:
            assert gap["reason"] != "invalid_record"
            assert 0 < confidence <= 1
            assert owner in people or evidence.endswith("no directory lists")
