"""`/close/chargeback.csv`: who is charged what of a month, the file of `ai-usage chargeback`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ai_usage.dashboard.pages.context import asked
from ai_usage.dashboard.pages.exports import file_response
from ai_usage.dashboard.queries.chargeback import chargeback
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.finance.chargeback import NAMES, cells
from ai_usage.text.csv_cells import spreadsheet_csv

PATH = "/close/chargeback.csv"


def export(request: Request) -> Response:
    """The chargeback of the address's last month."""
    what = asked(request)
    month = f"{what.filters.last:%Y-%m}"
    try:
        lines = chargeback(what.published, what.viewer, what.filters)
    except ForbiddenError as error:
        return PlainTextResponse(f"Not for your role: {error}\n", 403)
    if not lines:
        return PlainTextResponse(f"The facts have no cost of {month}.\n", 404)
    rows = [cells(month, line) for line in lines]
    return file_response(spreadsheet_csv(NAMES, rows), f"ai-usage-chargeback-{month}")
