"""What moved between two months: steps from the one to the other that add up exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import MONEY_AXIS, NAMES, Chart, ChartColumn, drawn, values
from ai_usage.dashboard.charts.palettes import named
from ai_usage.text.figures import money, short_money

ROW = 32
"""Pixels that a step takes with the gap to the next."""


def moved(
    table: pa.Table,
    before: tuple[str, Decimal],
    after: tuple[str, Decimal],
    *,
    name: str = "moved",
    title: str = "What moved",
) -> Chart:
    """`table`: step, amount, in the order in which they are shown; before + amounts = after.

    `before` and `after` are the ends, each with its label. Steps that do not add up are refused.
    """
    steps = table.to_pylist()
    total = sum((step["amount"] for step in steps), before[1])
    if total != after[1]:
        raise ValueError(f"what moved ends at {total}, not at {after[1]}")
    rows: list[dict[str, Any]] = [_row(before[0], Decimal(0), before[1], "end", before[1])]
    reached = before[1]
    for step in steps:
        kind = "more" if step["amount"] > 0 else "less"
        rows.append(_row(step["step"], reached, reached + step["amount"], kind, step["amount"]))
        reached += step["amount"]
    rows.append(_row(after[0], Decimal(0), after[1], "end", after[1]))
    for row in rows:
        signed = row["kind"] != "end"
        row["label"] = short_money(row["amount"], signed=signed)
        row["exact"] = money(row["amount"], signed=signed)
        row["high"] = max(row["from"], row["to"])
    low = min(min(row["from"], row["to"]) for row in rows[1:-1]) if steps else Decimal(0)
    high = max(row["high"] for row in rows)
    # Steps that are small beside the ends are seen only if the ends are cut: said in the label.
    cut = low * Decimal("0.9") if low > 0 and high - low < low / 3 else Decimal(0)
    for row in rows:
        row["from"] = max(row["from"], cut)
    sentence = _sentence(steps, before, after)
    alt = f"Steps from {before[0]} to {after[0]}. {sentence}"
    y = {
        "field": "step",
        "type": "nominal",
        "sort": [row["step"] for row in rows],
        "axis": {"title": None, "labelLimit": NAMES, "grid": False},
    }
    x: dict[str, Any] = {"field": "from", "type": "quantitative", "axis": MONEY_AXIS}
    x["scale"] = {"domain": [float(cut or min(low, Decimal(0))), float(high)]}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": {"band": 0.62}, "cornerRadiusEnd": 0},
            "encoding": {
                "y": y,
                "x": x,
                "x2": {"field": "to"},
                "color": {
                    "field": "kind",
                    "type": "nominal",
                    "scale": {
                        "domain": ["end", "more", "less"],
                        "range": [named("rest"), named("c2"), named("c1")],
                    },
                    "legend": None,
                },
                "tooltip": [
                    {"field": "step", "title": "Step"},
                    {"field": "exact", "title": "US dollars"},
                ],
            },
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 6, "fontWeight": 600},
            "encoding": {"y": y, "x": {**x, "field": "high"}, "text": {"field": "label"}},
        },
    ]
    height = len(rows) * ROW + 24
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit="US dollars" + (f"; the axis begins at {short_money(cut)}" if cut else ""),
        alt=alt,
        spec=drawn(
            layers,
            height=height,
            alt=alt,
            data=values(rows),
            padding={"left": 8, "right": 60, "top": 2, "bottom": 2},
        ),
        table=pa.table(
            {
                "step": pa.array([row["step"] for row in rows], pa.string()),
                "amount": pa.array([row["amount"] for row in rows], pa.decimal128(38, 9)),
            }
        ),
        columns=(ChartColumn("step", "Step"), ChartColumn("amount", "US dollars", "money")),
        legend=(("More", named("c2")), ("Less", named("c1"))),
        height=height,
    )


def _row(step: str, start: Decimal, end: Decimal, kind: str, amount: Decimal) -> dict[str, Any]:
    return {"step": step, "from": start, "to": end, "kind": kind, "amount": amount}


def _sentence(
    steps: list[dict[str, Any]], before: tuple[str, Decimal], after: tuple[str, Decimal]
) -> str:
    change = after[1] - before[1]
    if not change:
        return f"{after[0]} and {before[0]} cost the same."
    text = (
        f"{after[0]} is {short_money(abs(change))} {'above' if change > 0 else 'below'} {before[0]}"
    )
    largest = max(steps, key=lambda step: abs(step["amount"]), default=None)
    if largest and largest["amount"]:
        text += (
            f"; {largest['step'].lower()} moved most, {short_money(largest['amount'], signed=True)}"
        )
    return f"{text}."
