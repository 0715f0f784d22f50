"""One measure as bars by month."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from ai_usage.dashboard.charts.chart import MONEY_AXIS, Chart, ChartColumn, Kind, drawn, values
from ai_usage.dashboard.charts.months import MONTH_AXIS
from ai_usage.dashboard.charts.palettes import named
from ai_usage.text.figures import month_name, share, short_count, short_money


def monthly(
    table: pa.Table,
    *,
    name: str,
    title: str,
    unit: str,
    measure: Kind = "count",
    colour: str = "c1",
    aim: float | None = None,
    height: int = 220,
) -> Chart:
    """`table`: month, value; months without a value are left out, for they are not known.

    `aim` is drawn as a line.
    """
    rows = [row for row in table.to_pylist() if row["value"] is not None]
    rows.sort(key=lambda row: row["month"])
    short = {"money": short_money, "share": share}.get(measure, short_count)
    for row in rows:
        row["name"], row["label"] = month_name(row["month"]), short(row["value"])
    sentence = "Nothing is known."
    if rows:
        last, most = rows[-1], max(rows, key=lambda row: row["value"])
        sentence = f"{last['name']}: {last['label']}"
        if most is not last:
            sentence += f"; the most was {most['label']} in {most['name']}"
        sentence += "."
    alt = f"Bars, one a month. {sentence}"
    x: dict[str, Any] = {"field": "month", "type": "ordinal", "axis": MONTH_AXIS}
    percent = {"title": None, "tickCount": 4, "format": ".0%"}
    axis = {"money": MONEY_AXIS, "share": percent}.get(
        measure,
        {
            "title": None,
            "tickCount": 4,
            "labelExpr": "replace(format(datum.value, '~s'), 'G', 'B')",
        },
    )
    y: dict[str, Any] = {"field": "value", "type": "quantitative", "axis": axis}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "width": {"band": 0.6}, "fill": named(colour)},
            "encoding": {
                "x": x,
                "y": y,
                "tooltip": [
                    {"field": "name", "title": "Month"},
                    {"field": "label", "title": unit[0].upper() + unit[1:]},
                ],
            },
        },
        {
            "data": values(rows[-1:]),
            "mark": {"type": "text", "dy": -8, "fontWeight": 600},
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]
    if aim is not None:
        layers.insert(
            1,
            {
                "data": {"values": [{"aim": aim}]},
                "mark": {"type": "rule", "color": named("ink"), "strokeDash": [4, 3]},
                "encoding": {"y": {**y, "field": "aim"}},
            },
        )
    return Chart(
        name=name,
        title=title,
        sentence=sentence,
        unit=f"{unit} a month",
        alt=alt,
        spec=drawn(layers, height=height, alt=alt, data=values(rows)),
        table=pa.table(
            {
                "month": pa.array([row["month"] for row in rows], pa.date32()),
                "value": pa.array([row["value"] for row in rows], table.schema.field("value").type),
            }
        ),
        columns=(ChartColumn("month", "Month", "month"), ChartColumn("value", title, measure)),
        legend=((f"Aim, {short(Decimal(str(aim)))}", named("ink")),) if aim is not None else (),
        height=height,
    )
