"""Close: a month as reported, what came later, what the invoices say, what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.moved import moved
from ai_usage.dashboard.pages.chargeback import PATH as CHARGEBACK
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import filter_bar, forbidden, respond
from ai_usage.dashboard.pages.parted import parted
from ai_usage.dashboard.pages.parts import Badge, Card, Cell, Empty, Link, Page, Part, Tile, Tone
from ai_usage.dashboard.pages.tables import Column, table_of, written
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import close as queries
from ai_usage.dashboard.queries.chargeback import may_charge
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.figures import UNKNOWN, count, money, month_name, share
from ai_usage.text.words import counted

PATH = "/close"
STATES: Mapping[str, Badge] = {
    "reconciled": Badge("Ties", "good"),
    "disputed": Badge("Disputed", "bad"),
    "pending": Badge("Pending", "warn"),
}
ZERO = Decimal(0)


def page(request: Request) -> Response:
    """`/close`."""
    what = asked(request).in_one_month
    parts: list[Any]
    try:
        parts = _parts(what)
    except ForbiddenError as error:
        parts = [forbidden("Close", error)]
    month = month_name(what.filters.last)
    body = Page(
        "close",
        "Close",
        f"Can {month} be closed, and does it stay as it was closed?",
        [tie(what, is_here=True), *parts],
        filters=filter_bar(what, PATH, (), has_org=False),
        links=[Link("Chargeback", f"{CHARGEBACK}?{what.filters.address}", is_file=True)]
        if may_charge(what.viewer)
        else (),
    )
    return respond(what, body)


def _parts(what: Asked) -> list[Part | list[Card]]:
    published, viewer, filters = what.published, what.viewer, what.filters
    closed = queries.closed(published, viewer, filters)
    after = queries.adjustments(published, viewer, filters).to_pylist()
    source = table(what)
    cycles = source.rows
    points = queries.open_points(published, viewer, filters)
    return [
        _tiles(closed, after, cycles, points),
        *([_bridge(what, closed, after)] if closed else []),
        _cycles(source),
        *parted(what, cycles),
        [_open(points), _after(after)],
    ]


def _tiles(
    closed: Mapping[str, Any] | None,
    after: list[dict[str, Any]],
    cycles: Sequence[Mapping[str, Any]],
    points: Mapping[str, Any],
) -> tuple[Tile, ...]:
    later = sum((row["adjustment_usd"] for row in after), ZERO)
    states = [row["reconciliation_status"] for row in cycles]
    residue = sum(
        (row["difference_usd"] for row in cycles if row["reconciliation_status"] == "disputed"),
        ZERO,
    )
    if closed:
        first = Tile(
            "As reported",
            money(closed["total"]),
            f"closed {closed['closed_at']:%Y-%m-%d} by {closed['closed_by'] or UNKNOWN}",
        )
    else:
        first = Tile("So far", money(points["total"]), "the month is open")
    return (
        first,
        Tile(
            "Came later",
            money(later, signed=True) if closed else UNKNOWN,
            "after the close" if closed else "nothing is closed",
            tone="warn" if later else "",
        ),
        Tile(
            "Cycles that tie",
            f"{states.count('reconciled')} of {len(states)}",
            f"{states.count('pending')} pending",
            f"{states.count('disputed')} disputed" if "disputed" in states else "",
            "bad",
        ),
        Tile(
            "Residue",
            money(residue, signed=True),
            "what invoices bill beyond the reports" if residue else "of disputed invoices",
            tone="bad" if residue else "good",
        ),
    )


def _bridge(what: Asked, closed: Mapping[str, Any], after: list[dict[str, Any]]) -> Card:
    names = {"taken_in": "taken in", "held_back": "held back"}
    steps = pa.table(
        {
            "step": pa.array(
                [f"{row['platform_code']}, {names[row['status']]}" for row in after], pa.string()
            ),
            "amount": pa.array([row["adjustment_usd"] for row in after], pa.decimal128(38, 9)),
        }
    )
    end = closed["total"] + sum((row["adjustment_usd"] for row in after), ZERO)
    chart = moved(
        steps,
        ("As reported", closed["total"]),
        ("As known now", end),
        name="bridge",
        title=f"{month_name(what.filters.last)}, as reported and as known now",
    )
    return Card.of(chart)


def table(what: Asked) -> Source:
    """The cycles that overlap the month, each against its invoices."""
    found = queries.cycles(what.published, what.viewer, what.filters).to_pylist()

    def period(row: Mapping[str, Any]) -> Cell:
        return Cell(f"{row['period_from']:%-d %b} to {row['period_to']:%-d %b %Y}")

    def difference(row: Mapping[str, Any]) -> Cell:
        tone: Tone = "bad" if row["reconciliation_status"] == "disputed" else ""
        return Cell(written(row["difference_usd"], "change"), tone=tone)

    return Source(
        "cycles",
        f"Billing cycles of {month_name(what.filters.last)}, US dollars",
        [{**row, "compared_usd": row["facts_usage_usd"] + row["facts_seats_usd"]} for row in found],
        [
            Column("platform_code", "Vendor"),
            Column("period_from", "Cycle", "day", cell=period),
            Column("reconciliation_status", "State"),
            Column("invoiced_usd", "Invoiced", "money"),
            Column("compared_usd", "Our facts", "money", help="Usage, overage and seats"),
            Column("difference_usd", "Difference", "change", cell=difference),
            Column("invoice_ids", "Invoices"),
            Column("covers", "Bills"),
            Column("facts_other_usd", "Beside them", "money", help="Tax, credits, commitments"),
            Column("residues", "Known residues", "prose"),
        ],
        what.filters,
        PATH,
        badges={"reconciliation_status": STATES},
    )


def _cycles(source: Source) -> Card:
    return source.card(
        "Invoices",
        "Usage and seat lines against the facts of the same cycle; tax, credits and commitments "
        "stand beside them.",
        "US dollars",
        empty=Empty("No invoice", "No cycle overlaps this month."),
    )


def _open(points: Mapping[str, Any]) -> Card:
    total = points["total"]

    def part(value: Decimal) -> str:
        return f"{money(value)}, {share(value / total)}" if total and value else money(value)

    missing = points["missing_days"]
    facts = [
        (
            "Days that are not loaded",
            Cell(
                counted(missing, "day") if missing else "none",
                href="/trust",
                tone="bad" if missing else "",
            ),
        ),
        ("The vendor may still change", Cell(part(points["provisional"]))),
        ("Nobody can be named for", Cell(part(points["unallocated"]), href="/trust")),
        (
            "Charges of an unknown amount",
            Cell(count(points["unknown_charges"]), tone="bad" if points["unknown_charges"] else ""),
        ),
    ]
    return Card("Still open", "What keeps the month from being final.", facts=facts, width="half")


def _after(rows: list[dict[str, Any]]) -> Card:
    if not rows:
        return Card(
            "After the close",
            empty=Empty("Nothing came later", "No vendor or file has changed a closed sum."),
            width="half",
        )
    words = {"taken_in": Badge("Taken in"), "held_back": Badge("Held back", "warn")}
    table = table_of(
        rows,
        [
            Column("platform_code", "Vendor"),
            Column("status", "Status"),
            Column("closed_usd", "As closed", "money"),
            Column("now_usd", "Now", "money"),
            Column("adjustment_usd", "To book", "change"),
            Column("first_day", "From day", "day"),
        ],
        name="after",
        caption="What came after the close, US dollars",
        total=("adjustment_usd",),
        badges={"status": words},
    )
    return Card("After the close", "", "US dollars", table=table, width="half")
