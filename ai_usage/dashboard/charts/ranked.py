"""Many groups as a sorted list of bars, and as small multiples of days or months."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import (
    MONEY_AXIS,
    NAMES,
    Chart,
    ChartColumn,
    Kind,
    drawn,
    values,
)
from ai_usage.dashboard.charts.days import DAY_AXIS
from ai_usage.dashboard.charts.palettes import REST, named
from ai_usage.text.figures import count, money, share, short_count, short_money
from ai_usage.text.words import counted

ROW = 30
"""Pixels that a bar takes with the gap to the next."""
MOST = 12
"""Bars shown; what comes after them is one bar."""


def ranked(
    table: pa.Table,
    *,
    name: str,
    title: str,
    things: str,
    measure: Kind = "money",
    unit: str = "US dollars",
    colour: str = "c1",
    most: int = MOST,
) -> Chart:
    """`table`: name, value, and where known budget; drawn from the largest down.

    `things` names what the bars are, in the plural. What comes after the `most` first is one bar,
    so that the bars sum to the whole.
    """
    rows = sorted(table.to_pylist(), key=lambda row: (-row["value"], row["name"]))
    shown = [{**row, "is_rest": False} for row in rows[:most]]
    if rest := rows[most:]:
        shown.append(
            {
                "name": f"{len(rest)} more",
                "value": sum(row["value"] for row in rest),
                "budget": None,
                "is_rest": True,
            }
        )
    short, exact = (short_money, money) if measure == "money" else (short_count, count)
    for row in shown:
        row["label"], row["exact"] = short(row["value"]), exact(row["value"])
        row["end"] = max(row["value"], row.get("budget") or 0)
    sentence = _sentence(rows, things, short)
    alt = f"Bars, the largest first, of {counted(len(rows), 'row')}. {sentence}"
    y = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in shown],
        "axis": {"title": None, "labelLimit": NAMES, "grid": False},
    }
    x: dict[str, Any] = {"field": "value", "type": "quantitative", "axis": None}
    tooltip = [{"field": "name", "title": "Of"}, {"field": "exact", "title": unit}]
    budgets = [row for row in shown if row.get("budget") is not None]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": {"band": 0.64}},
            "encoding": {
                "y": y,
                "x": x,
                "color": {
                    "condition": {"test": "datum.is_rest", "value": named(REST)},
                    "value": named(colour),
                },
                "tooltip": tooltip,
            },
        },
        {
            "mark": {
                "type": "text",
                "align": "left",
                "dx": 6,
                "fontWeight": 600,
            },
            "encoding": {"y": y, "x": {**x, "field": "end"}, "text": {"field": "label"}},
        },
    ]
    if budgets:
        layers.insert(
            1,
            {
                "data": values(budgets),
                "mark": {"type": "tick", "thickness": 2.5, "color": named("ink")},
                "encoding": {"y": y, "x": {**x, "field": "budget"}},
            },
        )
    has_budget = "budget" in table.column_names
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit=unit,
        alt=alt,
        spec=drawn(
            layers,
            height=max(1, len(shown)) * ROW + 4,
            alt=alt,
            data=values(shown),
            # Room for the label of the longest bar.
            padding={"left": 8, "right": 56, "top": 2, "bottom": 2},
        ),
        table=table.take(pa.array([table.to_pylist().index(row) for row in rows], pa.int64())),
        columns=(
            ChartColumn("name", title),
            ChartColumn("value", unit, measure),
            *((ChartColumn("budget", "Budget", "money"),) if has_budget else ()),
        ),
        legend=((("Budget", named("ink")),) if budgets else ()),
        height=max(1, len(shown)) * ROW + 4,
    )


def multiples(table: pa.Table, *, name: str, colour: str = "c1", most: int = MOST) -> list[Chart]:
    """Small pictures of days, a group each, all on one scale: `table`: name, date, cost.

    The groups with the most cost come first; what comes after the `most` first is one picture.
    """
    rows = table.to_pylist()
    totals: dict[str, Decimal] = {}
    for row in rows:
        totals[row["name"]] = totals.get(row["name"], Decimal(0)) + row["cost"]
    ordered = sorted(totals, key=lambda group: (-totals[group], group))
    label = {group: group for group in ordered[:most]}
    label |= dict.fromkeys(ordered[most:], f"{len(ordered) - most} more")
    days: dict[str, dict[Any, Decimal]] = {}
    for row in rows:
        held = days.setdefault(label[row["name"]], {})
        held[row["date"]] = held.get(row["date"], Decimal(0)) + row["cost"]
    # All on the same days: a day on which a group has no cost is a day of 0.
    every = sorted({row["date"] for row in rows})
    days = {name: {day: held.get(day, Decimal(0)) for day in every} for name, held in days.items()}
    whole = sum(totals.values(), Decimal(0))
    # The remainder sums many groups: it has no say in the scale of the single ones.
    top = max((max(days[group].values()) for group in ordered[:most]), default=Decimal(1))
    return [
        _small(group, held, float(top), whole, f"{name}-{number}", colour)
        for number, (group, held) in enumerate(
            sorted(days.items(), key=lambda item: _place(item[0], ordered))
        )
    ]


def _place(group: str, ordered: Sequence[str]) -> int:
    return ordered.index(group) if group in ordered else len(ordered)


def _small(
    group: str, held: dict[Any, Decimal], top: float, whole: Decimal, name: str, colour: str
) -> Chart:
    total = sum(held.values(), Decimal(0))
    sentence = short_money(total) + (f", {share(total / whole)} of all" if whole else "")
    alt = f"Small bars, one a day, of {group}: {sentence}."
    bar = {
        "mark": {"type": "bar", "width": {"band": 0.8}, "fill": named(colour)},
        "encoding": {
            "x": {
                "field": "date",
                "type": "temporal",
                "timeUnit": "utcyearmonthdate",
                "axis": {**DAY_AXIS, "tickCount": 2},
            },
            "y": {
                "field": "cost",
                "type": "quantitative",
                "scale": {"domain": [0, top], "clamp": True},
                "axis": {**MONEY_AXIS, "tickCount": 2},
            },
            "tooltip": [
                {"field": "date", "title": "Day", "type": "temporal", "format": "%a %-d %b %Y"},
                {"field": "cost", "title": "Cost", "type": "quantitative", "format": "$,.2f"},
            ],
        },
    }
    days = sorted(held)
    rows = [{"date": day, "cost": held[day]} for day in days]
    return Chart(
        name=name,
        title=group,
        sentence=sentence,
        unit="US dollars a UTC day",
        alt=alt,
        spec=drawn([bar], height=90, alt=alt, data=values(rows)),
        table=pa.table(
            {
                "date": pa.array(days, pa.date32()),
                "cost": pa.array([held[day] for day in days], pa.decimal128(38, 9)),
            }
        ),
        columns=(ChartColumn("date", "Day", "day"), ChartColumn("cost", "Cost", "money")),
        height=90,
    )


def _sentence(rows: list[dict[str, Any]], things: str, short: Any) -> str:
    total = sum(row["value"] for row in rows)
    if not rows or not total:
        return f"There are no {things} with anything to show."
    first = rows[0]
    text = f"{first['name']} comes first with {short(first['value'])}"
    if len(rows) == 1 or total < 0:
        return f"{text}."
    text += f", {share(Decimal(first['value']) / Decimal(total))} of the whole"
    half, held = 0, Decimal(0)
    for row in rows:
        if held * 2 >= total:
            break
        held, half = held + row["value"], half + 1
    if len(rows) > 4 and half > 1:
        text += f"; {half} of {len(rows)} {things} make half of it"
    return f"{text}."
