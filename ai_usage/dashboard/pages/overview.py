"""Overview: the company's month on one screen."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ai_usage.dashboard.pages.context import asked
from ai_usage.dashboard.pages.templates import TEMPLATES
from ai_usage.dashboard.queries import overview


def page(request: Request) -> Response:
    """`/`: tiles of the month."""
    what = asked(request)
    months = overview.months(what.published, what.viewer, what.filters).to_pylist()
    text = TEMPLATES.get_template("overview.html").render(
        about=what.about, filters=what.filters, months=months
    )
    return HTMLResponse(text)
