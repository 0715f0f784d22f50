"""A disputed invoice: by what it and the facts part, on which days, and what was reported then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.parts import Card, Cell
from ai_usage.dashboard.pages.tables import Column, table_of
from ai_usage.dashboard.queries import close as queries
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.figures import UNKNOWN, day_name, money
from ai_usage.text.words import counted, ranges

ZERO = Decimal(0)
_CYCLE = ("platform_code", "billing_account_id", "period_from", "period_to")


def parted(what: Asked, cycles: Sequence[Mapping[str, Any]]) -> list[Card]:
    """Two cards for each disputed cycle: its sums, and where they part."""
    disputed = [row for row in cycles if row["reconciliation_status"] == "disputed"]
    if not disputed:
        return []
    asked = what.published, what.viewer, what.filters
    billed = queries.invoice_lines(*asked).to_pylist()
    places = queries.partings(*asked).to_pylist()
    try:
        lines, hidden = queries.parted_lines(*asked).to_pylist(), ""
    except ForbiddenError as error:
        lines, hidden = [], str(error)
    cards: list[Card] = []
    for row in disputed:
        cards.append(_sums(row, billed))
        own = [place for place in places if _of(place) == _of(row)]
        if own:
            reported = [line for line in lines if _of(line) == _of(row)]
            cards.append(_days(row, own, reported, hidden))
    return cards


def _of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CYCLE)


def _sums(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Card:
    """A disputed cycle: where its invoices and the facts part, by what is billed."""
    kinds = [
        ("Usage and overage", row["invoiced_usage_usd"], row["facts_usage_usd"]),
        ("Seats", row["invoiced_seats_usd"], row["facts_seats_usd"]),
    ]
    table = table_of(
        [
            {
                "kind": kind,
                "invoiced": billed,
                "facts": facts,
                "difference": (billed or ZERO) - round(facts, 2),
                "lines": ", ".join(
                    f"{line['invoice_id']} line {line['invoice_line']}"
                    for line in lines
                    if line["platform"] == row["platform_code"]
                    and line["period_from"] == row["period_from"]
                    and line["period_to"] == row["period_to"]
                    and line["line_kind"] == ("seat" if kind == "Seats" else "usage")
                ),
            }
            for kind, billed, facts in kinds
        ],
        [
            Column("kind", "What is billed"),
            Column("lines", "Lines"),
            Column("invoiced", "Invoiced", "money"),
            Column("facts", "Our facts", "money"),
            Column("difference", "Difference", "change"),
        ],
        name=f"parted-{row['platform_code']}",
        caption=f"{row['invoice_ids']}: where it and the facts part",
        total=("invoiced", "facts", "difference"),
    )
    return Card(
        f"{row['invoice_ids']} is disputed",
        f"{row['platform_code']}, {day_name(row['period_from'])} to {day_name(row['period_to'])}: "
        f"the invoice is {money(abs(row['difference_usd']))} "
        f"{'above' if row['difference_usd'] > 0 else 'below'} what the vendor reported. "
        f"{'Known: ' + row['residues'] + '.' if row['residues'] else ''}",
        "US dollars",
        table=table,
    )


def _days(
    row: Mapping[str, Any],
    places: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    hidden: str,
) -> Card:
    """The days in words, as `ai-usage invoice --explain` has them; their lines as a table."""
    said = [_said(place) for place in places]
    if hidden:
        said.append(hidden[0].upper() + hidden[1:])
    table = None
    if lines:
        table = table_of(
            lines,
            [
                Column("day", "Day", "day"),
                Column("what", "Reported by the vendor", cell=_what),
                Column("key", "Key"),
                Column("lines", "Lines", "count"),
                Column("cost_usd", "In the facts", "money"),
                Column("archive_page", "Archived answer", cell=_page),
            ],
            name=f"days-{row['platform_code']}",
            caption=f"{row['invoice_ids']}: what was reported on the days where it parts",
            total=("lines", "cost_usd"),
        )
    return Card(
        f"{row['invoice_ids']}: the days where it parts",
        " ".join(said),
        "US dollars" if table else "",
        table=table,
    )


def _said(place: Mapping[str, Any]) -> str:
    name = place["kind"].capitalize()
    if not place["days"]:
        apart = money(place["invoiced_usd"] - place["facts_usd"], signed=True)
        return f"{name} part by {apart}: {place['reason']}."
    return f"{name} part on {ranges(place['days'])}: {place['reason']}."


def _what(line: Mapping[str, Any]) -> Cell:
    return Cell(line["what"] or counted(line["lines"], "more line"))


def _page(line: Mapping[str, Any]) -> Cell:
    return Cell((line["archive_page"] or UNKNOWN)[:12])
