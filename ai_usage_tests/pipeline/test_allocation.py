"""Who bears the cost report's dollars: equal to a second allocation, close to who really spent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.simulator import UNKNOWN, Owner, Truth
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.fetching import read_rows
from ai_usage.warehouse.base import Query
from ai_usage_tests.support.pipeline import Loaded
from ai_usage_tests.support.reference_allocation import (
    MICRO,
    Bearer,
    Part,
    allocate,
    lines_of,
    usage_of,
)

SHARED = Owner("team", "Shared")
Allocation = dict[str, list[Part]]
Rows = list[dict[str, Any]]

_COSTS = """
SELECT
  f.event_id, f.event_part, f.api_key_id, f.user_sk, u.user_email, p.platform_subtype,
  f.total_cost_usd, f.allocated_cost_usd, f.allocation_method, f.billable_tokens,
  f.billable_requests, f.allocation_percentage, DATE(f.cost_timestamp) AS day
FROM fact_ai_costs AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE p.platform_code = 'anthropic'
  AND DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end
ORDER BY f.event_id, f.event_part
"""


@pytest.fixture(scope="module")
def costs(quarter: Loaded) -> Rows:
    bounds = {"start": quarter.days.start, "end": quarter.days.end}
    return list(quarter.warehouse.rows(Query(_COSTS, bounds)))


@pytest.fixture(scope="module")
def reference(quarter: Loaded) -> Allocation:
    """From the archived answers, past the warehouse and its SQL."""
    (vendor,) = (v for v in discovered_vendors() if v.name == "anthropic")
    archive = Archive(quarter.settings.archive_root)
    events = {
        name: [
            row
            for reading in read_rows(vendor, vendor.endpoint(name), quarter.days, archive)
            for row in reading.rows
        ]
        for name in ("cost_report", "usage_report")
    }
    return allocate(
        lines_of("anthropic", events["cost_report"]),  # type: ignore[arg-type]
        usage_of("anthropic", events["usage_report"]),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def truth(quarter: Loaded) -> Truth:
    return quarter.truth


def knowable(truth: Truth) -> Callable[[Bearer], Owner]:
    owners = {key.api_key_id: key.knowable_owner for key in truth.key_owners()}

    def owner(bearer: Bearer) -> Owner:
        found = owners.get(bearer.api_key_id or "", UNKNOWN)
        return SHARED if found.kind == "team" else found

    return owner


def said_owner(row: dict[str, Any]) -> Owner:
    members = {0: UNKNOWN, -1: SHARED}
    return members.get(row["user_sk"]) or Owner("person", row["user_email"])


def test_every_part_of_every_line_equals_the_reference_allocation(
    costs: Rows, reference: Allocation
) -> None:
    """Each event's parts in order of weight: key, dollars, method, and what the part stands for."""
    said: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in costs:
        counted = row["billable_tokens"], row["billable_requests"]
        said[row["event_id"]].append(
            (row["api_key_id"], row["total_cost_usd"], row["allocation_method"], *counted)
        )
    expected = {
        event: [
            (
                part.bearer.api_key_id,
                part.dollars,
                "usage_based" if part.level else "unallocated",
                part.tokens,
                part.searches,
            )
            for part in parts
        ]
        for event, parts in reference.items()
    }
    assert dict(said) == expected
    assert sum(len(parts) > 1 for parts in expected.values()) > 500, "lines really are split"


def test_every_persons_month_equals_the_reference_allocation_by_the_true_registers(
    costs: Rows, reference: Allocation, truth: Truth
) -> None:
    """Who owns a key comes from the simulator here, not from the pipeline's identity tables."""
    owner_of = knowable(truth)
    days = {row["event_id"]: row["day"] for row in costs}
    said: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for row in costs:
        said[row["day"].replace(day=1), said_owner(row)] += row["total_cost_usd"]
    expected: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for event, parts in reference.items():
        for part in parts:
            expected[days[event].replace(day=1), owner_of(part.bearer)] += part.dollars
    assert said == expected
    assert {owner.kind for _, owner in said} == {"person", "team", "unknown"}


def test_only_what_a_person_bears_is_allocated_and_unknown_keys_are_unknowns(
    costs: Rows, truth: Truth
) -> None:
    owner_of = knowable(truth)
    for row in costs:
        person = row["user_sk"] > 0
        assert row["allocated_cost_usd"] == (row["total_cost_usd"] if person else 0)
        assert said_owner(row) == owner_of(Bearer(row["api_key_id"], None, None))
    assert any(row["user_sk"] == 0 and row["allocation_method"] == "usage_based" for row in costs)


def test_a_keys_dollars_are_its_products(costs: Rows, truth: Truth) -> None:
    products = {key.api_key_id: key.platform_subtype for key in truth.key_owners()}
    known = {key.api_key_id for key in truth.key_owners() if key.knowable_owner != UNKNOWN}
    seen = {(row["api_key_id"], row["platform_subtype"]) for row in costs}
    assert all(products[key] == product for key, product in seen if key in known)
    assert {product for _, product in seen} == {"claude_api", "claude_code"}


def test_allocated_dollars_are_close_to_what_the_true_spenders_spent(
    quarter: Loaded, costs: Rows, truth: Truth, report: Callable[[str], None]
) -> None:
    """Against who really spent, and against the best that anybody could know.

    The bound on the knowable error: within a group of equal price a split by tokens is right but
    for the truncation, a micro-dollar a part; only code execution has no usage to be split by.
    So the error is at most that of code execution and a micro-dollar for each part. The real
    error has the dollars of keys and consoles that nobody can name on top: no bound but the whole.
    """
    teams = {key.api_key_id: key.owner for key in truth.key_owners() if key.owner.kind == "team"}
    said: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
    for row in costs:
        owner = said_owner(row)
        if owner == SHARED:
            owner = teams[row["api_key_id"]]
        said[row["day"].replace(day=1), owner] += row["total_cost_usd"]
    containers = sum(
        (
            line.dollars
            for day in quarter.days.days()
            for line in truth.cost_lines(day)
            if line.cost_type == "code_execution"
        ),
        Decimal(),
    )
    for view, is_knowable in (("knowable", True), ("real", False)):
        true: dict[tuple[date, Owner], Decimal] = defaultdict(Decimal)
        spent = truth.spender_dollars(quarter.days.start, quarter.last, knowable=is_knowable)
        for (day, owner), dollars in spent.items():
            true[day.replace(day=1), owner] += dollars
        total = sum(true.values(), Decimal())
        assert total == sum(said.values(), Decimal()) > 0
        off = {key: abs(said[key] - true[key]) for key in {*said, *true}}
        misplaced = sum(off.values(), Decimal()) / 2
        persons = [key for key in true if key[1].kind == "person" and true[key] >= 1]
        relative = {key: off[key] / true[key] for key in persons}
        mean = sum(relative.values(), Decimal()) / len(relative)
        worst = max(relative, key=lambda key: relative[key])
        report(
            f"allocation against the {view} spender: ${misplaced:.6f} of ${total:,.2f} misplaced "
            f"({misplaced / total:.4%}); person-months of $1 and more: {len(relative)}, mean error "
            f"{mean:.4%}, worst {relative[worst]:.4%} ({worst[0]:%Y-%m}, ${off[worst]:.6f})"
        )
        assert misplaced <= (containers + MICRO * len(costs) if is_knowable else total)


def test_parts_never_turn_the_sign_and_percentages_are_of_the_line(costs: Rows) -> None:
    by_event: dict[str, Rows] = defaultdict(list)
    for row in costs:
        by_event[row["event_id"]].append(row)
        assert row["total_cost_usd"] >= 0
        assert 0 <= row["allocation_percentage"] <= 100
    for rows in by_event.values():
        assert sum(r["allocation_percentage"] for r in rows) == pytest.approx(100, rel=1e-9)
        assert [row["event_part"] for row in rows] == list(range(1, len(rows) + 1))
