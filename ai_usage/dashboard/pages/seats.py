"""Seats: idle, duplicate, leavers', in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.palettes import colours, named
from ai_usage.dashboard.charts.ranked import ranked
from ai_usage.dashboard.charts.shares import shares
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import filter_bar, respond, unless_forbidden
from ai_usage.dashboard.pages.parts import Badge, Card, Cell, Empty, Page, Part, Tile
from ai_usage.dashboard.pages.tables import Column, written
from ai_usage.dashboard.queries import seats as queries
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.figures import UNKNOWN, count, money, share, short_money
from ai_usage.text.words import counted

PATH = "/seats"
IN_USE = "in use"


def page(request: Request) -> Response:
    """`/seats`."""
    what = asked(request)
    try:
        rows = queries.seats(what.published, what.viewer, what.filters).to_pylist()
        parts: list[Any] = _parts(what, rows)
    except ForbiddenError:
        parts = [unless_forbidden("Seats", lambda: waste_table(what).card("Seats", _WASTE))]
    body = Page(
        "seats",
        "Seats",
        "Which seats do we pay for and not use?",
        parts,
        filters=filter_bar(what, PATH, has_org=False, has_months=False),
    )
    return respond(what, body)


_WASTE = "By product and reason; who holds them is for who sees single people."


def waste_table(what: Asked) -> Source:
    """Seats by product and reason, for who sees no single people."""
    rows = queries.waste(what.published, what.viewer, what.filters).to_pylist()
    columns = [
        Column("platform_name", "Product"),
        Column("idle_reason", "In use, or why not"),
        Column("seats", "Seats", "count"),
        Column("monthly_price_usd", "A month", "money"),
        Column("wasted_monthly_usd", "Wasted a month", "money"),
    ]
    return Source(
        "waste",
        "Seats by product and reason, US dollars a month",
        rows,
        columns,
        what.filters,
        PATH,
        total=("seats", "monthly_price_usd", "wasted_monthly_usd"),
    )


def _parts(what: Asked, rows: list[dict[str, Any]]) -> list[Part | list[Card]]:
    if not rows:
        return [Card("Seats", empty=Empty("No seats", "Nothing is paid for by the seat."))]
    wasted = [row for row in rows if row["idle_reason"]]
    paid = sum((row["monthly_price_usd"] for row in rows), Decimal(0))
    lost = sum((row["wasted_monthly_usd"] for row in rows), Decimal(0))
    tiles = (
        Tile("Seats paid for", count(len(rows)), f"{money(paid)} a month"),
        Tile(
            "In use",
            count(len(rows) - len(wasted)),
            "of them",
            share((len(rows) - len(wasted)) / len(rows)),
        ),
        Tile(
            "Wasted a month",
            money(lost),
            f"{counted(len(wasted), 'seat')}",
            share(lost / paid) if paid else "",
            "bad" if lost else "good",
        ),
        Tile("Wasted a year", short_money(lost * 12), "if nothing is done"),
    )
    return [tiles, [_reasons(rows), _products(what, rows)], _table(table(what))]


def _reasons(rows: list[dict[str, Any]]) -> Card:
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["idle_reason"]:
            held[row["idle_reason"].capitalize()] += row["wasted_monthly_usd"]
    table = pa.table(
        {
            "name": pa.array(list(held), pa.string()),
            "value": pa.array(list(held.values()), pa.decimal128(38, 9)),
        }
    )
    chart = ranked(
        table,
        name="reasons",
        title="Why seats are wasted",
        things="reasons",
        unit="US dollars a month",
        colour="c2",
    )
    return Card.of(
        chart,
        width="half",
        empty=Empty("Nothing is wasted", "Every seat is in use or was given lately."),
    )


def _products(what: Asked, rows: list[dict[str, Any]]) -> Card:
    held: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        held[row["platform_name"], (row["idle_reason"] or IN_USE).capitalize()] += 1
    reasons = sorted({part for _, part in held if part != IN_USE.capitalize()})
    shades = {
        IN_USE.capitalize(): named("c1"),
        **dict(zip(reasons, list(colours(["", *reasons]).values())[1:], strict=True)),
    }
    table = pa.table(
        {
            "row": pa.array([key[0] for key in sorted(held)], pa.string()),
            "part": pa.array([key[1] for key in sorted(held)], pa.string()),
            "value": pa.array([held[key] for key in sorted(held)], pa.int64()),
        }
    )
    return Card.of(
        shares(
            table,
            shades,
            name="products",
            title="Seats by product",
            measure="count",
            unit="seats",
            of="the seats",
        ),
        width="half",
    )


def table(what: Asked) -> Source:
    """The wasted seats, the dearest first."""
    found = queries.seats(what.published, what.viewer, what.filters).to_pylist()

    def holder(row: Mapping[str, Any]) -> Cell:
        return Cell(row["full_name"] or "Nobody")

    def reason(row: Mapping[str, Any]) -> Cell:
        return Cell("", badge=Badge(row["idle_reason"].capitalize(), "warn"))

    def last(row: Mapping[str, Any]) -> Cell:
        day = row["last_activity_date"]
        return Cell(written(day, "day") if day else "never" if row["user_email"] else UNKNOWN)

    return Source(
        "wasted",
        "Wasted seats, US dollars a month",
        [row for row in found if row["idle_reason"]],
        [
            Column("full_name", "Given to", cell=holder),
            Column("platform_name", "Product"),
            Column("plan", "Plan"),
            Column("team", "Team"),
            Column("cost_center", "Cost centre"),
            Column("idle_reason", "Why", cell=reason),
            Column("idle_days", "Days", "count"),
            Column("last_activity_date", "Last used", cell=last),
            Column("wasted_monthly_usd", "Wasted a month", "money", bar=True),
        ],
        what.filters,
        PATH,
        total=("wasted_monthly_usd",),
    )


def _table(source: Source) -> Card:
    return source.card(
        "Seats to give back",
        "The dearest first. A seat given less than 30 days ago is not called idle.",
        "US dollars a month",
        empty=Empty("Nothing to give back", "Every seat is in use."),
    )
