"""Shares as stacked bars: one bar of 100 % a row, its parts labelled where there is room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from ai_usage.dashboard.charts.chart import NAMES, Chart, ChartColumn, Kind, drawn, values
from ai_usage.dashboard.charts.palettes import REST, named, on
from ai_usage.text.figures import share
from ai_usage.text.words import few

ROW = 34
"""Pixels that a bar takes with the gap to the next."""
ROOM = 36
"""Pixels that a label takes: a part that is narrower has none."""


def shares(
    table: pa.Table,
    colours: Mapping[str, str],
    *,
    name: str,
    title: str,
    measure: Literal["money", "count"] = "money",
    unit: str = "US dollars",
    of: str = "the cost",
) -> Chart:
    """`table`: row, part, value; rows are shown in their order, parts in that of `colours`.

    A value below 0 (a credit) has no share: it stands in the table and the sentence says so.
    `of` names the whole in the sentence.
    """
    held: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in table.to_pylist():
        held[line["row"]][line["part"]] = line["value"]
    order = {part: number for number, part in enumerate(colours)}
    seen = sorted(
        {part for parts in held.values() for part, value in parts.items() if value},
        key=lambda part: order.get(part, len(order)),
    )
    bars, credited = _bars(held, seen)
    sentence = _sentence(held, seen, credited, of)
    alt = f"Stacked bars of 100 %, {len(held)} of them, by {few(seen, 8)}. {sentence}"
    y = {
        "field": "row",
        "type": "nominal",
        "sort": list(held),
        "axis": {"title": None, "labelLimit": NAMES, "labels": len(held) > 1, "grid": False},
    }
    x: dict[str, Any] = {"field": "from", "type": "quantitative", "scale": {"domain": [0, 1]}}
    x["axis"] = {"title": None, "format": ".0%", "tickCount": 4, "grid": False}
    layers: list[dict[str, Any]] = [
        {
            "mark": {
                "type": "bar",
                "height": {"band": 0.72},
                "stroke": named("surface"),
                "strokeWidth": 1.5,
                "cornerRadiusEnd": 0,
            },
            "encoding": {
                "y": y,
                "x": x,
                "x2": {"field": "to"},
                "color": {
                    "field": "part",
                    "type": "nominal",
                    "scale": {
                        "domain": seen,
                        "range": [colours.get(part, named(REST)) for part in seen],
                    },
                    "legend": None,
                },
                "tooltip": [
                    *([{"field": "row", "title": "Of"}] if len(held) > 1 else []),
                    {"field": "part", "title": "Part"},
                    {"field": "share", "title": "Share", "format": ".1%"},
                    {
                        "field": "value",
                        "title": unit[0].upper() + unit[1:],
                        "format": "$,.2f" if measure == "money" else ",",
                    },
                ],
            },
        },
        {
            "transform": [{"filter": f"datum.share * width >= {ROOM}"}],
            "mark": {"type": "text", "fontWeight": 600},
            "encoding": {
                "y": y,
                "x": {**x, "field": "middle"},
                "text": {"field": "share", "format": ".0%"},
                "color": {
                    "field": "part",
                    "type": "nominal",
                    "scale": {
                        "domain": seen,
                        "range": [on(colours.get(part, named(REST))) for part in seen],
                    },
                    "legend": None,
                },
            },
        },
    ]
    height = max(1, len(held)) * ROW + 34
    kind: Kind = measure
    value_type = pa.decimal128(38, 9) if measure == "money" else pa.int64()
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit=f"share of {unit}",
        alt=alt,
        spec=drawn(
            layers,
            height=height,
            alt=alt,
            data=values(bars),
            resolve={"scale": {"color": "independent"}},
        ),
        table=pa.table(
            {
                "row": pa.array(list(held), pa.string()),
                **{
                    part: pa.array([parts.get(part) for parts in held.values()], value_type)
                    for part in seen
                },
            }
        ),
        columns=(ChartColumn("row", "Of"), *(ChartColumn(part, part, kind) for part in seen)),
        legend=tuple((part, colours.get(part, named(REST))) for part in seen),
        height=height,
    )


def _bars(
    held: Mapping[str, Mapping[str, Any]], seen: Sequence[str]
) -> tuple[list[dict[str, Any]], int]:
    bars, credited = [], 0
    for row, parts in held.items():
        positive = {part: parts[part] for part in seen if parts.get(part) and parts[part] > 0}
        credited += sum(1 for value in parts.values() if value and value < 0)
        total, start = sum(positive.values()), 0.0
        for part, value in positive.items():
            size = float(Decimal(value) / Decimal(total))
            bars.append(
                {
                    "row": row,
                    "part": part,
                    "value": value,
                    "share": size,
                    "from": start,
                    "to": start + size,
                    "middle": start + size / 2,
                }
            )
            start += size
    return bars, credited


def _sentence(
    held: Mapping[str, Mapping[str, Any]], seen: Sequence[str], credited: int, of: str
) -> str:
    sums = {part: sum(max(parts.get(part) or 0, 0) for parts in held.values()) for part in seen}
    total = sum(sums.values())
    if not total:
        return "There is nothing to share out."
    largest = max(sums, key=lambda part: sums[part])
    text = f"{largest} has {share(Decimal(sums[largest]) / Decimal(total))} of {of}"
    if len(sums) > 1:
        second = sorted(sums, key=lambda part: sums[part])[-2]
        text += f", {second} {share(Decimal(sums[second]) / Decimal(total))}"
    if credited:
        text += "; credits have no share and are left out of the picture"
    return f"{text}."
