"""Burn-down: what is left of a month's budget day by day, against an even pace."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import MONEY_AXIS, Chart, ChartColumn, drawn, values
from ai_usage.dashboard.charts.days import DAY_AXIS
from ai_usage.dashboard.charts.palettes import named
from ai_usage.text.figures import money, month_name, short_money


def burn(
    table: pa.Table,
    month: date,
    budget: Decimal,
    forecast: Decimal | None,
    *,
    name: str = "burn",
    title: str = "Budget burn-down",
) -> Chart:
    """`table`: date, cost, a row for each day of the month so far.

    `forecast` is the cost at the month's end, NULL if no pace is known or the month is over.
    """
    end = month.replace(day=monthrange(month.year, month.month)[1])
    left, rows = budget, []
    for row in sorted(table.to_pylist(), key=lambda row: row["date"]):
        left -= row["cost"]
        rows.append({"date": row["date"], "cost": row["cost"], "left": left})
    before = month - timedelta(days=1)
    start = {"date": before, "left": budget}
    even = [{**start, "line": "Even pace"}, {"date": end, "left": 0, "line": "Even pace"}]
    lines = [{**point, "line": "Left"} for point in [start, *rows]]
    pace = []
    if forecast is not None and rows and rows[-1]["date"] < end:
        pace = [
            {**rows[-1], "line": "At this pace"},
            {"date": end, "left": budget - forecast, "line": "At this pace"},
        ]
    sentence = _sentence(month, budget, left, forecast if pace else None)
    alt = f"A line that falls from the budget by each day's cost. {sentence}"
    x: dict[str, Any] = {"field": "date", "type": "temporal", "timeUnit": "utcyearmonthdate"}
    x |= {"axis": DAY_AXIS}
    y = {"field": "left", "type": "quantitative", "axis": MONEY_AXIS}
    tooltip = [
        {"field": "date", "title": "Day", "type": "temporal", "format": "%a %-d %b %Y"},
        {"field": "left", "title": "Left", "type": "quantitative", "format": "$,.2f"},
        {"field": "cost", "title": "Cost of the day", "type": "quantitative", "format": "$,.2f"},
    ]
    layers: list[dict[str, Any]] = [
        {
            "data": values(even),
            "mark": {"type": "line", "color": named("line-strong"), "strokeDash": [2, 4]},
            "encoding": {"x": x, "y": y},
        },
        {"data": {"values": [{"zero": 0}]}, **_zero()},
        {
            "data": values(lines),
            "mark": {"type": "area", "fill": named("c1"), "opacity": 0.14, "line": False},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": values(lines),
            "mark": {"type": "line", "color": named("c1"), "strokeWidth": 2.5},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": values(lines[1:]),
            "mark": {"type": "point", "filled": True, "size": 40, "color": named("c1")},
            "encoding": {"x": x, "y": y, "tooltip": tooltip},
        },
        {
            "data": values(pace),
            "mark": {"type": "line", "color": named("c2"), "strokeDash": [5, 4]},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": values([{**p, "label": short_money(p["left"])} for p in pace[1:]]),
            "mark": {
                "type": "text",
                "align": "right",
                # Beside the line's end, on the side from which it does not come.
                "dx": -12 if pace and pace[1]["left"] < 0 else 0,
                "dy": 4 if pace and pace[1]["left"] < 0 else 14,
                "fontWeight": 600,
            },
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]
    legend = [("Left of the budget", named("c1")), ("Even pace", named("line-strong"))]
    if pace:
        legend.append(("At this pace", named("c2")))
    typed = pa.decimal128(38, 9)
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit="US dollars left of the budget",
        alt=alt,
        spec=drawn([one for one in layers if one["data"]["values"]], height=240, alt=alt),
        table=pa.table(
            {
                "date": pa.array([row["date"] for row in rows], pa.date32()),
                "cost": pa.array([row["cost"] for row in rows], typed),
                "left": pa.array([row["left"] for row in rows], typed),
            }
        ),
        columns=(
            ChartColumn("date", "Day", "day"),
            ChartColumn("cost", "Cost", "money"),
            ChartColumn("left", "Left", "money"),
        ),
        legend=tuple(legend),
    )


def _zero() -> dict[str, Any]:
    return {
        "mark": {"type": "rule", "color": named("ink-3"), "strokeWidth": 1.5},
        "encoding": {"y": {"field": "zero", "type": "quantitative"}},
    }


def _sentence(month: date, budget: Decimal, left: Decimal, forecast: Decimal | None) -> str:
    of = f"of {money(budget)} for {month_name(month)}"
    text = (
        f"{short_money(left)} {of} are left"
        if left >= 0
        else f"{month_name(month)} is {short_money(-left)} over its budget of {money(budget)}"
    )
    if forecast is None:
        return f"{text}."
    over = forecast - budget
    end = "over" if over > 0 else "under"
    return f"{text}; at this pace the month ends {short_money(abs(over))} {end} budget."
