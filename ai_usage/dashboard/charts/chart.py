"""A chart: a picture, what it says, and what it was drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from ai_usage.dashboard.charts.palettes import named

Kind = Literal["text", "money", "count", "share", "day", "month"]
"""How a column's values are written."""

FONT = (
    'Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Ubuntu, Cantarell, '
    '"Liberation Sans", "DejaVu Sans Condensed", system-ui, sans-serif'
)
"""What base.css says too: pictures and text are in one type."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True)
class ChartColumn:
    """A column of the table behind a chart."""

    name: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Chart:
    """A picture that a page or the report places.

    `spec` is Vega-Lite, its colours named (`palettes`). `sentence` says above the picture what it
    shows, `alt` says it to those who do not see it. `table` holds the exact values, `columns` how
    they are headed and written. `legend` names the colours that are not labelled in the picture.
    `links` lead from each row of the table to its evidence, as the field `evidence` of what is
    drawn does.
    """

    name: str
    title: str
    sentence: str
    unit: str
    alt: str
    spec: Mapping[str, Any]
    table: pa.Table
    columns: tuple[ChartColumn, ...]
    legend: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    height: int = 240

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to draw."""
        return bool(self.table.num_rows == 0)

    def saying(self, sentence: str) -> Chart:
        """The chart under another sentence."""
        return replace(self, sentence=sentence)


def config() -> dict[str, Any]:
    """What all pictures share: type, quiet grid, no frame."""
    text = {"labelColor": named("ink-2"), "titleColor": named("ink-2")}
    return {
        "font": FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "padding": {"left": 2, "right": 2, "top": 6, "bottom": 2},
        "axis": {
            **text,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": named("line"),
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
        },
        "text": {"fontSize": 12, "fill": named("ink")},
        "bar": {"cornerRadiusEnd": 2},
        "line": {"strokeWidth": 2, "strokeCap": "round"},
    }


def drawn(
    layers: Sequence[Mapping[str, Any]], *, height: int | Mapping[str, Any], alt: str, **more: Any
) -> dict[str, Any]:
    """A specification of layers that takes the width that it is given."""
    return {
        "$schema": SCHEMA,
        "description": alt,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": config(),
        "layer": list(layers),
        **more,
    }


def values(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as data of a picture: dollars as floats, days as text."""
    return {"values": [{name: _plain(value) for name, value in row.items()} for row in rows]}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


MONEY_AXIS: Mapping[str, Any] = {
    # Thousands as k, millions as M; B, not G, for billions.
    "labelExpr": "replace(format(datum.value, '$~s'), 'G', 'B')",
    "title": None,
    "tickCount": 4,
}
"""A value axis in dollars."""
NAMES: Mapping[str, str] = {"expr": "min(170, 0.32 * (containerSize()[0] || 600))"}
"""Pixels that names beside bars may take: on a narrow page less, so that bars keep their room."""
