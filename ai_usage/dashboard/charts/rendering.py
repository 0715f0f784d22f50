"""Vega by `vl-convert`: the browser's bundle, and pictures as SVG without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ai_usage.dashboard.charts.chart import Chart
from ai_usage.dashboard.charts.palettes import LIGHT, concrete
from ai_usage.errors import AiUsageError

VEGA_LITE = "6.4"
_IDS = re.compile(r'\bid="|url\(#')


def bundle() -> str:
    """The script that draws specifications in a browser: `vegaEmbed`, nothing fetched."""
    return _bundle()


@lru_cache(maxsize=1)
def _bundle() -> str:
    text: str = _vl_convert().javascript_bundle("window.vegaEmbed=vegaEmbed;", VEGA_LITE)
    return text


def svg(chart: Chart, width: int = 640, palette: Mapping[str, str] = LIGHT) -> str:
    """The picture as an SVG that stands alone, so wide, in the colours of a palette."""
    spec: dict[str, Any] = {**concrete(chart.spec, palette), "width": width}
    drawn: str = _vl_convert().vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    # Every picture begins to count at clip0, and several stand in one document.
    return _IDS.sub(rf"\g<0>{chart.name}-", drawn)


def _vl_convert() -> Any:
    try:
        import vl_convert
    except ImportError as error:
        raise AiUsageError(
            "charts need the extra `dashboard`: pip install 'ai-usage[dashboard]'"
        ) from error
    return vl_convert
