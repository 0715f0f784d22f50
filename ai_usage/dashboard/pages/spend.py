"""Spend: where the money goes, by any dimension, as the organisation was or as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.days import days
from ai_usage.dashboard.charts.months import months
from ai_usage.dashboard.charts.palettes import colours
from ai_usage.dashboard.charts.ranked import multiples
from ai_usage.dashboard.charts.shares import shares
from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import (
    KINDS,
    LABELS,
    filter_bar,
    label_of,
    notes,
    period,
    respond,
    seen,
    steps_by,
)
from ai_usage.dashboard.pages.parts import Card, Cell, Empty, Page, Tile
from ai_usage.dashboard.pages.tables import Column
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import spend as queries
from ai_usage.dashboard.scope import notes_of, sees_people
from ai_usage.days.months import month_of, months_before, months_between
from ai_usage.text.figures import count, money, share, short_money

PATH = "/spend"
GROUPS: tuple[Dimension, ...] = (
    "cost_center",
    "department",
    "team",
    "person",
    "project",
    "platform",
    "model",
    "key",
    "kind",
)
"""By what the page groups, and filters."""
THINGS: Mapping[str, str] = {
    "cost_center": "cost centres",
    "department": "departments",
    "team": "teams",
    "person": "people",
    "project": "projects",
    "platform": "platforms",
    "model": "models",
    "key": "keys",
    "kind": "kinds of cost",
}
"""What the groups are called together."""
NOTHING = Empty("No cost", "Nothing was spent in these months on what is chosen.")
DAYS_OF = 12
"""Months up to which days are drawn one by one: a year of bars is still read."""


def page(request: Request) -> Response:
    """`/spend`."""
    what = asked(request)
    by = group_of(what)
    groups = queries.groups(what.published, what.viewer, what.filters, by)
    source = table(what)
    body = Page(
        "spend",
        "Spend",
        "Where does the money go?",
        [
            tie(what),
            *notes(groups),
            _tiles(what, source.rows),
            _groups(what, source, by),
            [months_chart(what), days_chart(what)],
            mix(what),
            *_multiples(what, by),
        ],
        filters=filter_bar(what, PATH, GROUPS),
    )
    return respond(what, body)


def group_of(what: Asked) -> Dimension:
    """The dimension that the address groups by; the first that the role sees if it may not."""
    allowed = seen(what, GROUPS)
    return next((name for name in allowed if name == what.filters.by), allowed[0])


def months_chart(what: Asked, title: str = "Cost by month") -> Card:
    """Twelve months to the last that is asked for, by platform, the year before behind."""
    parts = queries.platforms_by_month(what.published, what.viewer, what.filters)
    both = queries.by_month(what.published, what.viewer, what.filters).to_pylist()
    held: dict[date, Decimal] = {row["month"]: row["total"] for row in both}
    return Card.of(
        months(
            parts.select(["month", "platform", "total"]).rename_columns(["month", "part", "cost"]),
            month_totals(what, held),
            colours(queries.platforms(what.published)),
            title=title,
        ),
        empty=NOTHING,
        width="half",
    )


def month_totals(
    what: Asked,
    held: Mapping[date, Decimal],
    budget: Mapping[date, Decimal] | None = None,
    forecast: Mapping[date, Decimal] | None = None,
) -> pa.Table:
    """A row for each of twelve months from the first with cost on, as the chart takes them."""
    last = what.filters.last
    shown = months_between(months_before(last, 11), last)
    known = sorted(month for month in shown if month in held)
    shown = [month for month in shown if known and month >= known[0]]
    money_type = pa.decimal128(38, 9)
    return pa.table(
        {
            "month": pa.array(shown, pa.date32()),
            "cost": pa.array([held.get(m, Decimal(0)) for m in shown], money_type),
            "budget": pa.array([(budget or {}).get(m) for m in shown], money_type),
            "last_year": pa.array([held.get(months_before(m, 12)) for m in shown], money_type),
            "forecast": pa.array([(forecast or {}).get(m) for m in shown], money_type),
            "is_partial": pa.array([m == month_of(what.about.as_of) for m in shown], pa.bool_()),
        }
    )


def days_chart(what: Asked) -> Card:
    """Every day of the months that are asked for, each leading to its events."""
    found = queries.by_day(what.published, what.viewer, what.filters)
    links = None
    if sees_people(what.viewer):
        links = {day: evidence_href(what.filters, date=day) for day in found["date"].to_pylist()}
    return daily(what, found, links)


def daily(what: Asked, found: pa.Table, links: Mapping[date, str] | None) -> Card:
    """The days of `date`, `total` and `provisional`, up to the day that the copy is seen from."""
    held = {row["date"]: row for row in found.to_pylist()}
    if not held:
        why = "; ".join(notes_of(found)) or NOTHING.why
        return Card("Cost by day", empty=Empty("No days", why), width="half")
    end = min(what.about.as_of, months_before(what.filters.last, -1) - timedelta(days=1))
    start = min(held)
    shown = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    table = pa.table(
        {
            "date": pa.array(shown, pa.date32()),
            "cost": pa.array(
                [held[d]["total"] if d in held else Decimal(0) for d in shown],
                pa.decimal128(38, 9),
            ),
            "is_provisional": pa.array(
                [bool(d in held and held[d]["provisional"]) for d in shown], pa.bool_()
            ),
        }
    )
    return Card.of(days(table, links=links), width="half")


def evidence_href(filters: Filters, **more: Any) -> str:
    """Where the events behind a figure are: of one day and the selection."""
    items = [item for item in filters.items() if item[0] not in ("sort", "page", "by")]
    return f"/evidence?{urlencode([*items, *((k, str(v)) for k, v in more.items())])}"


def mix(what: Asked) -> Card:
    """What each platform has of the months' cost."""
    found = queries.groups(what.published, what.viewer, what.filters, "platform")
    rows = [
        (period(what.filters), row["platform"], row["total"])
        for row in sorted(found.to_pylist(), key=lambda row: -row["total"])
    ]
    table = pa.table(
        {
            "row": pa.array([row[0] for row in rows], pa.string()),
            "part": pa.array([row[1] for row in rows], pa.string()),
            "value": pa.array([row[2] for row in rows], pa.decimal128(38, 9)),
        }
    )
    given = colours(queries.platforms(what.published))
    return Card.of(
        shares(table, given, name="mix", title="Platform mix"), empty=NOTHING, width="half"
    )


def is_running(what: Asked) -> bool:
    """Whether the last month that is asked for is not over: a part is no match for a whole."""
    return what.filters.last == month_of(what.about.as_of)


def _tiles(what: Asked, rows: Sequence[Mapping[str, Any]]) -> tuple[Tile, ...]:
    total = sum((row["total"] for row in rows), Decimal(0))
    first = Tile(
        period(what.filters) + (" so far" if is_running(what) else ""),
        money(total),
        "all that is chosen" if what.filters.selected else "all that you may see",
    )
    return (first, *bearers(what, total))


def bearers(what: Asked, total: Decimal) -> list[Tile]:
    """Who bears the `total` of what is chosen, and what of it is nobody's or not final."""
    whole = queries.everything(what.published, what.viewer, what.filters)
    people = whole["people"]
    each = whole["allocated"] / people if people and whole["allocated"] is not None else None
    found = [
        Tile("People who cost", count(people), "bear any of it"),
        Tile("Cost per person", money(each), "of what people bear"),
    ]
    if whole["allocated"] is not None and total:
        left = total - whole["allocated"]
        found.append(
            Tile("Borne by nobody", money(left), "shared or unattributed", share(left / total))
        )
    if whole["provisional"] is not None:
        found.append(
            Tile("Not final", money(whole["provisional"]), "the vendor may still change it")
        )
    return found


def _with_before(what: Asked, groups: pa.Table, by: Dimension) -> list[dict[str, Any]]:
    """The groups, dearest first, each with its share and what it cost in the months before."""
    found = queries.groups_before(what.published, what.viewer, what.filters, by).to_pylist()
    before = {row[by]: row["total"] for row in found}
    rows = groups.to_pylist()
    total = sum((row["total"] for row in rows), Decimal(0))
    return [
        {
            **row,
            "name": label_of(by, row[by]),
            "share": row["total"] / total if total else None,
            "before": before.get(row[by], Decimal(0)),
        }
        for row in sorted(rows, key=lambda row: (-row["total"], row[by]))
    ]


def table(what: Asked) -> Source:
    """The groups, dearest first, with what they cost in the months before."""
    by, filters = group_of(what), what.filters
    rows = _with_before(what, queries.groups(what.published, what.viewer, what.filters, by), by)

    def cell(row: Mapping[str, Any]) -> Cell:
        if row["is_merged"]:
            return Cell(row["name"])
        return Cell(row["name"], href=f"{PATH}?{filters.having(**{by: (row[by],)}).address}")

    earlier = filters.back(len(filters.months))
    columns = [
        Column("name", LABELS[by], cell=cell),
        Column("total", period(filters), "money", bar=True),
        Column("share", "Share", "share"),
        Column("before", period(earlier), "money"),
        Column("people", "People", "count", help="Who bear any of it"),
    ]
    if any(row["usage"] is not None for row in rows):
        columns += [Column(kind, label, "money") for kind, label in KINDS.items()]
    return Source(
        "groups",
        f"Cost by {LABELS[by].lower()}, {period(filters)}, US dollars",
        rows,
        columns,
        filters,
        PATH,
        total=("total", "before", *KINDS),
    )


def _groups(what: Asked, source: Source, by: Dimension) -> Card:
    return source.card(
        f"By {LABELS[by].lower()}",
        _sentence(source.rows, is_running(what)),
        "US dollars",
        empty=NOTHING,
        steps=steps_by(what, PATH, seen(what, GROUPS), by),
    )


def _sentence(rows: Sequence[Mapping[str, Any]], is_running: bool) -> str:
    total = sum((row["total"] for row in rows), Decimal(0))
    if not rows or not total:
        return ""
    first = rows[0]
    text = f"{share(first['total'] / total)} of {short_money(total)} falls to {first['name']}"
    change = max(rows, key=lambda row: abs(row["total"] - row["before"]))
    moved = change["total"] - change["before"]
    if moved and not is_running:
        text += (
            f"; {change['name']} moved most against the months before, "
            f"{short_money(moved, signed=True)}"
        )
    return f"{text}."


def _multiples(what: Asked, by: Dimension) -> list[Card]:
    if len(what.filters.months) > DAYS_OF or not sees_people(what.viewer):
        return []
    found = queries.groups_by_day(what.published, what.viewer, what.filters, by)
    if len(set(found[by].to_pylist())) < 2:
        return []
    table = found.select([by, "date", "total"]).rename_columns(["name", "date", "cost"])
    drawn = multiples(table, name="by-day")
    return [
        Card(
            f"{THINGS[by].capitalize()} by day",
            "The dearest first, all on one scale.",
            "US dollars a UTC day",
            multiples=drawn,
            anchor="by-day",
        )
    ]
