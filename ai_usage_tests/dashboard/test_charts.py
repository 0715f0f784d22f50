"""Charts say what they show, hold the exact values, and are drawn without asking anybody."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ai_usage.dashboard.charts.burn import burn
from ai_usage.dashboard.charts.chart import Chart
from ai_usage.dashboard.charts.days import days
from ai_usage.dashboard.charts.months import months
from ai_usage.dashboard.charts.moved import moved
from ai_usage.dashboard.charts.palettes import colours, named
from ai_usage.dashboard.charts.ranked import multiples, ranked
from ai_usage.dashboard.charts.rendering import svg
from ai_usage.dashboard.charts.shares import shares
from ai_usage_tests.dashboard import samples
from ai_usage_tests.dashboard.gallery import charts, small
from ai_usage_tests.dashboard.samples import MONEY, table

ALL = [*charts(), *small()[:1]]
NAMES = [chart.name for chart in ALL]


def texts(spec: Any, key: str) -> list[Any]:
    """All values of a key, anywhere in a specification."""
    if isinstance(spec, dict):
        return [v for k, v in spec.items() if k == key] + [
            found for v in spec.values() for found in texts(v, key)
        ]
    return [found for v in spec for found in texts(v, key)] if isinstance(spec, list) else []


@pytest.mark.parametrize("chart", ALL, ids=NAMES)
def test_a_chart_says_what_it_shows_and_asks_nobody(chart: Chart) -> None:
    spec = json.loads(json.dumps(chart.spec))
    assert chart.title
    assert chart.unit
    assert chart.sentence
    assert chart.sentence in chart.alt
    assert spec["description"] == chart.alt
    assert texts(spec, "url") == []
    assert {c.name for c in chart.columns} <= set(chart.table.column_names)
    for column in chart.columns:
        if column.kind == "money":
            assert pa.types.is_decimal(chart.table.schema.field(column.name).type)


@pytest.mark.parametrize("chart", ALL, ids=NAMES)
def test_a_chart_is_drawn_without_a_browser_in_the_colours_of_a_palette(chart: Chart) -> None:
    drawn = svg(chart)
    assert drawn.startswith("<svg")
    assert "var(--" not in drawn
    assert "NaN" not in drawn
    assert len(re.findall(r'aria-roledescription="(?:bar|point)"', drawn)) >= 4
    # Pictures stand together in one document: what they name by id would collide.
    named_parts = re.findall(r'id="([^"]*)"|url\(#([^)]*)\)', drawn)
    assert all("".join(part).startswith(f"{chart.name}-") for part in named_parts)


def test_colours_are_named_and_nowhere_written_out() -> None:
    for chart in ALL:
        assert re.search(r"#[0-9a-fA-F]{3,8}\b", json.dumps(chart.spec)) is None, chart.name


MONTHS = {
    "month": pa.date32(),
    "cost": MONEY,
    "budget": MONEY,
    "last_year": MONEY,
    "forecast": MONEY,
    "is_partial": pa.bool_(),
}
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
PARTS = {"month": pa.date32(), "part": pa.string(), "cost": MONEY}


def test_a_running_month_is_told_by_its_pace_against_budget_and_last_year() -> None:
    parts = table(PARTS, (NOVEMBER, "Cursor", "600"), (NOVEMBER, "Claude", "400"))
    totals = table(MONTHS, (NOVEMBER, "1000", "1100", "800", "1200", True))
    chart = months(parts, totals, colours(["Claude", "Cursor"]))
    assert chart.sentence == (
        "November 2026 stands at $1k and ends near $1.2k at this pace, $100 over budget; "
        "50 % more than a year before."
    )
    assert [name for name, _ in chart.legend] == [
        *("Claude", "Cursor", "A year before", "Budget", "At this pace, dashed")
    ]


def test_a_whole_month_is_told_by_its_cost_and_what_is_unknown_is_left_out() -> None:
    parts = table(PARTS, (OCTOBER, "Cursor", "950"))
    totals = table(MONTHS, (OCTOBER, "950", "1000", None, None, False))
    chart = months(parts, totals, colours(["Cursor"]))
    assert chart.sentence == "October 2026 cost $950, $50.00 under budget."
    assert [name for name, _ in chart.legend] == ["Cursor", "Budget"]
    assert months(parts.slice(0, 0), totals.slice(0, 0), {}).is_empty


def test_the_table_of_months_sums_to_the_months() -> None:
    chart = months(samples.parts(), samples.totals(), colours(samples.PLATFORMS))
    for row in chart.table.to_pylist():
        assert sum(row[name] for name in samples.PLATFORMS) == row["cost"]


def test_the_mean_of_seven_days_needs_seven_days_that_are_final() -> None:
    types = {"date": pa.date32(), "cost": MONEY, "is_provisional": pa.bool_()}
    rows = [(date(2026, 11, day), "7" if day < 8 else "14", day == 9) for day in range(1, 10)]
    chart = days(table(types, *rows))
    means = [row["mean"] for row in chart.table.to_pylist()]
    assert means == [*[None] * 6, Decimal(7), Decimal(8), None]
    what = [row["what"] for row in chart.table.to_pylist()]
    assert what == ["Weekend", *["Workday"] * 5, "Weekend", "Weekend", "Not final"]


def test_days_are_told_by_their_mean_against_a_week_before() -> None:
    types = {"date": pa.date32(), "cost": MONEY, "is_provisional": pa.bool_()}
    rows = [(date(2026, 11, day), "10" if day < 8 else "12", False) for day in range(1, 15)]
    assert days(table(types, *rows)).sentence == (
        "A day costs $12.00 in the mean of the last seven, 20 % more than a week before. "
        "The dearest day was Sun 8 Nov 2026 with $12.00."
    )


def test_a_credit_has_no_share_and_is_said() -> None:
    types = {"row": pa.string(), "part": pa.string(), "value": MONEY}
    rows = table(types, ("Nov", "a", "75"), ("Nov", "b", "25"), ("Nov", "c", "-10"))
    chart = shares(rows, colours("abc"), name="x", title="x")
    drawn = chart.spec["data"]["values"]
    assert [(bar["part"], bar["share"]) for bar in drawn] == [("a", 0.75), ("b", 0.25)]
    assert chart.sentence == (
        "a has 75 % of the cost, b 25 %; credits have no share and are left out of the picture."
    )
    assert chart.table.to_pylist() == [
        {"row": "Nov", "a": Decimal(75), "b": Decimal(25), "c": Decimal(-10)}
    ]


def test_bars_beyond_the_most_are_one_and_the_whole_stays() -> None:
    chart = ranked(samples.teams(), name="x", title="Team", things="teams", most=5)
    drawn = chart.spec["data"]["values"]
    assert [bar["name"] for bar in drawn][-1] == "9 more"
    exact = sum(row["value"] for row in chart.table.to_pylist())
    assert sum(bar["value"] for bar in drawn) == pytest.approx(float(exact))
    assert chart.table.num_rows == len(samples.TEAMS)
    costs = [row["value"] for row in chart.table.to_pylist()]
    assert costs == sorted(costs, reverse=True)


def test_small_multiples_hold_every_dollar_on_one_scale() -> None:
    drawn = multiples(samples.team_days(), name="x", most=3)
    assert [chart.title for chart in drawn] == [*samples.TEAMS[:3], "11 more"]
    given = sum(row["cost"] for row in samples.team_days().to_pylist())
    shown = sum(row["cost"] for chart in drawn for row in chart.table.to_pylist())
    assert shown == given
    assert len({str(texts(chart.spec, "domain")) for chart in drawn}) == 1


def test_steps_that_do_not_add_up_are_refused() -> None:
    steps = table({"step": pa.string(), "amount": MONEY}, ("People", "10.01"), ("Price", "-5"))
    chart = moved(steps, ("October", Decimal(100)), ("November", Decimal("105.01")))
    assert chart.sentence == "November is $5.01 above October; people moved most, +$10.01."
    assert [row["amount"] for row in chart.table.to_pylist()] == [
        *(Decimal(100), Decimal("10.01"), Decimal(-5), Decimal("105.01"))
    ]
    with pytest.raises(ValueError, match=r"105\.01"):
        moved(steps, ("October", Decimal(100)), ("November", Decimal(105)))


def test_what_is_left_of_a_budget_falls_by_each_days_cost() -> None:
    types = {"date": pa.date32(), "cost": MONEY}
    spent = table(types, (date(2026, 11, 1), "30"), (date(2026, 11, 2), "40.5"))
    chart = burn(spent, NOVEMBER, Decimal(100), Decimal(120))
    assert [row["left"] for row in chart.table.to_pylist()] == [Decimal(70), Decimal("29.5")]
    assert chart.sentence == (
        "$29.50 of $100.00 for November 2026 are left; at this pace the month ends $20.00 over "
        "budget."
    )
    over = burn(spent, NOVEMBER, Decimal(50), None)
    assert over.sentence == "November 2026 is $20.50 over its budget of $50.00."


def test_a_name_of_a_chart_is_a_name_of_its_place_on_a_page() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in NAMES)
    assert named("c1") == "var(--c1)"
