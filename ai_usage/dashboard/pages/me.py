"""My usage: what is known of the viewer, and who may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.monthly import monthly
from ai_usage.dashboard.charts.months import months
from ai_usage.dashboard.charts.palettes import colours
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import filter_bar, notes, respond
from ai_usage.dashboard.pages.parts import Badge, Card, Cell, Empty, Gauge, Page, Part, Tile
from ai_usage.dashboard.pages.spend import daily, month_totals
from ai_usage.dashboard.pages.tables import Column
from ai_usage.dashboard.queries import me as queries
from ai_usage.dashboard.queries import spend as spending
from ai_usage.days.months import months_before
from ai_usage.text.figures import count, money, month_name, share, short_count

PATH = "/me"
MEASURES = {
    "active_days": "Active days",
    "session_count": "Sessions",
    "request_count": "Requests",
    "total_tokens": "Tokens",
    "lines_accepted": "Accepted lines",
    "commits": "Commits",
    "pull_requests": "Pull requests",
}


def page(request: Request) -> Response:
    """`/me`."""
    what = asked(request).in_one_month
    body = Page(
        "me",
        "My usage",
        "What is known of me, and who may see it?",
        _parts(what),
        filters=filter_bar(what, PATH, (), has_org=False),
    )
    return respond(what, body)


def _parts(what: Asked) -> list[Part | list[Card]]:
    if not what.viewer.email:
        return [
            Card(
                "My usage",
                empty=Empty(
                    "Nobody is signed in",
                    "The dashboard runs for this machine’s owner. Start it with --as and an "  # noqa: RUF001
                    "address to see the page as that person does.",
                ),
            )
        ]
    published, viewer, filters = what.published, what.viewer, what.filters
    cost = queries.cost(published, viewer, filters)
    done = queries.done(published, viewer, filters)
    if not cost.num_rows and not done.num_rows:
        return [
            Card(
                "My usage",
                empty=Empty(
                    "Nothing is known of you",
                    f"No cost and no usage of {viewer.email} in the year to "
                    f"{month_name(filters.last)}.",
                ),
            ),
            _onlookers(what),
        ]
    held: dict[date, Decimal] = defaultdict(Decimal)
    for row in cost.to_pylist():
        held[row["month"]] += row["total"]
    by_month = {row["month"]: row for row in done.to_pylist()}
    drawn = months(
        cost.select(["month", "platform", "total"]).rename_columns(["month", "part", "cost"]),
        month_totals(what, held),
        colours(spending.platforms(published)),
        title="My cost by month",
    )
    lines = pa.table(
        {
            "month": pa.array(sorted(by_month), pa.date32()),
            "value": pa.array(
                [by_month[month]["lines_accepted"] for month in sorted(by_month)], pa.int64()
            ),
        }
    )
    return [
        *notes(cost, done),
        _tiles(what, held, by_month),
        [
            Card.of(drawn, width="half"),
            Card.of(
                monthly(lines, name="lines", title="My accepted lines", unit="lines", height=260),
                width="half",
                empty=Empty("No lines", "No tool reports lines of yours."),
            ),
        ],
        daily(what, queries.days(published, viewer, filters), None),
        [_seats(what), _onlookers(what)],
        _known(by_month, filters.last),
    ]


def _tiles(
    what: Asked, held: Mapping[date, Decimal], by_month: Mapping[date, Mapping[str, Any]]
) -> tuple[Tile, ...]:
    month = what.filters.last
    now, earlier = by_month.get(month), by_month.get(months_before(month, 1))
    budget = queries.budget(what.published, what.viewer, what.filters)
    cost = held.get(month, Decimal(0))
    before = held.get(months_before(month, 1), Decimal(0))
    found = [Tile("My cost", money(cost), f"{money(before)} the month before")]
    if budget and budget["budget_usd"]:
        used = cost / budget["budget_usd"]
        found.append(
            Tile(
                "My budget",
                money(budget["budget_usd"]),
                "used",
                share(used),
                "bad" if used > 1 else "",
                gauge=Gauge(float(used)),
            )
        )
    for name in ("active_days", "lines_accepted", "commits"):
        if now and now[name] is not None:
            was = f"{count(earlier[name])} the month before" if earlier else ""
            found.append(Tile(MEASURES[name], short_count(now[name]), was))
    return tuple(found)


def _seats(what: Asked) -> Card:
    def state(row: Mapping[str, Any]) -> Cell:
        if row["idle_reason"]:
            return Cell("", badge=Badge(row["idle_reason"].capitalize(), "warn"))
        return Cell("", badge=Badge("In use", "good"))

    return Source(
        "seats",
        "Seats paid for me today, US dollars",
        queries.seats(what.published, what.viewer).to_pylist(),
        [
            Column("platform_name", "Product"),
            Column("plan", "Plan"),
            Column("last_activity_date", "Last used", "day"),
            Column("monthly_price_usd", "A month", "money"),
            Column("idle_reason", "State", cell=state),
        ],
        what.filters,
        PATH,
    ).card(
        "My seats",
        "Paid for today.",
        "US dollars",
        empty=Empty("No seat", "No seat is paid for you."),
        width="half",
        has_file=False,
    )


_ROLES = {"lead": "Your lead", "admin": "Admins", "finance": "Finance"}


def _onlookers(what: Asked) -> Card:
    rows = [
        {
            "who": found.who or _ROLES.get(found.role, found.role.value),
            "role": found.role.value,
            "money": found.money,
            "behaviour": found.behaviour,
        }
        for found in queries.who_may_see_it(what.published, what.viewer)
    ]
    return Source(
        "onlookers",
        "Who may see my figures by name",
        rows,
        [
            Column("who", "Who"),
            Column("role", "As"),
            Column("money", "My dollars", "flag"),
            Column("behaviour", "What I do", "flag"),
        ],
        what.filters,
        PATH,
    ).card(
        "Who may see this",
        "By name. Everybody else sees groups of people that hide each of them.",
        width="half",
        has_file=False,
    )


def table(what: Asked) -> Source:
    """What the viewer did, month by month."""
    rows = queries.done(what.published, what.viewer, what.filters).to_pylist()
    return Source(
        "months",
        "What is known of me, by month",
        sorted(rows, key=lambda row: row["month"], reverse=True),
        [
            Column("month", "Month", "month"),
            *(Column(name, label, "count") for name, label in MEASURES.items()),
        ],
        what.filters,
        PATH,
    )


def _known(by_month: Mapping[date, Mapping[str, Any]], month: date) -> Card:
    row = by_month.get(month)
    facts = [(label, Cell(count(row[name] if row else None))) for name, label in MEASURES.items()]
    return Card(
        f"All that is known of {month_name(month)}",
        "A dash is what no tool reports: it is not nought.",
        facts=facts,
    )
