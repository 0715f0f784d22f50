"""The report as one HTML file: pictures are SVG, styles stand in it, nothing is fetched."""

from __future__ import annotations

from markupsafe import Markup

from ai_usage.dashboard.charts.palettes import LIGHT, concrete
from ai_usage.dashboard.charts.rendering import svg
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.rendering import TEMPLATES
from ai_usage.dashboard.report.parts import Report, report_of

WIDE = 760
"""Pixels that a picture takes: it shrinks with the page."""


def report_html(what: Asked) -> str:
    """The report of the filters' last month. Raises `AiUsageError` without the extra."""
    return rendered(report_of(what))


def rendered(report: Report) -> str:
    """A report as HTML."""
    pictures = {
        card.chart.name: Markup(svg(card.chart, WIDE))  # noqa: S704 - made from escaped values
        for card in report.cards
        if card.chart is not None
    }
    return TEMPLATES.get_template("report.html").render(
        report=report, pictures=pictures, colours=LIGHT, colour=_colour
    )


def _colour(name: str) -> str:
    """A picture's colour as its value."""
    found: str = concrete({"colour": name})["colour"]
    return found
