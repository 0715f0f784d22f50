"""Days as bars with their seven-day mean: weekends make a line of days unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import MONEY_AXIS, Chart, ChartColumn, drawn, values
from ai_usage.dashboard.charts.palettes import named
from ai_usage.text.figures import day_name, share, short_money

WEEK = 7
DAY_AXIS: Mapping[str, Any] = {
    "title": None,
    "grid": False,
    "labelExpr": "utcFormat(datum.value, '%-d %b')",
    "labelOverlap": True,
    "labelFlush": True,
    "tickCount": 8,
}
"""A time axis of UTC days."""


def days(
    table: pa.Table,
    *,
    name: str = "days",
    title: str = "Cost by day",
    links: Mapping[Any, str] | None = None,
) -> Chart:
    """`table`: date, cost, is_provisional; every day of the range, days without cost as 0.

    `links` lead from a day's bar to its evidence.
    """
    rows = sorted(table.to_pylist(), key=lambda row: row["date"])
    for number, row in enumerate(rows):
        week = rows[max(0, number - WEEK + 1) : number + 1]
        whole = len(week) == WEEK and not row["is_provisional"]
        row["mean"] = sum((day["cost"] for day in week), Decimal(0)) / WEEK if whole else None
        row["what"] = _what(row)
        row["next"] = row["date"] + timedelta(days=1)
        if links and row["date"] in links:
            row["evidence"] = links[row["date"]]
    sentence = _sentence(rows)
    alt = f"Bars, one a day, with the mean of seven days as a line. {sentence}"
    x: dict[str, Any] = {"field": "date", "type": "temporal", "timeUnit": "utcyearmonthdate"}
    x |= {"axis": DAY_AXIS, "bandPosition": 0.5}
    scale = {
        "domain": ["Workday", "Weekend", "Not final"],
        "range": [named("c1"), named("c1-quiet"), named("past")],
    }
    tooltip = [
        {"field": "date", "title": "Day", "type": "temporal", "format": "%a %-d %b %Y"},
        {"field": "cost", "title": "Cost", "type": "quantitative", "format": "$,.2f"},
        {"field": "mean", "title": "Seven-day mean", "type": "quantitative", "format": "$,.2f"},
        {"field": "what", "title": "Kind"},
    ]
    bar: dict[str, Any] = {
        "x": {key: value for key, value in x.items() if key != "bandPosition"},
        "y": {"field": "cost", "type": "quantitative", "axis": MONEY_AXIS},
        "color": {"field": "what", "type": "nominal", "scale": scale, "legend": None},
        "stroke": {
            "condition": {"test": "datum.what == 'Not final'", "value": named("line-strong")},
            "value": None,
        },
        "tooltip": tooltip,
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {
                "type": "bar",
                "width": {"band": 0.78},
                **({"cursor": "pointer"} if links else {}),
            },
            "encoding": bar,
        },
        {
            "transform": [{"filter": "datum.mean != null"}],
            "mark": {"type": "line", "color": named("ink"), "interpolate": "monotone"},
            "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative"}},
        },
    ]
    seen = {row["what"] for row in rows}
    legend = [
        (what, shade)
        for what, shade in zip(scale["domain"], scale["range"], strict=True)
        if what in seen
    ]
    if any(row["mean"] is not None for row in rows):
        legend.append(("Mean of seven days", named("ink")))
    money = pa.decimal128(38, 9)
    means = [None if row["mean"] is None else round(row["mean"], 9) for row in rows]
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit="US dollars a UTC day",
        alt=alt,
        spec=drawn(layers, height=220, alt=alt, data=values(rows)),
        table=pa.table(
            {
                "date": pa.array([row["date"] for row in rows], pa.date32()),
                "cost": pa.array([row["cost"] for row in rows], money),
                "mean": pa.array(means, money),
                "what": pa.array([row["what"] for row in rows], pa.string()),
            }
        ),
        columns=(
            ChartColumn("date", "Day", "day"),
            ChartColumn("cost", "Cost", "money"),
            ChartColumn("mean", "Mean of seven days", "money"),
            ChartColumn("what", "Kind of day"),
        ),
        legend=tuple(legend),
        links=tuple((links or {}).get(row["date"], "") for row in rows) if links else (),
        height=220,
    )


def _what(row: Mapping[str, Any]) -> str:
    if row["is_provisional"]:
        return "Not final"
    return "Weekend" if row["date"].isoweekday() > 5 else "Workday"


def _sentence(rows: list[dict[str, Any]]) -> str:
    """The last mean against that of a week earlier, and the dearest day."""
    spent = [row for row in rows if row["cost"]]
    if not spent:
        return "No day has any cost."
    dearest = max(spent, key=lambda row: row["cost"])
    text = f"The dearest day was {day_name(dearest['date'])} with {short_money(dearest['cost'])}."
    means = [row["mean"] for row in rows if row["mean"] is not None]
    if not means:
        return text
    start = f"A day costs {short_money(means[-1])} in the mean of the last seven"
    if len(means) > WEEK and means[-1 - WEEK]:
        change = means[-1] / means[-1 - WEEK] - 1
        start += f", {share(abs(change))} {'more' if change > 0 else 'less'} than a week before"
    return f"{start}. {text}"
