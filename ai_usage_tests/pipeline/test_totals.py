"""What the warehouse says equals what really happened, as the simulator's own model sums it up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.simulator import UNKNOWN, Owner, Truth
from ai_usage.simulator.truth import Activity
from ai_usage.warehouse.base import Query
from ai_usage_tests.support.pipeline import Loaded

SHARED = Owner("team", "Shared")
"""The warehouse gathers all keys of teams and services in one member."""

COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cached_input_tokens": "cache_write_tokens",
    "total_tokens": "total_tokens",
    "lines_added": "lines_added",
    "lines_accepted": "lines_accepted",
    "session_count": "sessions",
    "commits": "commits",
    "pull_requests": "pull_requests",
    "suggestions_shown": "suggestions_shown",
    "suggestions_accepted": "suggestions_accepted",
    "request_count": "requests",
}
"""Column of fact_ai_usage -> field of the truth's Activity."""

_USAGE = """
SELECT
  DATE(f.event_timestamp) AS day, f.user_sk, u.user_email, u.team, p.platform_subtype,
  {sums}, CAST(SUM(COALESCE(f.included_value_usd, 0)) AS NUMERIC) AS included_usd
FROM fact_ai_usage AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE DATE(f.event_timestamp) >= @start AND DATE(f.event_timestamp) < @end
GROUP BY 1, 2, 3, 4, 5
"""

_COST = """
SELECT
  DATE(f.cost_timestamp) AS day, f.user_sk, u.user_email, u.team,
  p.platform_code, p.platform_subtype,
  CAST(SUM(f.total_cost_usd) AS NUMERIC) AS total_usd,
  CAST(SUM(f.overage_cost_usd) AS NUMERIC) AS overage_usd
FROM fact_ai_costs AS f
JOIN dim_users AS u ON u.user_sk = f.user_sk
JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk
WHERE DATE(f.cost_timestamp) >= @start AND DATE(f.cost_timestamp) < @end
GROUP BY 1, 2, 3, 4, 5, 6
"""

Rows = list[dict[str, Any]]


def query(loaded: Loaded, sql: str) -> Rows:
    bounds = {"start": loaded.days.start, "end": loaded.days.end}
    return list(loaded.warehouse.rows(Query(sql, bounds)))


@pytest.fixture(scope="module")
def usage(quarter: Loaded) -> Rows:
    sums = ", ".join(f"CAST(SUM(COALESCE(f.{c}, 0)) AS INT64) AS {c}" for c in COUNTS)
    return query(quarter, _USAGE.format(sums=sums))


@pytest.fixture(scope="module")
def costs(quarter: Loaded) -> Rows:
    return query(quarter, _COST)


@pytest.fixture(scope="module")
def truth(quarter: Loaded) -> Truth:
    return quarter.truth


@pytest.fixture(scope="module")
def activity(quarter: Loaded, truth: Truth) -> Mapping[Any, Activity]:
    return truth.usage_by_person_day(quarter.days.start, quarter.last)


def owner_of(row: Mapping[str, Any]) -> Owner:
    members = {0: UNKNOWN, -1: SHARED}
    return members.get(row["user_sk"]) or Owner("person", row["user_email"])


def folded(owner: Owner) -> Owner:
    return SHARED if owner.kind == "team" else owner


def team_of(truth: Truth, owner: Owner, day: date) -> str:
    return truth.team_of(owner.name, day).name if owner.kind == "person" else folded(owner).kind


def month_of(day: date) -> date:
    return day.replace(day=1)


def counts_of(row: Mapping[str, Any]) -> Counter[str]:
    return Counter({name: row[name] for name in COUNTS})


def true_counts(activity: Activity) -> Counter[str]:
    return Counter({name: getattr(activity, field) for name, field in COUNTS.items()})


def without_zeros(sums: Mapping[Any, Counter[str]]) -> dict[Any, Counter[str]]:
    return {key: counts for key, counts in sums.items() if any(counts.values())}


def dollars(pairs: Any) -> dict[Any, Decimal]:
    """Exact sums by key; sums of nothing are left out."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for key, amount in pairs:
        sums[key] += amount
    return {key: amount for key, amount in sums.items() if amount}


def test_the_company_has_a_mover_a_leaver_and_everything_that_nobody_can_know(
    quarter: Loaded, activity: Mapping[Any, Activity]
) -> None:
    """Else the tests below would show less than they say."""
    inside = quarter.days.days()
    people = quarter.company.people
    assert any(p.team(inside[0]) != p.team(inside[-1]) for p in people), "a mover"
    assert any(p.end_date in inside for p in people), "a leaver"
    assert any(p.start_date in inside for p in people), "a joiner"
    assert {key.owner.kind for key in activity} == {"person", "team", "unknown"}
    assert {key.platform_subtype for key in activity} == {"cursor", "claude_api", "claude_code"}


def test_every_persons_day_has_the_true_tokens_lines_sessions_and_requests(
    usage: Rows, activity: Mapping[Any, Activity]
) -> None:
    said: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in usage:
        said[row["day"], owner_of(row), row["platform_subtype"]] += counts_of(row)
    true: dict[Any, Counter[str]] = defaultdict(Counter)
    for key, counts in activity.items():
        true[key.day, folded(key.owner), key.platform_subtype] += true_counts(counts)
    assert without_zeros(said) == without_zeros(true)
    for name in COUNTS:
        assert sum(counts[name] for counts in said.values()) > 0, f"{name} is never there"


def test_every_teams_month_has_the_true_counts_of_the_team_held_on_each_day(
    usage: Rows, truth: Truth, activity: Mapping[Any, Activity]
) -> None:
    said: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in usage:
        owner = owner_of(row)
        team = row["team"] if owner.kind == "person" else owner.kind
        said[month_of(row["day"]), team, row["platform_subtype"]] += counts_of(row)
    true: dict[Any, Counter[str]] = defaultdict(Counter)
    for key, counts in activity.items():
        team = team_of(truth, key.owner, key.day)
        true[month_of(key.day), team, key.platform_subtype] += true_counts(counts)
    assert without_zeros(said) == without_zeros(true)


def test_cache_write_lifetimes_and_web_searches_are_the_true_ones(
    quarter: Loaded, activity: Mapping[Any, Activity]
) -> None:
    """Counts that weigh cost lines, kept in the raw events only."""
    names = ("cache_write_5m_tokens", "cache_write_1h_tokens", "web_search_requests")
    sums = ", ".join(f"CAST(SUM(COALESCE({name}, 0)) AS INT64) AS {name}" for name in names)
    rows = query(
        quarter,
        f"SELECT event_date AS day, {sums} FROM raw_ai_events "
        "WHERE event_date >= @start AND event_date < @end "
        "AND source_endpoint = 'usage_report' GROUP BY 1",
    )
    said = {row["day"]: Counter({name: row[name] for name in names}) for row in rows}
    true: dict[date, Counter[str]] = defaultdict(Counter)
    for key, counts in activity.items():
        true[key.day] += Counter({name: getattr(counts, name) for name in names})
    assert without_zeros(said) == without_zeros(true)


def test_every_persons_day_has_the_true_overage_dollars(
    quarter: Loaded, costs: Rows, truth: Truth
) -> None:
    said = dollars(((row["day"], owner_of(row)), row["overage_usd"]) for row in costs)
    true = truth.direct_dollars(quarter.days.start, quarter.last)
    assert said == dollars(true.items())
    assert len(said) > 1000


def test_every_persons_day_has_the_true_value_that_the_plan_covers(
    quarter: Loaded, usage: Rows, truth: Truth
) -> None:
    said = dollars(((row["day"], owner_of(row)), row["included_usd"]) for row in usage)
    true = truth.included_value(quarter.days.start, quarter.last)
    assert said == dollars(true.items())


def test_every_teams_month_has_the_true_overage_dollars(
    quarter: Loaded, costs: Rows, truth: Truth
) -> None:
    said = dollars(
        (
            (month_of(row["day"]), row["team"] if row["user_sk"] > 0 else owner_of(row).kind),
            row["overage_usd"],
        )
        for row in costs
    )
    direct = truth.direct_dollars(quarter.days.start, quarter.last)
    true = dollars(
        ((month_of(day), team_of(truth, owner, day)), amount)
        for (day, owner), amount in direct.items()
    )
    assert said == true


def test_every_platforms_month_costs_what_the_vendor_bills_to_the_last_digit(
    quarter: Loaded, usage: Rows, costs: Rows, truth: Truth
) -> None:
    totals = truth.platform_month_totals(quarter.days.start, quarter.last)
    said = dollars(((month_of(r["day"]), r["platform_code"]), r["total_usd"]) for r in costs)
    assert said == {key: month.dollars for key, month in totals.items()}
    tokens: Counter[Any] = Counter()
    included: dict[Any, Decimal] = defaultdict(Decimal)
    for row in usage:
        platform = "cursor" if row["platform_subtype"] == "cursor" else "anthropic"
        tokens[month_of(row["day"]), platform] += row["total_tokens"]
        included[month_of(row["day"]), platform] += row["included_usd"]
    assert tokens == {key: month.tokens for key, month in totals.items()}
    assert included == {key: month.included_value for key, month in totals.items()}


def test_every_workspaces_day_costs_what_the_cost_report_says(
    quarter: Loaded, truth: Truth
) -> None:
    rows = query(
        quarter,
        "SELECT DATE(cost_timestamp) AS day, workspace_id, model, "
        "CAST(SUM(base_cost_usd) AS NUMERIC) AS usd FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= @start AND DATE(cost_timestamp) < @end GROUP BY 1, 2, 3",
    )
    said = dollars(((r["day"], r["workspace_id"], r["model"]), r["usd"]) for r in rows)
    true = dollars(
        ((day, line.workspace_id, line.model), line.dollars)
        for day in quarter.days.days()
        for line in truth.cost_lines(day)
    )
    assert said == true


def test_the_views_months_add_up_to_the_truth(quarter: Loaded, truth: Truth) -> None:
    totals = truth.platform_month_totals(quarter.days.start, quarter.last)
    true = dollars((month, total.dollars) for (month, _), total in totals.items())
    for view, column in (
        ("vw_executive_dashboard", "total_monthly_cost"),
        ("vw_cost_allocation_detailed", "total_cost"),
    ):
        rows = quarter.warehouse.rows(f"SELECT month, {column} AS usd FROM {view}")
        assert dollars((row["month"], row["usd"] or Decimal()) for row in rows) == true, view


def test_every_blocking_check_passes_and_what_names_nobody_is_warned_of(
    quarter: Loaded, activity: Mapping[Any, Activity]
) -> None:
    """Some records really name nobody; no promise about tables is broken by it."""
    checks = quarter.result.checks
    assert [check.name for check in checks if check.blocking and not check.passed] == []
    assert sum(check.blocking for check in checks) > 20
    assert any(key.owner == UNKNOWN for key in activity)
    (warned,) = (check for check in checks if check.name == "usage_attribution")
    assert not warned.passed


def test_an_ordinary_quarter_with_its_holidays_and_joiners_alarms_nobody(quarter: Loaded) -> None:
    """A joiner, a mover, a leaver, Christmas and dear models are no anomaly of spend or volume.

    One small endpoint's Saturday may be half of the others' by chance.
    """
    found = {check.name: check.failures for check in quarter.result.checks}
    assert found["spend_anomalies"] == {}
    assert sum(found["volume"].values()) <= 1
