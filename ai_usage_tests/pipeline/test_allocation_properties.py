"""Random cost lines and usage: every dollar exactly once, as the reference allocation says.

Rows are put straight into the engine with a bridge made by hand; only the fact's SQL is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.days.windows import Window
from ai_usage_tests.sql.engine import Engine
from ai_usage_tests.support.facts import cost_facts, engine_around, raw
from ai_usage_tests.support.reference_allocation import NOBODY, Bearer, Line, Part, Usage, allocate

DAYS = [date(2026, 2, 28), date(2026, 3, 1)]
WINDOW = Window(DAYS[0], date(2026, 3, 2))
OWNERS = {"key_ann": 11, "key_bob": 12, "key_team": -1}
"""Key -> user_sk; a key that is not here is in no bridge: Unknown's."""
PEOPLE = {"ann@x.io": 11, "bob@x.io": 12}
TIERS = [None, "standard", "batch", "priority", "priority_on_demand", "flex"]
TOKEN_TYPES = [
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
]

days = st.sampled_from(DAYS)
workspaces = st.sampled_from([None, "w1"])
models = st.sampled_from([None, "sonnet", "haiku"])
contexts = st.sampled_from([None, "0-200k", "200k-1M"])
counts = st.one_of(
    st.none(), st.just(0), st.integers(1, 9), st.integers(1, 10**7), st.integers(1, 10**12)
)
dollars = st.one_of(
    st.just(Decimal(0)),
    st.decimals(Decimal(-5), Decimal(5), places=9),
    st.decimals(Decimal(0), Decimal("0.00001"), places=9),
    st.decimals(Decimal(-(10**5)), Decimal(10**6), places=2),
)
classes = st.one_of(
    st.tuples(st.sampled_from(TOKEN_TYPES), st.just("tokens")),
    st.tuples(
        st.none(),
        st.sampled_from(["web_search", "code_execution", "input_tokens", "session_usage"]),
    ),
)
bearers = st.sampled_from(
    [
        *(Bearer(key, None, None) for key in (*OWNERS, "key_nobodys")),
        Bearer(None, "ann@x.io", None),
        Bearer(None, None, "a_key_name"),
        NOBODY,
    ]
)
usages = st.builds(
    Usage,
    day=days,
    platform=st.just("anthropic"),
    workspace=workspaces,
    model=models,
    tier=st.sampled_from(TIERS),
    context=contexts,
    bearer=bearers,
    uncached=counts,
    output=counts,
    cache_read=counts,
    cache_write=counts,
    write_5m=counts,
    write_1h=counts,
    searches=counts,
)


@dataclass(frozen=True)
class Direct:
    """A charge that names its own bearer."""

    day: date
    email: str | None
    dollars: Decimal
    readable: bool


directs = st.builds(
    Direct, days, st.sampled_from([None, "ann@x.io", "stranger@x.io"]), dollars, st.booleans()
)


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    drawn = draw(
        st.lists(
            st.tuples(
                days, workspaces, models, st.sampled_from(TIERS), contexts, classes, dollars,
                st.sampled_from([True] * 6 + [False]),
            ),
            max_size=8,
        )
    )  # fmt: skip
    return [
        Line(f"line{n}", day, "anthropic", space, model, tier, context, kind, charge, usd, readable)
        for n, (day, space, model, tier, context, (kind, charge), usd, readable) in enumerate(drawn)
    ]


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[list[Line], list[Usage]]:
    """Lines and usage of one day, workspace and model: many bill the same, some name less."""
    where = DAYS[0], "anthropic", "w1"
    some_models = st.sampled_from([None, "sonnet", "sonnet", "sonnet"])
    some_contexts = st.sampled_from([None, "0-200k", "0-200k", "0-200k", "200k-1M"])
    kinds = st.sampled_from(
        [("output_tokens", "tokens")] * 4
        + [(None, "output_tokens"), (None, "web_search"), (None, "code_execution")]
    )
    drawn = draw(
        st.lists(
            st.tuples(
                some_models, st.sampled_from([None, "standard", "standard", "batch"]),
                some_contexts, kinds, dollars,
            ),
            min_size=1,
            max_size=5,
        )
    )  # fmt: skip
    used = draw(
        st.lists(
            st.builds(
                Usage,
                day=st.just(where[0]),
                platform=st.just(where[1]),
                workspace=st.just(where[2]),
                model=st.just("sonnet"),
                tier=st.sampled_from(["standard", "standard", "batch", *TIERS]),
                context=some_contexts,
                bearer=bearers,
                output=counts,
                searches=counts,
            ),
            min_size=1,
            max_size=5,
        )
    )
    found = [
        Line(f"line{n}", *where, model, tier, context, token_type, cost_type, usd)
        for n, (model, tier, context, (token_type, cost_type), usd) in enumerate(drawn)
    ]
    return found, used


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_around(PEOPLE, OWNERS) as engine:
        yield engine


def raw_line(line: Line) -> dict[str, Any]:
    return raw(
        line.event_id,
        line.day,
        event_type="cost",
        workspace_id=line.workspace,
        model=line.model,
        service_tier=line.tier,
        context_window=line.context,
        token_type=line.token_type,
        cost_type=line.cost_type,
        cost_usd=line.dollars,
        data_quality_score=1.0 if line.readable else 0.0,
    )


def raw_usage(number: int, row: Usage) -> dict[str, Any]:
    return raw(
        f"usage{number}",
        row.day,
        event_type="usage",
        workspace_id=row.workspace,
        model=row.model,
        service_tier=row.tier,
        context_window=row.context,
        api_key_id=row.bearer.api_key_id,
        user_email=row.bearer.user_email,
        actor_name=row.bearer.key_name,
        input_tokens=row.uncached,
        output_tokens=row.output,
        cache_read_tokens=row.cache_read,
        cached_input_tokens=row.cache_write,
        cache_write_5m_tokens=row.write_5m,
        cache_write_1h_tokens=row.write_1h,
        web_search_requests=row.searches,
    )


def raw_direct(number: int, charge: Direct) -> dict[str, Any]:
    return raw(
        f"direct{number}",
        charge.day,
        event_type="usage",
        platform="cursor",
        platform_subtype="cursor",
        user_email=charge.email,
        cost_usd=charge.dollars,
        cost_type="overage",
        billing_period="usage_based",
        data_quality_score=1.0 if charge.readable else 0.0,
    )


def facts(engine: Engine, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The fact's rows of these events, in order of their parts."""
    return cost_facts(engine, events, WINDOW)


def user_of(part: Part, readable: bool) -> int:
    if not readable:
        return 0
    bearer = part.bearer
    if bearer.user_email:
        return PEOPLE.get(bearer.user_email, 0)
    return OWNERS.get(bearer.api_key_id or "", 0)


def noted(row: dict[str, Any]) -> frozenset[str]:
    return frozenset(row["allocation_note"].split(", ")) if row["allocation_note"] else frozenset()


few = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@few
@given(lines=lines(), usage=st.lists(usages, max_size=10), charges=st.lists(directs, max_size=3))
def test_every_dollar_is_borne_exactly_once_as_the_reference_says(
    engine: Engine, lines: list[Line], usage: list[Usage], charges: list[Direct]
) -> None:
    assert_as_the_reference_says(engine, lines, usage, charges)


@few
@given(close=neighbours())
def test_lines_that_bill_the_same_usage_say_so_and_count_it_once(
    engine: Engine, close: tuple[list[Line], list[Usage]]
) -> None:
    lines, usage = close
    said = assert_as_the_reference_says(engine, lines, usage, [])
    # A token that any line bills by all that it names is counted with one of them.
    counted = sum(row["billable_tokens"] or 0 for rows in said.values() for row in rows)
    assert counted <= sum(row.output or 0 for row in usage if row.tier != "priority")


def assert_as_the_reference_says(
    engine: Engine, lines: list[Line], usage: list[Usage], charges: list[Direct]
) -> dict[str, list[dict[str, Any]]]:
    events = [raw_line(line) for line in lines]
    events += [raw_usage(n, row) for n, row in enumerate(usage)]
    events += [raw_direct(n, charge) for n, charge in enumerate(charges)]
    said = facts(engine, events)
    reference = allocate(lines, usage)

    # Once each: the parts are the whole, to the last digit, and no event has none.
    billed = {e["event_id"]: e["cost_usd"] for e in events if e.get("cost_usd") is not None}
    assert {
        event: sum((row["total_cost_usd"] for row in rows), Decimal())
        for event, rows in said.items()
    } == billed

    for line in lines:
        rows, parts = said[line.event_id], reference[line.event_id]
        assert [
            (row["api_key_id"], row["user_sk"], row["total_cost_usd"], row["billable_tokens"],
             row["billable_requests"], row["allocation_method"], noted(row))
            for row in rows
        ] == [
            (part.bearer.api_key_id, user_of(part, line.readable), part.dollars, part.tokens,
             part.searches, "usage_based" if part.level else "unallocated", part.notes)
            for part in parts
        ]  # fmt: skip
        for row, expected in zip(rows, parts, strict=True):
            sure = float(expected.confidence) if row["user_sk"] else 0
            assert row["allocation_confidence"] == pytest.approx(sure)
            part = row["total_cost_usd"]
            assert part * line.dollars >= 0, "a share never turns the sign"
            assert abs(part) <= abs(line.dollars)
            assert row["allocated_cost_usd"] == (part if row["user_sk"] > 0 else 0)
            assert row["base_cost_usd"] == part
            assert row["overage_cost_usd"] == 0

    for number, charge in enumerate(charges):
        (row,) = said[f"direct{number}"]
        known = PEOPLE.get(charge.email or "", 0) if charge.readable else 0
        assert row["user_sk"] == known
        assert row["overage_cost_usd"] == charge.dollars
        assert row["allocation_method"] == ("direct" if known else "unallocated")
    return said


def test_a_key_without_tokens_of_the_lines_class_has_no_row(engine: Engine) -> None:
    """It used the model, but nothing of what the line bills."""
    day = DAYS[0]
    line = Line("l", day, "anthropic", "w1", "sonnet", "standard", None, "output_tokens", "tokens",
                Decimal("1.000000001"))  # fmt: skip
    spender = Usage(day, "anthropic", "w1", "sonnet", "standard", None,
                    Bearer("key_ann", None, None), uncached=5, output=7)  # fmt: skip
    idle = [
        Usage(day, "anthropic", "w1", "sonnet", "standard", None, Bearer(key, None, None),
              uncached=9, output=zero)
        for key, zero in (("key_bob", 0), ("key_team", None))
    ]  # fmt: skip
    events = [raw_line(line), *(raw_usage(n, row) for n, row in enumerate([spender, *idle]))]
    (row,) = facts(engine, events)["l"]
    assert (row["user_sk"], row["total_cost_usd"]) == (11, Decimal("1.000000001"))
    assert row["billable_tokens"] == 7


@pytest.mark.parametrize(
    ("change", "method", "confidence", "tokens"),
    [
        ({}, "usage_based", 1.0, 30),
        ({"context": "200k-1M"}, "usage_based", 0.8, None),
        ({"tier": "batch"}, "usage_based", 0.8, None),
        ({"model": "haiku"}, "usage_based", 0.6, None),
        ({"tier": "priority"}, "unallocated", 0.0, None),
        ({"workspace": None}, "unallocated", 0.0, None),
        ({"day": DAYS[1]}, "unallocated", 0.0, None),
    ],
)
def test_a_line_widens_step_by_step_and_each_step_is_less_sure(
    engine: Engine, change: dict[str, Any], method: str, confidence: float, tokens: int | None
) -> None:
    """One row of usage that lies ever farther from what the line names."""
    place: dict[str, Any] = {
        "day": DAYS[0],
        "platform": "anthropic",
        "workspace": "w1",
        "model": "sonnet",
        "tier": "standard",
        "context": "0-200k",
    }
    line = Line("l", **place, token_type="output_tokens", cost_type="tokens", dollars=Decimal(3))
    used = Usage(**{**place, **change}, bearer=Bearer("key_ann", None, None), output=30)
    (row,) = facts(engine, [raw_line(line), raw_usage(0, used)])["l"]
    assert row["allocation_method"] == method
    assert row["allocation_confidence"] == pytest.approx(confidence)
    assert row["billable_tokens"] == tokens


@pytest.mark.parametrize(
    ("begun", "bearers"),
    [(None, [11, 12]), (DAYS[0], [11, 12]), (DAYS[1], [11])],
)
def test_an_equal_split_is_over_who_is_in_the_team_and_has_begun_on_the_day(
    begun: date | None, bearers: list[int]
) -> None:
    """A person's first version reaches back to the start of history; they do not."""
    rule = {
        "rule_id": "r",
        "platform": "anthropic",
        "scope_type": "workspace",
        "scope_value": "w1",
        "method": "equal_split",
        "team": "Core",
        "project_codes": [],
        "valid_from": DAYS[0],
        "valid_to": DAYS[0],
    }
    with engine_around(PEOPLE, OWNERS, team="Core", start_dates={"bob@x.io": begun}) as engine:
        engine.fill({"allocation_rules": [rule]})
        line = Line("l", DAYS[0], "anthropic", "w1", None, None, None, "output_tokens", "tokens",
                    Decimal(3))  # fmt: skip
        rows = facts(engine, [raw_line(line)])["l"]
    assert [row["user_sk"] for row in rows] == bearers
    assert sum(row["total_cost_usd"] for row in rows) == 3
    assert {(row["allocation_method"], row["allocation_confidence"]) for row in rows} == {
        ("equal_split", 1.0)
    }


@pytest.mark.parametrize(
    ("names", "confidence"),
    [
        ({"cost_type": "code_execution"}, 0.6),
        ({"cost_type": "session_usage", "model": "sonnet"}, 0.8),
        ({"cost_type": "session_usage", "model": "haiku"}, 0.6),
        ({"cost_type": "web_search"}, 1.0),
    ],
)
def test_a_line_that_counts_no_tokens_is_as_unsure_as_the_widening_to_what_it_names(
    engine: Engine, names: dict[str, Any], confidence: float
) -> None:
    """Code execution is in no usage report: its split by other spend is a guess. Searches count."""
    line = Line("l", DAYS[0], "anthropic", "w1", names.get("model"), None, None, None,
                names["cost_type"], Decimal(3))  # fmt: skip
    used = Usage(DAYS[0], "anthropic", "w1", "sonnet", "standard", None,
                 Bearer("key_ann", None, None), output=30, searches=2)  # fmt: skip
    (row,) = facts(engine, [raw_line(line), raw_usage(0, used)])["l"]
    assert (row["user_sk"], row["allocation_method"]) == (11, "usage_based")
    assert row["allocation_confidence"] == pytest.approx(confidence)


def test_the_remainder_goes_to_the_largest_weight_and_of_equals_to_the_first_key(
    engine: Engine,
) -> None:
    def bearing(*weights: tuple[str, int]) -> list[Decimal]:
        line = Line("l", DAYS[0], "anthropic", None, None, None, None, "output_tokens", "tokens",
                    Decimal("0.000010000"))  # fmt: skip
        rows = [
            Usage(DAYS[0], "anthropic", None, "sonnet", None, None, Bearer(key, None, None),
                  output=weight)
            for key, weight in weights
        ]  # fmt: skip
        events = [raw_line(line), *(raw_usage(n, row) for n, row in enumerate(rows))]
        found = {r["api_key_id"]: r["total_cost_usd"] for r in facts(engine, events)["l"]}
        return [found[key] for key, _ in weights]

    micro: Callable[[int], Decimal] = lambda n: Decimal(n).scaleb(-6)  # noqa: E731
    assert bearing(("key_bob", 1), ("key_ann", 1), ("key_team", 1)) == [
        micro(3),
        micro(4),
        micro(3),
    ]
    assert bearing(("key_ann", 1), ("key_bob", 5)) == [micro(1), micro(9)]
