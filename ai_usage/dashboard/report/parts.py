"""What the report of a month says: the pages' own parts, without their links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ai_usage.dashboard.filters import Dimension
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.frame import LABELS, foot, notes, what_of, whose
from ai_usage.dashboard.pages.moved import moved_card
from ai_usage.dashboard.pages.overview import months_card, tiles
from ai_usage.dashboard.pages.parts import Banner, Card, Cell, Table, Tile
from ai_usage.dashboard.pages.spend import days_chart, mix
from ai_usage.dashboard.pages.tables import Column, table_of
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import budgets, overview, spend
from ai_usage.dashboard.queries.seats import waste
from ai_usage.dashboard.queries.ties import ties
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.figures import day_name, month_name
from ai_usage.text.words import few

MOST_ROWS = 30
"""Rows of a table in the report; the dashboard has all."""


@dataclass(frozen=True)
class Report:
    """A month's report: what it is of, for whom, and its parts in their order."""

    title: str
    scope: str
    tie: Banner
    tiles: tuple[Tile, ...]
    cards: tuple[Card, ...]
    notes: tuple[str, ...]
    foot: tuple[str, ...]


def report_of(what: Asked) -> Report:
    """The report of the filters' last month, as the viewer may see it."""
    what = what.in_one_month
    by_month = overview.months(what.published, what.viewer, what.filters)
    rows = by_month.to_pylist()
    found: list[Card | None] = [
        months_card(what, rows),
        moved_card(what),
        mix(what),
        _groups(what, "cost_center", "Cost centres"),
        _groups(what, "project", "Projects"),
        _budgets(what),
        _seats(what),
        _invoices(what),
        days_chart(what),
    ]
    cards = [card for card in found if card is not None and card.empty is None]
    return Report(
        f"AI tools in {month_name(what.filters.last)}",
        _scope(what),
        replace(tie(what), link=None),
        tuple(replace(t, href="") for t in tiles(what, {r["month"]: r["total"] for r in rows})),
        tuple(_unlinked(card) for card in cards),
        tuple(banner.text for banner in notes(by_month)),
        (*foot(what.about), "; ".join(whose(what.viewer))),
    )


def _scope(what: Asked) -> str:
    chosen = [few(list(values), 3) for values in what.filters.selected.values()]
    return ", ".join(chosen) if chosen else what_of(what.viewer)


def _groups(what: Asked, by: Dimension, title: str) -> Card | None:
    """A table of the month by a dimension, the dearest first, the month before beside it."""
    try:
        now = spend.groups(what.published, what.viewer, what.filters, by).to_pylist()
        before = spend.groups_before(what.published, what.viewer, what.filters, by).to_pylist()
    except ForbiddenError:
        return None
    if len(now) < 2:
        return None
    earlier = {row[by]: row["total"] for row in before}
    rows = [
        {"name": row[by], "total": row["total"], "before": earlier.get(row[by])}
        for row in sorted(now, key=lambda row: (-row["total"], str(row[by])))
    ]
    shown = rows[:MOST_ROWS]
    more = len(rows) - len(shown)
    if more:
        rest = sum((row["total"] for row in rows[MOST_ROWS:]), start=0 * rows[0]["total"])
        shown.append({"name": f"{more} more", "total": rest, "before": None})
    columns = [
        Column("name", LABELS[by]),
        Column("total", month_name(what.filters.last, short=True), "money"),
        Column("before", "The month before", "money"),
    ]
    return Card(title, table=table_of(shown, columns, name=by, caption=title, total=("total",)))


def _budgets(what: Asked) -> Card | None:
    """The budgets of cost centres that there are."""
    try:
        found = budgets.status(what.published, what.viewer, what.filters, "cost_center")
    except ForbiddenError:
        return None
    rows = [row for row in found.to_pylist() if row["budget_usd"] is not None][:MOST_ROWS]
    if not rows:
        return None
    columns = [
        Column("label", "Cost centre"),
        Column("budget_usd", "Budget", "money"),
        Column("cost_to_date", "Spent", "money"),
        Column("remaining_usd", "Left", "change"),
        Column("used_share", "Used", "share"),
    ]
    return Card("Budgets", table=table_of(rows, columns, name="budgets", caption="Budgets"))


def _seats(what: Asked) -> Card | None:
    """What seats cost that nobody needs, as of the copy's day."""
    try:
        rows = waste(what.published, what.viewer, what.filters).to_pylist()
    except ForbiddenError:
        return None
    wasted = [row for row in rows if row["wasted_monthly_usd"]]
    if not wasted:
        return None
    columns = [
        Column("platform_name", "Product"),
        Column("idle_reason", "Why"),
        Column("seats", "Seats", "count"),
        Column("wasted_monthly_usd", "A month", "money"),
    ]
    table = table_of(
        wasted, columns, name="seats", caption="Seats", total=("seats", "wasted_monthly_usd")
    )
    return Card("Seats that nobody needs", f"On {day_name(what.about.as_of)}.", table=table)


def _invoices(what: Asked) -> Card | None:
    """The cycles that overlap the month, each tied, open or disputed."""
    found = ties(what.published, what.viewer, what.filters)
    if not found.cycles or not found.sees_amounts:
        return None
    rows = [
        {
            "invoice": cycle.invoices or "none yet",
            "platform": cycle.platform,
            "days": f"{cycle.first:%-d %b} to {cycle.last:%-d %b %Y}",
            "facts": cycle.facts,
            "difference": cycle.difference,
            "status": cycle.status,
            "residues": cycle.residues,
        }
        for cycle in found.cycles
    ]
    columns = [
        Column("invoice", "Invoice"),
        Column("platform", "Vendor"),
        Column("days", "Days"),
        Column("facts", "In the facts", "money"),
        Column("difference", "Billed more or less", "change"),
        Column("status", "Status"),
        Column("residues", "Open or missing"),
    ]
    return Card("Invoices", table=table_of(rows, columns, name="invoices", caption="Invoices"))


def _unlinked(card: Card) -> Card:
    """The card as a file may have it: its links lead nowhere."""
    chart = replace(card.chart, links=()) if card.chart else None
    table = _plain(card.table) if card.table else None
    return replace(card, chart=chart, table=table, links=(), steps=())


def _plain(table: Table) -> Table:
    rows: Sequence[Sequence[Cell]] = [
        [replace(cell, href="", evidence="") for cell in row] for row in table.rows
    ]
    head = [replace(one, sort="", order="") for one in table.head]
    return replace(table, rows=rows, head=head, pager=None)
