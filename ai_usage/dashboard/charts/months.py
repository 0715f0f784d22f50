"""Months as bars: what was spent by platform, the budget as a mark, the year before behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import MONEY_AXIS, Chart, ChartColumn, drawn, values
from ai_usage.dashboard.charts.palettes import REST, named
from ai_usage.text.figures import month_name, share, short_money

_MONTH_LABELS = (
    # The year stands under January and under the first month.
    "utcFormat(toDate(datum.value), '%m') == '01' || datum.index == 0"
    " ? [utcFormat(toDate(datum.value), '%b'), utcFormat(toDate(datum.value), '%Y')]"
    " : utcFormat(toDate(datum.value), '%b')"
)
MONTH_AXIS: Mapping[str, Any] = {
    "title": None,
    "grid": False,
    "labelAngle": 0,
    "labelExpr": _MONTH_LABELS,
    "labelOverlap": True,
}
"""A band axis of first days of months."""
PAST: Mapping[str, Any] = {
    "fill": named("past"),
    "stroke": named("line-strong"),
    "strokeWidth": 0.75,
}
"""Bars of the year before: behind, and still seen by everybody."""


def months(
    parts: pa.Table,
    totals: pa.Table,
    colours: Mapping[str, str],
    *,
    name: str = "months",
    title: str = "Cost by month",
    budget_covers: Decimal | None = None,
) -> Chart:
    """Twelve months at a glance.

    `parts`: month, part (platform or another group), cost. `totals`, one row a month, the last
    running or not: month, cost, budget, last_year, forecast, is_partial; NULL where unknown.
    `budget_covers` is the share of the cost that budgets are for, where it is not all of it: then
    the sentence does not measure the one by the other. `colours` says in which order parts are
    stacked, too.
    """
    rows = sorted(totals.to_pylist(), key=lambda row: row["month"])
    order = {part: number for number, part in enumerate(colours)}
    bars = [
        {**row, "order": order.get(row["part"], len(order)), "name": month_name(row["month"])}
        for row in parts.to_pylist()
        if row["cost"]
    ]
    seen = sorted({row["part"] for row in bars}, key=lambda part: order.get(part, len(order)))
    legend = [(part, colours.get(part, named(REST))) for part in seen]
    marks = [
        {
            **row,
            "name": month_name(row["month"]),
            "label": short_money(_reached(row)),
            "top": _reached(row),
        }
        for row in rows
    ]
    if any(row["last_year"] is not None for row in rows):
        legend.append(("A year before", named("past")))
    if any(row["budget"] is not None for row in rows):
        of = f" (for {share(budget_covers)} of the cost)" if budget_covers is not None else ""
        legend.append((f"Budget{of}", named("ink")))
    is_paced = bool(rows) and rows[-1]["is_partial"] and rows[-1]["forecast"] is not None
    if is_paced:
        legend.append(("At this pace, dashed", named("ink-3")))
    sentence = _sentence(rows, budget_covers is None)
    alt = f"Bars, one a month, {_span(rows)}. {sentence}"
    x: dict[str, Any] = {"field": "month", "type": "ordinal", "axis": MONTH_AXIS}
    y: dict[str, Any] = {"type": "quantitative", "axis": MONEY_AXIS}
    layers: list[dict[str, Any]] = [
        {
            "data": values([m for m in marks if m["last_year"] is not None]),
            "mark": {"type": "bar", "width": {"band": 0.86}, **PAST},
            "encoding": {"x": x, "y": {**y, "field": "last_year"}, "tooltip": _tip("last_year")},
        },
        {
            "data": values(bars),
            "mark": {
                "type": "bar",
                "width": {"band": 0.56},
                "stroke": named("surface"),
                "strokeWidth": 1,
                "cornerRadiusEnd": 0,
            },
            "encoding": {
                "x": x,
                "y": {**y, "field": "cost", "stack": "zero"},
                "color": {
                    "field": "part",
                    "type": "nominal",
                    "scale": {
                        "domain": seen,
                        "range": [colours.get(part, named(REST)) for part in seen],
                    },
                    "legend": None,
                },
                "order": {"field": "order"},
                "tooltip": _tip("cost", "part"),
            },
        },
        {
            "data": values([m for m in marks if m["is_partial"] and m["forecast"] is not None]),
            "mark": {
                "type": "bar",
                "width": {"band": 0.56},
                "fill": "transparent",
                "stroke": named("ink-3"),
                "strokeDash": [3, 3],
            },
            "encoding": {
                "x": x,
                "y": {**y, "field": "cost"},
                "y2": {"field": "forecast"},
                "tooltip": _tip("forecast"),
            },
        },
        {
            "data": values([m for m in marks if m["budget"] is not None]),
            "mark": {
                "type": "tick",
                "thickness": 2.5,
                "width": {"band": 0.92},
                "color": named("ink"),
            },
            "encoding": {"x": x, "y": {**y, "field": "budget"}, "tooltip": _tip("budget")},
        },
        {
            "data": values(marks[-1:]),
            "mark": {"type": "text", "dy": -8, "fontWeight": 600},
            "encoding": {
                "x": x,
                "y": {**y, "field": "top"},
                "text": {"field": "label"},
            },
        },
    ]
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit="US dollars a month",
        alt=alt,
        # A layer without rows has no extent, and says so in the console.
        spec=drawn([one for one in layers if one["data"]["values"]], height=260, alt=alt),
        table=_table(rows, bars, seen),
        columns=(
            ChartColumn("month", "Month", "month"),
            *(ChartColumn(part, part, "money") for part in seen),
            ChartColumn("cost", "All", "money"),
            ChartColumn("forecast", "At this pace", "money"),
            ChartColumn("budget", "Budget", "money"),
            ChartColumn("last_year", "A year before", "money"),
        ),
        legend=tuple(legend),
        height=260,
    )


def _reached(row: Mapping[str, Any]) -> Decimal:
    """What the month comes to, as far as is known."""
    end: Decimal = row["cost"]
    return max(end, row["forecast"] or end) if row["is_partial"] else end


def _tip(measure: str, part: str | None = None) -> list[dict[str, str]]:
    titles = {"cost": "Cost", "last_year": "A year before", "forecast": "At this pace"}
    shown = [{"field": part, "title": "Of"}] if part else []
    return [
        {"field": "name", "title": "Month"},
        *shown,
        {
            "field": measure,
            "title": titles.get(measure, "Budget"),
            "type": "quantitative",
            "format": "$,.2f",
        },
    ]


def _span(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no month"
    return f"{month_name(rows[0]['month'])} to {month_name(rows[-1]['month'])}"


def _sentence(rows: list[dict[str, Any]], is_measured: bool) -> str:
    """What the last month says: its cost, its pace, and how these lie to budget and last year."""
    if not rows:
        return "No month has any cost."
    last = rows[-1]
    month = month_name(last["month"])
    reached = _reached(last)
    if last["is_partial"] and last["forecast"] is not None:
        text = (
            f"{month} stands at {short_money(last['cost'])} and ends near "
            f"{short_money(reached)} at this pace"
        )
    else:
        so_far = " so far" if last["is_partial"] else ""
        text = f"{month} cost {short_money(last['cost'])}{so_far}"
    if last["budget"] and is_measured:
        over = reached - last["budget"]
        text += f", {short_money(abs(over))} {'over' if over > 0 else 'under'} budget"
    if last["last_year"]:
        growth = reached / last["last_year"] - 1
        text += (
            f"; {share(abs(growth))} {'more' if growth > 0 else 'less'} than a year before"
            if growth
            else "; the same as a year before"
        )
    return f"{text}."


def _table(rows: list[dict[str, Any]], bars: list[dict[str, Any]], seen: list[str]) -> pa.Table:
    held: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for bar in bars:
        held[bar["month"], bar["part"]] += bar["cost"]
    money = pa.decimal128(38, 9)
    columns: dict[str, pa.Array] = {"month": pa.array([row["month"] for row in rows], pa.date32())}
    for part in seen:
        columns[part] = pa.array([held[row["month"], part] for row in rows], money)
    for measure in ("cost", "forecast", "budget", "last_year"):
        columns[measure] = pa.array([row[measure] for row in rows], money)
    return pa.table(columns)
