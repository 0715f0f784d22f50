"""Budgets: what is left of each, and where it ends at the month's pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.burn import burn
from ai_usage.dashboard.filters import Dimension
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import (
    LABELS,
    filter_bar,
    forbidden,
    respond,
    steps_by,
    unless_forbidden,
)
from ai_usage.dashboard.pages.parts import (
    Badge,
    Card,
    Cell,
    Empty,
    Link,
    Page,
    Part,
    Step,
    Tile,
)
from ai_usage.dashboard.pages.tables import Column
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import budgets as queries
from ai_usage.dashboard.queries.proposal import may_propose
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.days.months import month_of, months_before
from ai_usage.text.figures import count, money, month_name, share, short_money
from ai_usage.text.words import counted, few

PATH = "/budgets"
SCOPES: tuple[Dimension, ...] = ("cost_center", "team", "department", "project", "person")
THINGS = {
    "cost_center": "cost centres",
    "team": "teams",
    "department": "departments",
    "project": "projects",
    "person": "people",
}


def page(request: Request) -> Response:
    """`/budgets`."""
    what = asked(request).in_one_month
    scope = scope_of(what)
    month = month_name(what.filters.last)
    body = Page(
        "budgets",
        "Budgets",
        f"Who keeps to their budget in {month}, and who will not?",
        [tie(what), *_parts(what, scope)],
        filters=filter_bar(what, PATH, (), has_org=False),
        links=[Link("Proposal for the next quarter", f"{PATH}/proposal.csv", is_file=True)]
        if may_propose(what.viewer)
        else (),
    )
    return respond(what, body)


def scope_of(what: Asked) -> Dimension:
    """Whose budgets the address asks for, else the first of which the viewer sees any."""
    known = queries.scopes(what.published)
    if what.filters.by in known:
        return next(scope for scope in SCOPES if scope == what.filters.by)
    for scope in SCOPES:
        try:
            if queries.status(what.published, what.viewer, what.filters, scope).num_rows:
                return scope
        except ForbiddenError:
            continue
    return SCOPES[0]


def _parts(what: Asked, scope: Dimension) -> list[Part]:
    known = queries.scopes(what.published)
    steps = steps_by(what, PATH, [one for one in SCOPES if one in known], scope)
    title = f"By {LABELS[scope].lower()}"
    try:
        source = table(what)
    except ForbiddenError as error:
        return [replace(forbidden(title, error), steps=steps, anchor="by")]
    rows = source.rows
    budgeted = [row for row in rows if row["budget_usd"] is not None]
    shown = _chosen(what, scope, budgeted)
    found: list[Part] = [_tiles(rows, budgeted, scope)]
    if shown is not None:
        found.append(unless_forbidden("Budget burn-down", lambda: _burn(what, scope, shown)))
    found.append(_table(source, steps, title))
    return found


def _chosen(
    what: Asked, scope: Dimension, budgeted: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The budget that the address names, else the one that is used most."""
    named = getattr(what.filters, scope)
    of_name = [row for row in budgeted if row["name"] in named]
    return next(iter(of_name or budgeted), None)


def _burn(what: Asked, scope: Dimension, row: Mapping[str, Any]) -> Card:
    month = what.filters.last
    last = min(what.about.as_of, months_before(month, -1) - timedelta(days=1))
    held: dict[date, Decimal] = {
        day["date"]: day["cost"]
        for day in queries.days(what.published, what.viewer, what.filters, scope, row["name"])
    }
    every = [month + timedelta(days=n) for n in range((last - month).days + 1)]
    table = pa.table(
        {
            "date": pa.array(every, pa.date32()),
            "cost": pa.array([held.get(day, Decimal(0)) for day in every], pa.decimal128(38, 9)),
        }
    )
    forecast = row["forecast_cost"] if row["is_partial"] else None
    chart = burn(table, month, row["budget_usd"], forecast, title=f"{row['label']}: burn-down")
    return Card.of(chart)


def _tiles(
    rows: Sequence[Mapping[str, Any]], budgeted: Sequence[Mapping[str, Any]], scope: Dimension
) -> tuple[Tile, ...]:
    things = THINGS[scope]
    over = [row for row in budgeted if row["is_over_budget"]]
    ahead = [
        row for row in budgeted if row["is_forecast_over_budget"] and not row["is_over_budget"]
    ]
    budget = sum((row["budget_usd"] for row in budgeted), Decimal(0))
    spent = sum((row["cost_to_date"] for row in budgeted), Decimal(0))
    without = sum((row["cost_to_date"] for row in rows if row["budget_usd"] is None), Decimal(0))
    used = f"of {money(budget)} used" if budget else "no budget is set"
    return (
        Tile(
            "Spent of budgets",
            money(spent),
            used,
            share(spent / budget) if budget else "",
        ),
        Tile(
            "Over budget",
            count(len(over)),
            few([row["label"] for row in over], 2) if over else f"no {things[:-1]} is",
            "" if not over else "over:",
            "bad" if over else "",
        ),
        Tile(
            "Will be at this pace",
            count(len(ahead)),
            few([row["label"] for row in ahead], 2) if ahead else "nobody else",
            "",
        ),
        Tile(
            "Without a budget",
            money(without),
            f"cost of {counted(len(rows) - len(budgeted), 'row')}",
        ),
    )


def _state(row: Mapping[str, Any]) -> Cell:
    if row["budget_usd"] is None:
        return Cell("No budget", tone="quiet")
    if row["is_over_budget"]:
        return Cell("", badge=Badge("Over budget", "bad"))
    if row["is_forecast_over_budget"]:
        return Cell("", badge=Badge("Over at this pace", "warn"))
    return Cell("", badge=Badge("Within", "good"))


def table(what: Asked) -> Source:
    """Where each budget of the scope stands."""
    scope, filters = scope_of(what), what.filters
    rows = queries.status(what.published, what.viewer, filters, scope).to_pylist()

    def name(row: Mapping[str, Any]) -> Cell:
        if row["budget_usd"] is None:
            return Cell(row["label"])
        of: dict[str, Any] = {scope: (row["name"],), "by": scope}
        return Cell(row["label"], href=f"{PATH}?{filters.having(**of).address}")

    def used(row: Mapping[str, Any]) -> Cell:
        value = row["used_share"]
        return Cell(share(value), bar=None if value is None else min(float(value), 1.0))

    columns = [
        Column("label", LABELS[scope], cell=name),
        Column("budget_usd", "Budget", "money"),
        Column("cost_to_date", "Spent", "money"),
        Column("used_share", "Used", "share", cell=used),
        Column("remaining_usd", "Left", "money"),
    ]
    if filters.last == month_of(what.about.as_of):
        columns += [
            Column("forecast_cost", "At this pace", "money"),
            Column("forecast_remaining_usd", "Left at this pace", "money"),
        ]
    columns.append(Column("is_over_budget", "Over budget", cell=_state))
    return Source(
        "budgets",
        f"Budgets by {LABELS[scope].lower()}, {month_name(filters.last)}, US dollars",
        rows,
        columns,
        filters,
        PATH,
        total=("budget_usd", "cost_to_date", "forecast_cost"),
    )


def _table(source: Source, steps: list[Step], title: str) -> Card:
    worst = [row for row in source.rows if row["is_over_budget"]]
    text = (
        f"{worst[0]['label']} is {short_money(-worst[0]['remaining_usd'])} over."
        if worst
        else "No budget is overspent."
    )
    nothing = Empty("No cost and no budget", "Nothing is known of this month.")
    return source.card(title, text, "US dollars", empty=nothing, steps=steps)
