"""Evidence: the events behind one day's dollars, in a dialog or as a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ai_usage.dashboard.filters import PAGE_ROWS
from ai_usage.dashboard.pages.context import Asked, State, asked
from ai_usage.dashboard.pages.exports import Source, file_response
from ai_usage.dashboard.pages.frame import KINDS, label_of, whose
from ai_usage.dashboard.pages.parts import Cell, Empty, Pager
from ai_usage.dashboard.pages.rendering import evidence_html
from ai_usage.dashboard.pages.tables import Column, table_of
from ai_usage.dashboard.queries import evidence as queries
from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.text.figures import UNKNOWN, day_name, money
from ai_usage.text.words import counted, few

PATH = "/evidence"


def page(request: Request) -> Response:
    """`/evidence?date=…`: a page, of which the dialog shows the inside."""
    what = asked(request)
    day = _day(request, what)
    found, source = _source(request, what, day, whole=False)
    first = (what.filters.page - 1) * PAGE_ROWS + 1
    pager = None
    if found.of_rows > PAGE_ROWS:
        pager = Pager(
            first,
            first + len(found.rows) - 1,
            found.of_rows,
            _href(what, day, what.filters.page - 1) if what.filters.page > 1 else "",
            _href(what, day, what.filters.page + 1)
            if first + len(found.rows) <= found.of_rows
            else "",
        )
    # No filters: the rows are a page already, the dearest first, and heads lead to no other order.
    shown = table_of(found.rows, source.columns, name=source.name, caption=source.caption)
    chosen = few(
        [
            label_of(name, value)
            for name, values in what.filters.selected.items()
            for value in values
        ],
        4,
    )
    text = evidence_html(
        title=f"{day_name(day)}: {money(found.total)}",
        sentence=f"{counted(found.of_rows, 'event')}" + (f" of {chosen}" if chosen else ""),
        table=replace(shown, pager=pager) if found.rows else None,
        empty=Empty("No event", "Nothing was billed on this day under the selection."),
        file=f"{PATH}.csv?{_items(what, day)}",
        side=whose(what.viewer),
    )
    return HTMLResponse(text)


def export(request: Request) -> Response:
    """`/evidence.csv`: all events of the same selection."""
    what = asked(request)
    day = _day(request, what)
    try:
        _found, source = _source(request, what, day, whole=True)
    except AiUsageError as error:
        status = 503 if isinstance(error, WarehouseError) else 403
        return PlainTextResponse(f"{error}\n", status)
    return file_response(source.csv, f"ai-usage-events-{day}")


def _day(request: Request, what: Asked) -> date:
    try:
        return date.fromisoformat(request.query_params.get("date", ""))
    except ValueError:
        return what.about.as_of


def _items(what: Asked, day: date) -> str:
    return urlencode(
        [
            *(item for item in what.filters.items() if item[0] not in ("page", "sort", "by")),
            ("date", day.isoformat()),
        ]
    )


def _href(what: Asked, day: date, at: int) -> str:
    return f"{PATH}?{_items(what, day)}&page={at}"


def _source(
    request: Request, what: Asked, day: date, *, whole: bool
) -> tuple[queries.Events, Source]:
    state: State = request.app.state.dashboard
    if state.warehouse is None:
        raise WarehouseError("Events are read from the warehouse, which is not open here.")
    found = queries.events(
        what.published, state.warehouse(), what.viewer, what.filters, day, whole=whole
    )

    def kind(row: Mapping[str, Any]) -> Cell:
        return Cell(KINDS.get(row["cost_type"], row["cost_type"]))

    def at(row: Mapping[str, Any]) -> Cell:
        return Cell(f"{row['cost_timestamp']:%H:%M}")

    def short(name: str) -> Any:
        return lambda row: Cell((row[name] or UNKNOWN)[:12])

    records = (
        [Column("record", "As the vendor sent it", cell=_record)]
        if queries.shows_records(what.viewer)
        else []
    )
    unsorted = what.filters.having(sort="", page=1)
    return found, Source(
        "events",
        f"Cost events of {day_name(day)}, US dollars",
        found.rows,
        [
            Column("cost_timestamp", "Time, UTC", cell=at),
            Column("total_cost_usd", "Cost", "exact"),
            Column("platform", "Platform"),
            Column("cost_type", "Kind", cell=kind),
            Column("model", "Model"),
            Column("person", "Borne by"),
            Column("team", "Team"),
            Column("cost_center", "Cost centre"),
            Column("billable_tokens", "Tokens", "count"),
            Column("allocation_method", "Allocated by"),
            Column("invoice_id", "Invoice"),
            Column("source_endpoint", "Source"),
            Column("archive_page", "Archived answer", cell=short("archive_page")),
            Column("event_id", "Event", cell=short("event_id")),
            *records,
        ],
        unsorted,
        PATH,
    )


def _record(row: Mapping[str, Any]) -> Cell:
    """The record in lines, every figure and letter as it came, under the archived page's name."""
    if row["record"] is None:
        return Cell(UNKNOWN)
    try:
        text = msgspec.json.format(row["record"], indent=2)
    except msgspec.DecodeError:
        text = row["record"]
    return Cell("Record", folded=f"{row['archive_page'] or 'no archived page'}\n{text}")
